"""What happens at a reader: from a text that was read to an answer, and what is shown of it."""
