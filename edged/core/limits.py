"""What bounds the state machines; each with its unit and its reason."""

REMEMBERED_TEXTS = 8
"""Texts a reader remembers: more than people show one reader at a time (spec/credentials.md)."""

RELEASE_MAX_MS = 60_000
"""Milliseconds of one release: the longest that any lock takes (spec/rules.md 6, row 38)."""

RELOCK_DELAY_MS = 500
"""Milliseconds from the door's opening to the bolt's return: the leaf must have left the
strike, or the bolt meets it (spec/hardware.md 9.2)."""

LOCK_LAG_MS = 500
"""Milliseconds that a lock may end a release after our count: it starts counting only when the
order has reached it, and a contact takes its time too. A door opened in between is not forced."""

PENDING_GRANTS = 16
"""Grants that wait for the door to open: far more than people who pass at one opening."""
