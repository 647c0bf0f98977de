"""The daemon's side of the cloud: what the link is given (README.md)."""
