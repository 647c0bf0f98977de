"""What needs a person right now: who finds it, where it is up, what sounds."""
