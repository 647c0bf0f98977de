"""Bugs planted on purpose, each with the check that has to catch it."""
