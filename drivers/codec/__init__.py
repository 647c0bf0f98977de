"""Frames to values and back, without I/O."""
