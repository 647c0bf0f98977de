"""The virtual building in a browser: doors to push, lockers, a phone, switches and a clock."""
