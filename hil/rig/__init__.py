"""The real bench: two Raspberry Pis back to back."""
