"""Days at a door on virtual time, from one seed: people, faults, and laws that must hold."""
