"""A device as a virtual machine: a real kernel, systemd, a header, scanners with plugs."""
