"""What a program did to the disk, in order, as strace saw it."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = "openat,pwrite64,write,fdatasync,fsync,ftruncate,unlink,rename"
LONGEST = 9_000
"""Bytes of one write that are recorded: a page has 4,096, and a WAL frame is written in two."""

_LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
_FILE = re.compile(r'^\d+<([^>]*)>(?:, (?:"([^"]*)", \d+(?:, (\d+))?|(\d+)))?')


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes into a file."""

    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file gets another length."""

    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Remove:
    """A file's name goes."""

    file: str


@dataclass(frozen=True, slots=True)
class Sync:
    """The disk was asked to keep a file, and said that it does."""

    file: str


@dataclass(frozen=True, slots=True)
class Stored:
    """The program was told that its first `count` commits are stored."""

    count: int


Op = Write | Truncate | Remove | Sync | Stored


def record(folder: Path, arguments: Sequence[str]) -> list[Op]:
    """Run the workload in a folder, and return what it did to the files there.

    Raises:
        ValueError: strace wrote something that can't be told apart.
        CalledProcessError: The workload failed.
    """
    file = folder / "trace"
    watched = ["strace", "-f", "-qq", "-xx", "-y", "-s", str(LONGEST), "-e", f"trace={CALLS}"]
    worker = [sys.executable, "-m", "hil.crash.workload", str(folder), *arguments]
    subprocess.run([*watched, "-o", str(file), *worker], check=True, stdout=subprocess.DEVNULL)
    with file.open() as lines:
        return list(_read(lines, str(folder)))


def _read(lines: Iterator[str], folder: str) -> Iterator[Op]:
    for line in lines:
        if "unfinished" in line or "resumed" in line:
            raise ValueError(f"two calls at once: {line[:80]}")
        found = _LINE.match(line)
        if found is None or int(found[3]) < 0:
            continue
        call, said = found[1], found[2]
        if call == "unlink":
            yield from _ours(Remove(_bytes(said.strip('"')).decode()), folder)
            continue
        about = _FILE.match(said)
        if about is None:
            continue
        name = _bytes(about[1]).decode(errors="replace")
        match call:
            case "pwrite64":
                yield from _ours(Write(name, int(about[3]), _bytes(about[2])), folder)
            case "ftruncate":
                yield from _ours(Truncate(name, int(about[4])), folder)
            case "fsync" | "fdatasync":
                yield from _ours(Sync(name), folder)
            case "write" if (told := _bytes(about[2])).startswith(b"stored "):
                yield Stored(int(told.split()[1]))


def _ours(op: Write | Truncate | Remove | Sync, folder: str) -> Iterator[Op]:
    """Yield what is about a file of the folder; the shared memory beside a WAL is made anew."""
    if op.file.startswith(f"{folder}/journal.db") and not op.file.endswith("-shm"):
        yield op


def _bytes(hexed: str | None) -> bytes:
    return bytes.fromhex((hexed or "").replace("\\x", ""))
