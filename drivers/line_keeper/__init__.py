"""The process that alone owns the output lines, and its client in the daemon."""
