"""Two stores of one tenant in one folder: broker, reference cloud, two buildings, two daemons."""
