"""The laws of a door, held against the machine that works one, for as many steps as wanted."""
