"""The journal after a power cut: every state of the disk that one may leave."""
