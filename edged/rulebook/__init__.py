"""The rules file: its shapes, its reading, and its way to become active."""
