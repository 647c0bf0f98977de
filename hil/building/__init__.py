"""The virtual building (README.md): imports nothing of the daemon."""
