"""A chain of simulated devices at one broker and one reference cloud (README.md)."""
