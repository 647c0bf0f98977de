"""What can go wrong with the files: one class for each thing that a caller does differently."""

import sqlite3
from enum import StrEnum
from pathlib import Path


class StoreError(Exception):
    """Anything that the store raises on purpose."""


class FailKind(StrEnum):
    """Why something could not be stored or read.

    FULL: no room now; works again by itself when room returns. IO: the disk refused.
    CORRUPT: what was read is not what was written. BUSY: too many are waiting, or another
    process holds the file. CLOSED: the store is not open, or is being closed.
    """

    FULL = "full"
    IO = "io"
    CORRUPT = "corrupt"
    BUSY = "busy"
    CLOSED = "closed"


class StoreFailed(StoreError):
    """Nothing of the transaction is stored, or the answer could not be read.

    `doubtful`: it may be stored all the same, and be found when the file is opened again.
    """

    def __init__(self, kind: FailKind, detail: str, *, doubtful: bool = False) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.doubtful = doubtful


class SchemaTooNew(StoreError):
    """A newer release wrote this file; it was left as it is."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(f"{path}: schema version {found}, this release knows up to {known}")
        self.path = path
        self.found = found
        self.known = known


class StateInUse(StoreError):
    """Another process works in this state directory. `pid` None: it did not say who it is."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        super().__init__(f"{folder} is in use by process {pid or 'unknown'}")
        self.folder = folder
        self.pid = pid


class RulesRefused(StoreError):
    """These rules may not replace the active ones, which stay in force."""

    def __init__(self, version: int, reason: str) -> None:
        super().__init__(f"rules version {version} refused: {reason}")
        self.version = version
        self.reason = reason


_KINDS = {
    sqlite3.SQLITE_FULL: FailKind.FULL,
    sqlite3.SQLITE_IOERR: FailKind.IO,
    sqlite3.SQLITE_READONLY: FailKind.IO,
    sqlite3.SQLITE_CANTOPEN: FailKind.IO,
    sqlite3.SQLITE_PERM: FailKind.IO,
    sqlite3.SQLITE_CORRUPT: FailKind.CORRUPT,
    sqlite3.SQLITE_NOTADB: FailKind.CORRUPT,
    sqlite3.SQLITE_BUSY: FailKind.BUSY,
    sqlite3.SQLITE_LOCKED: FailKind.BUSY,
    sqlite3.SQLITE_NOMEM: FailKind.IO,
}


def store_failure(error: sqlite3.Error) -> StoreFailed | None:
    """Say which failure of the file an SQLite error is; None: it is a mistake of the caller."""
    code = getattr(error, "sqlite_errorcode", None)
    kind = None if code is None else _KINDS.get(code & 0xFF)
    return None if kind is None else StoreFailed(kind, str(error))
