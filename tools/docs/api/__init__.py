"""The Hub's HTTP API, as its OpenAPI document describes it."""
