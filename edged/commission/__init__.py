"""Putting a device into service, and looking whether it still is."""
