"""What would be, and what has been: questions about rules and records, for people. Reads only."""
