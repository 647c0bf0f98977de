"""A long stream of people at one door, and what the daemon costs while it lasts."""
