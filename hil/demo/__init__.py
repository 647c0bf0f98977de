"""What `make run` plays before a newcomer's eyes."""
