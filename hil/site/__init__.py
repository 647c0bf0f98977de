"""A whole site in one folder: the virtual building, the settings, the rules, the daemon."""
