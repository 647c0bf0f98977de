"""Limits of what is kept on disk, each with its unit and its reason."""

from typing import Final

WAITING: Final = 256
"""Transactions that may wait for the writer, and so the most that share one commit: a burst at
every reader of the largest building. Whoever comes after is told BUSY instead of waiting."""

LOCK_S: Final = 1.0
"""Seconds to wait for another process's lock; only readers are expected beside the writer."""

CHECKPOINT_PAGES: Final = 250
"""WAL pages (of 4 KiB, so 1 MB) after which SQLite copies them into the file."""

WAL_BYTES: Final = 4 * 1024 * 1024
"""What the WAL file is cut back to after a checkpoint, so that one burst takes no card space
for good."""

RECORD_BYTES: Final = 16 * 1024
"""One audit record. A decision with its whole trace is about 2 KB."""

PAGE_RECORDS: Final = 1_000
"""Records read at a time by the audit readers: a short read never holds back a checkpoint."""

LOCKER_COMMANDS: Final = 10_000
"""Commands to lockers whose ids are remembered: months of a busy bank, and a copy comes within
minutes."""

RULES_FILE_BYTES: Final = 128 * 1024 * 1024
"""A rules file: 100,000 members at 1 KB, and room. It is read off the scan path."""

RECORDS: Final = 1_000
"""Stores, plans, doors, devices or staff of one rule set: a device serves one tenant's one
region."""

MEMBERS: Final = 200_000
"""Members of one rule set: twice what start-up and memory are measured with."""

ENTRIES: Final = 400
"""Entries of one list or table in a record: more than a year of holidays or bookings."""

TEXT_CHARS: Final = 64
"""An id, a band kind, a name: what fits on a line of a screen and in a log."""

FAULTS: Final = 1_000
"""Faults reported of one rules file: one that is wrong all over needs no longer list."""
