"""The daemon: the only package that knows policy, drivers and cloud_link."""
