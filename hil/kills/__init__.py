"""The daemon is killed at random moments, and nothing that the building saw is missing."""
