"""A broker that lies, between a cloud that does not and a device that must not be fooled."""
