"""The camera decoder: a program of its own that turns pictures into texts, and nothing else."""
