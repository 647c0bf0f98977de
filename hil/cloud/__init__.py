"""The reference cloud: the other side of the contract in cloud_link/README.md (README.md)."""
