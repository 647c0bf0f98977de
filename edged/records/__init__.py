"""What is written down after it happened, what is only counted, and who keeps the journal open."""
