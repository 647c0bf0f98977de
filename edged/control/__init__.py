"""The one local interface: JSON lines at a Unix socket."""
