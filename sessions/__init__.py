"""Operations in, events out: the one way a front end drives the agent."""
