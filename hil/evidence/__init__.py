"""What is claimed, the commands that show it, and what they last said."""
