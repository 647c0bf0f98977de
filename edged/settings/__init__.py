"""The settings file: what is wired to what on this device, and the ceilings."""
