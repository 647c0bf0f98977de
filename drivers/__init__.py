"""Hardware: bytes and bolts, never members. Start at drivers/api.py and the README."""
