"""Counter terminals: what members are given there, and what is written of it."""
