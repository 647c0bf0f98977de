"""Forged codes, held against what reads codes at a door (README.md)."""
