"""Limits of what is kept on disk, each with its unit and its reason."""

from datetime import timedelta
from typing import Final

WAITING: Final = 256
"""Transactions that may wait for the writer, and so the most that share one commit: a burst at
every reader of the largest building. Whoever comes after is told BUSY instead of waiting."""

LOCK_S: Final = 1.0
"""Seconds to wait for another process's lock; only readers are expected beside the writer."""

COPY_AFTER: Final = 200
"""Transactions after which the log is copied into the file: about 4 MB. A copying costs two syncs
beside the writer and one of the commit that follows, so it is to be rare among commits."""

QUIET_S: Final = 0.05
"""Seconds without a commit that are the pause which the copying waits for."""

COPY_LOOKS: Final = 20
"""How often such a pause is looked for at least, so 1 s."""

COPY_LATEST: Final = 2 * COPY_AFTER
"""Transactions after which it is done in the midst of them, if no pause came: as many as `LOG_ROOM`
has room for. Whoever comes then waits for a second sync."""

LOG_ROOM: Final = 8 * 1024 * 1024
"""Bytes that the log is given at the start: what comes until it is copied, and as much again."""

LOG_LEAVES: Final = 8 * LOG_ROOM
"""Bytes that have to be free for it: a disk that is nearly full has better use for them."""

LOG_PIECE: Final = 256 * 1024
"""Bytes of it that are written at a time: an entry that comes meanwhile waits 25 ms at 10 MB/s."""

SYNC_PIECE: Final = 64 * 1024
"""Bytes of a large file that are brought to the disk at a time: an entry that comes meanwhile waits
6 ms at 10 MB/s. Rules of 100,000 members are 25 MB at the least: all at once it waits 2.5 s."""

SYNC_REST: Final = 2
"""How many times as long as a piece took the disk is then left to others: two entries of three meet
no piece, and those rules take 7.5 s at 10 MB/s."""

CHECKPOINT_PAGES: Final = 4_096
"""WAL pages (of 4 KiB, so 16 MB) after which the commit itself copies them: the log is bounded even
where commits never pause."""

WAL_BYTES: Final = CHECKPOINT_PAGES * 4_096
"""What the WAL file is cut back to after a checkpoint. It keeps its size below that: a file that
grows makes every sync dearer."""

RECORD_BYTES: Final = 16 * 1024
"""One audit record. A decision with its whole trace is about 2 KB."""

PAGE_RECORDS: Final = 1_000
"""Records read at a time by the audit readers: a short read never holds back a checkpoint."""

COSIGNED_EVERY: Final = 200
"""Records between two cosigned checkpoints that are kept; those between them prove nothing more. It
is a batch of the link (cloud_link/README.md)."""

ANSWERED: Final = 10_000
"""Commands of the cloud whose answers are kept: a copy comes within 7 days, and a device gets a
handful a day."""

KEPT: Final = timedelta(days=30)
"""How long a record is kept here after the cloud has it: a month for whoever asks at the door."""

KEPT_LEAST: Final = timedelta(hours=120)
"""How long it is kept even where there is little room: EN 60839-11-1, grades 3 and 4."""

AUDIT_BYTES: Final = 512 * 1024 * 1024
"""A journal that is larger keeps records for `KEPT_LEAST` only: a month of 20,000 records a day is
420 MB, and a card has 8 GB."""

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
