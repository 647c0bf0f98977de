"""Banks of lockers: who is given which one, what opens it, and what staff may order."""
