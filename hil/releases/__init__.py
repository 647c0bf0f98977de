"""What an earlier release decided and wrote, and what this one makes of it (README.md)."""
