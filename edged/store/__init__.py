"""What is kept on disk: what happened here, and what the cloud said."""
