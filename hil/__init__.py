"""Hardware in the loop, and what stands for it: never installed (README.md)."""
