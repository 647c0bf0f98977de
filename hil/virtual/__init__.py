"""A site in one process on virtual time: the real daemon and building, no waiting, no luck."""
