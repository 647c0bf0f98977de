"""The Debian package, installed, upgraded, rolled back and purged under a systemd of its own."""
