"""`python -m hil.cloud`: a file for each group of commands (../README.md)."""
