"""The five nodes of the graph: read state, ask a policy, act once, return an update."""
