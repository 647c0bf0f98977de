"""Disks after a power cut: what was synced is there; of the rest, any of it, in part or not.

A write that no sync has covered may be there, or not, or some of its sectors, whatever became of
the writes before it. The newest of two that overlap covers the older one, or is not there. A file
may have its new length before its new bytes: then it has zeros. A name that went is gone for good
with the next sync of any file, as on ext4.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from hil.crash.trace import Op, Remove, Stored, Sync, Truncate, Write

SECTOR = 512


@dataclass(slots=True)
class File:
    """One file: what is on the disk for good, and what came since its last sync."""

    kept: bytearray = field(default_factory=bytearray)
    there: bool = False
    since: list[Write | Truncate | Remove] = field(default_factory=list)


@dataclass(slots=True)
class Disk:
    """What a disk holds as the operations come. `stored`: the commits that were told stored.

    `lies`: a dice by which the disk says of some syncs that it did what it did not.
    """

    files: dict[str, File] = field(default_factory=dict)
    stored: int = 0
    lies: random.Random | None = None

    def do(self, op: Op) -> None:
        """Take one operation."""
        match op:
            case Stored(count):
                self.stored = count
            case Sync(name):
                if self.lies is None or self.lies.random() < 0.5:
                    self._keep(self._file(name), len(self._file(name).since))
                for file in self.files.values():  # names go and come in order, at any sync
                    named = [n for n, op in enumerate(file.since) if isinstance(op, Remove)]
                    self._keep(file, named[-1] + 1 if named else 0)
            case Write() | Truncate() | Remove():
                self._file(op.file).since.append(op)

    def _file(self, name: str) -> File:
        return self.files.setdefault(name, File())

    def _keep(self, file: File, count: int) -> None:
        for op in file.since[:count]:
            apply(file, op)
        del file.since[:count]

    def cut(self, dice: random.Random, coming: Op | None) -> dict[str, bytes]:
        """Return the files that a power cut leaves now, while `coming` may be under way."""
        left: dict[str, bytes] = {}
        for name, file in self.files.items():
            after = File(bytearray(file.kept), file.there)
            under_way = (
                [coming]
                if isinstance(coming, Write | Truncate | Remove) and coming.file == name
                else []
            )
            for op in surviving([*file.since, *under_way], dice):
                apply(after, op)
            if after.there:
                left[name] = bytes(after.kept)
        return left


def apply(file: File, op: Write | Truncate | Remove) -> None:
    """Carry out one operation on a file."""
    match op:
        case Remove():
            file.kept.clear()
            file.there = False
        case Truncate(_, size):
            del file.kept[size:]
            file.kept.extend(bytes(max(0, size - len(file.kept))))
            file.there = True
        case Write(_, offset, data):
            file.kept.extend(bytes(max(0, offset - len(file.kept))))
            file.kept[offset : offset + len(data)] = data
            file.there = True


def surviving(
    since: Sequence[Write | Truncate | Remove], dice: random.Random
) -> list[Write | Truncate | Remove]:
    """Choose what of the operations without a sync got to the disk, in which parts."""
    if not since:
        return []
    style = dice.randrange(4)
    if style == 0:
        return list(since)
    if style == 1:
        return list(since[: dice.randrange(len(since) + 1)])
    odds = dice.random()
    found: list[Write | Truncate | Remove] = []
    for op in since:
        if dice.random() < odds:
            found += torn(op, dice) if style == 2 else [op]
        elif isinstance(op, Write) and dice.random() < 0.3:  # its length came, and its bytes not
            found.append(Write(op.file, op.offset + len(op.data), b""))
    return found


def torn(op: Write | Truncate | Remove, dice: random.Random) -> list[Write | Truncate | Remove]:
    """Keep only some sectors of a write."""
    if not isinstance(op, Write) or len(op.data) <= SECTOR:
        return [op]
    first = -op.offset % SECTOR
    cuts = [0, *range(first or SECTOR, len(op.data), SECTOR), len(op.data)]
    return [
        Write(op.file, op.offset + begin, op.data[begin:end])
        for begin, end in pairwise(cuts)
        if end > begin and dice.random() < 0.7
    ]
