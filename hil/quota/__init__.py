"""A limit at stores that hear of each other late, or not at all: how far it can be passed."""
