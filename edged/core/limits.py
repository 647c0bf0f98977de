"""What bounds the state machines; each with its unit and its reason."""

REMEMBERED_TEXTS = 8
"""Texts a reader remembers: more than people show one reader at a time (spec/credentials.md)."""

RELEASE_MAX_MS = 60_000
"""Milliseconds of one release: the longest that any lock takes (spec/rules.md 6, row 38)."""

LOCK_LAG_MS = 500
"""Milliseconds that a lock may end a release after our count: it starts counting only when the
order has reached it, and a contact takes its time too. A door opened in between is not forced."""

PENDING_GRANTS = 16
"""Grants that wait for the door to open: far more than people who pass at one opening."""

HOLD_MS = 15_000
"""Milliseconds that a lock is told to stay released while a door stands open: what is left of it
is all that a daemon which died leaves behind (ARCHITECTURE, invariant 4)."""

HOLD_RENEW_MS = 5_000
"""Milliseconds between two such orders: two may be lost before the bolt falls."""

FORCED_AFTER_MS = 200
"""Milliseconds that a door is seen open before it is forced: a contact bounces for tens of them,
and a button in the handle may report after it; 400 must be noticed (EN 60839-11-1)."""

BOND_MS = 2_000
"""Milliseconds that a bolt has to take hold: a magnet needs a fraction of one second."""
