"""Measurements of speed and of what is read. See README.md."""
