"""What the disk fails under (`failing.py`): its program, its calls, and what must hold of it."""

import asyncio
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hil.crash import stubborn_identity, stubborn_rules
from hil.crash.verdict import judge

Calls = Mapping[str, tuple[str, ...]]
"""What may fail, by the word of the kernel with which it does."""

_STORED: Final = re.compile(r"^stored (\d+)$", re.MULTILINE)
_DATABASE: Final[Calls] = {
    "EIO": ("openat", "pread64", "pwrite64", "fdatasync", "fsync", "ftruncate", "unlink"),
    "ENOSPC": ("openat", "pwrite64", "ftruncate"),
}
_FILES: Final[Calls] = {
    "EIO": (
        *("openat", "read", "pread64", "write", "pwrite64", "sendfile", "fdatasync", "fsync"),
        *("ftruncate", "mkdir", "rename", "symlink", "readlink", "unlink", "unlinkat", "rmdir"),
        *("newfstatat", "getdents64"),
    ),
    "ENOSPC": ("openat", "write", "pwrite64", "sendfile", "mkdir", "rename", "symlink"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """A program that goes on whatever the disk says.

    It is given a folder, and on its standard input what the run before it said; 0: it came to
    its end. Only calls to what lies `below` (in that folder) fail. `wrong`: says what must not be
    of the folder after what it said, or nothing.
    """

    worker: str
    below: str
    calls: Calls
    wrong: Callable[[Path, str], str]

    def __hash__(self) -> int:
        """Tell them apart by their programs."""
        return hash(self.worker)


def journal(folder: Path, said: str) -> str:
    """Say what must not be of a journal."""
    told = max((int(number) for number in _STORED.findall(said)), default=0)
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".db-shm"}
    with tempfile.TemporaryDirectory(prefix="edged-looked-") as looked:
        verdict = judge(Path(looked), files)
    if verdict.flagged or verdict.wrong:
        return verdict.flagged or verdict.wrong
    return f"{told} were told stored, {verdict.count} are there" if verdict.count < told else ""


def _rules(folder: Path, said: str) -> str:
    return asyncio.run(stubborn_rules.wrong(folder / "rules", stubborn_rules.Told.last(said)))


def _identity(folder: Path, said: str) -> str:
    return stubborn_identity.wrong(folder, stubborn_identity.Told.last(said))


SUBJECTS: Final[Mapping[str, Subject]] = {
    "journal": Subject("hil.crash.stubborn", "", _DATABASE, journal),
    "rules": Subject("hil.crash.stubborn_rules", "rules", _FILES, _rules),
    "identity": Subject("hil.crash.stubborn_identity", "state", _FILES, _identity),
}
