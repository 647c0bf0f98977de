"""The schemas, as the steps that made them. Append only: a shipped step never changes."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edged.store import checksum
from edged.store.errors import SchemaTooNew

Steps = tuple[tuple[str | Callable[[sqlite3.Connection], None], ...], ...]

JOURNAL: Final[Steps] = (
    (
        # The record is the outbox entry: `hash` is its SHA-256, and the next record's `prev`.
        """CREATE TABLE audit (
            seq INTEGER PRIMARY KEY, record BLOB NOT NULL, hash BLOB NOT NULL
        ) STRICT""",
        # One row an event that supports a key; rows are only added. `store` '' = no store.
        """CREATE TABLE usage (
            owner TEXT NOT NULL, service_date TEXT NOT NULL, band TEXT NOT NULL,
            store TEXT NOT NULL, event TEXT NOT NULL,
            PRIMARY KEY (owner, service_date, band, store, event)
        ) STRICT, WITHOUT ROWID""",
        "CREATE TABLE withdrawn (event TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
        """CREATE TABLE visit (
            member TEXT NOT NULL, store TEXT NOT NULL, since TEXT NOT NULL, until TEXT,
            device TEXT NOT NULL, via TEXT NOT NULL, band TEXT,
            PRIMARY KEY (member, store)
        ) STRICT, WITHOUT ROWID""",
        "CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        # The entry that made the visit: it ends with it when nobody came in.
        "ALTER TABLE visit ADD COLUMN event TEXT NOT NULL DEFAULT ''",
        # Codes that open no more, each until the instant after which it has expired anyway.
        """CREATE TABLE spent (
            code TEXT PRIMARY KEY, until TEXT NOT NULL, event TEXT NOT NULL
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX spent_until ON spent (until)",
        # The last change that was made here of a seat that somebody holds; `io` IN, OUT or FREE.
        """CREATE TABLE seat (
            store TEXT NOT NULL, seat TEXT NOT NULL, member TEXT NOT NULL, product TEXT NOT NULL,
            io TEXT NOT NULL, since TEXT NOT NULL,
            PRIMARY KEY (store, seat)
        ) STRICT, WITHOUT ROWID""",
        # Names of what is done once and never again.
        "CREATE TABLE once (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    ),
    (
        # A locker, the use of it, and the ending under way; the words are those of the rules.
        """CREATE TABLE locker (
            id TEXT PRIMARY KEY, state TEXT NOT NULL,
            occupancy TEXT, member TEXT, start TEXT, until TEXT, product TEXT, pin_hash BLOB,
            moved_from TEXT, opened_late INTEGER,
            command TEXT, word TEXT, back TEXT, before_end INTEGER, moved_to TEXT, progress TEXT
        ) STRICT, WITHOUT ROWID""",
        # Each command that was taken, so that its copy has no second effect.
        """CREATE TABLE locker_command (
            n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, locker TEXT NOT NULL,
            verb TEXT NOT NULL, who TEXT NOT NULL, device TEXT, result TEXT
        ) STRICT""",
    ),
    (
        # Bookings that were marked as attended here, each by the entry that did it.
        """CREATE TABLE checked_in (
            member TEXT NOT NULL, booking TEXT NOT NULL, event TEXT NOT NULL,
            PRIMARY KEY (member, booking)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX checked_in_event ON checked_in (event)",
    ),
    (
        # Checkpoints that the cloud signed, with the hash of their record: where the audit may be
        # cut. `acked` is when that came, NULL while no clock could be believed.
        """CREATE TABLE cosigned (
            seq INTEGER PRIMARY KEY, head BLOB NOT NULL, envelope BLOB NOT NULL, acked TEXT
        ) STRICT""",
        # Commands of the cloud that were answered, by id: a copy gets the first one's answer.
        """CREATE TABLE answered (
            n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest BLOB NOT NULL,
            answer TEXT NOT NULL
        ) STRICT""",
        # Another one for every journal that does not continue its past.
        "INSERT INTO state VALUES ('epoch', json_quote(lower(hex(randomblob(8)))))",
        # A journal that began empty: what it can't know may be asked for, once.
        "INSERT INTO state SELECT 'fresh', 'true' WHERE NOT EXISTS (SELECT 1 FROM audit)",
    ),
    (
        # The last step of each member's phone that was granted, by handle, and by how many steps
        # the phone is ahead.
        """CREATE TABLE step (
            member TEXT PRIMARY KEY, step INTEGER NOT NULL, ahead INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
        # One row for each use of a user's code of a booking; `until` as in `spent`.
        """CREATE TABLE booking_use (
            booking TEXT NOT NULL, user TEXT NOT NULL, event TEXT NOT NULL, until TEXT NOT NULL,
            PRIMARY KEY (booking, user, event)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX booking_use_event ON booking_use (event)",
        "CREATE INDEX booking_use_until ON booking_use (until)",
    ),
    (
        # One row: the hash of the newest record, and the sum of all rows beside the audit then.
        """CREATE TABLE checksum (
            one INTEGER PRIMARY KEY CHECK (one = 1), head BLOB NOT NULL, total INTEGER NOT NULL
        ) STRICT""",
        checksum.begin,
    ),
)

RULES: Final[Steps] = (
    (
        # One row. `digest`, here and below, is that of the rest of the row: bit rot shows.
        """CREATE TABLE base (
            one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL,
            fingerprint TEXT NOT NULL, document BLOB NOT NULL, digest BLOB NOT NULL
        ) STRICT""",
        """CREATE TABLE member (
            handle BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE,
            body BLOB NOT NULL, digest BLOB NOT NULL
        ) STRICT, WITHOUT ROWID""",
    ),
    (
        # What only one member can have, so that a change of some needs not read the others.
        """CREATE TABLE owned (
            kind TEXT NOT NULL, id TEXT NOT NULL, member TEXT NOT NULL, PRIMARY KEY (kind, id)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX owned_member ON owned (member)",
        # The manifest that the file was built from; none: it was a rules file.
        """CREATE TABLE source (
            one INTEGER PRIMARY KEY CHECK (one = 1), manifest BLOB NOT NULL
        ) STRICT""",
    ),
    (
        # Whose each plain code is: `hash` is that of the text, with the store's pepper.
        """CREATE TABLE plain (
            kind TEXT NOT NULL, hash BLOB NOT NULL, handle BLOB NOT NULL, digest BLOB NOT NULL,
            PRIMARY KEY (kind, hash)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX plain_handle ON plain (handle)",
    ),
)


def check_version(db: sqlite3.Connection, path: Path, steps: Steps) -> int:
    """Read the schema version of the file, 0 when it is new.

    Raises:
        SchemaTooNew: This release does not know it.
    """
    (found,) = db.execute("PRAGMA user_version").fetchone()
    if found > len(steps):
        raise SchemaTooNew(path, found, len(steps))
    return int(found)


def migrate(db: sqlite3.Connection, path: Path, steps: Steps) -> int:
    """Bring the file to `len(steps)`, each step whole or not at all; return the steps run.

    `db` is in autocommit (isolation_level None).

    Raises:
        SchemaTooNew: A newer release wrote the file. Nothing was changed.
    """
    found = check_version(db, path, steps)
    for version, statements in enumerate(steps[found:], start=found + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                if callable(statement):
                    statement(db)
                else:
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {version:d}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    return len(steps) - found
