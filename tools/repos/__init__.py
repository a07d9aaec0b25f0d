"""Repositories of the Hub: their files, branches, pull requests and settings."""
