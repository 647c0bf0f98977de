"""How many people a second 64 doors let in at once, beside aiosqlite with the same statements.

`python -m hil.perf.crowd [--json] [--doors N] [--grants N] [--rounds N] [--sync-ms N]`. The
yardstick carries out the statements of a grant, each awaited, one transaction each, with as many
tasks as there are doors: the member's look-up in the rules, and all that the journal is asked and
told; it reads no code, decides nothing and moves no bolt. "Unsigned" leaves
the check of the signature out of ours. All of it is taken by turns on the bare disk and with
`--sync-ms` added to every sync, on both sides, as hil.perf.release does; 0: on the bare disk only.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final, TypeVar, cast
from unittest.mock import patch

import aiosqlite

from drivers.api import Scan
from edged.credentials import proof
from edged.store import opened
from edged.store.connection import connect, connect_read_only
from edged.store.ledger import Ledger
from edged.store.opened import by_handle
from edged.store.rules import ACTIVE
from hil.perf.doorways import Doorways
from hil.perf.release import add_to_syncs, slow_down
from policy.model import Member

T = TypeVar("T")

Statement = tuple[str, tuple[Any, ...]]
_Rates = tuple[float, float, float]
"""Of aiosqlite, and of ours without the signature and with it."""
LAST: Final = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"
RECORD: Final = "INSERT INTO audit"
MEMBER: Final = "SELECT handle, id, body, digest FROM member"


@dataclass(frozen=True, slots=True)
class Measured:
    """Grants a second on one disk, the medians of all rounds; the ratio is that of ours unsigned.

    `sync_ms`: what was added to every sync.
    """

    sync_ms: int
    doors: int
    aiosqlite: float
    unsigned: float
    signed: float
    ratio: float
    statements: int


class _Recording:
    """A connection that writes down what it is asked to execute."""

    def __init__(self, db: sqlite3.Connection, heard: list[Statement]) -> None:
        self._db = db
        self._heard = heard

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        self._heard.append((sql, tuple(parameters)))
        return self._db.execute(sql, parameters)


async def statements(folder: Path) -> list[Statement]:
    """Let one person in; return what that took of the rules and of the journal's database."""
    heard: list[Statement] = []

    def found_by(handle: bytes, db: sqlite3.Connection) -> Member | None:
        return by_handle(handle, cast("sqlite3.Connection", _Recording(db, heard)))

    async with Doorways(folder, 1) as doors:
        commit = doors.journal.commit

        async def recorded(write: Callable[[Ledger], T]) -> T:
            def write_down(ledger: Ledger) -> T:
                before = len(heard)
                recording = _Recording(ledger._db, heard)  # noqa: SLF001 - only to listen
                found = write(Ledger(cast("sqlite3.Connection", recording)))
                if not any(sql.startswith(RECORD) for sql, _ in heard[before:]):
                    del heard[before:]  # something else that the daemon keeps
                return found

            return await commit(write_down)

        doors.journal.commit = recorded  # type: ignore[method-assign] # it listens, no more
        with patch.object(opened, "by_handle", found_by):
            await _let_in(doors, 0, doors.codes(1))
    return heard


async def ours(folder: Path, doors: int, grants: int) -> float:
    """Return the grants a second of all doors together; each has the next one when it opened."""
    async with Doorways(folder, doors) as house:
        codes = [house.codes(grants) for _ in range(doors)]
        began = perf_counter()
        await asyncio.gather(*(_let_in(house, n, each) for n, each in enumerate(codes)))
        return doors * grants / (perf_counter() - began)


async def _let_in(house: Doorways, door: int, codes: Sequence[bytes]) -> None:
    pin, passage = house.pins[door], house.passages[door]
    for text in codes:
        pin.raised.clear()
        passage.scanned(Scan(text))
        await pin.raised.wait()


async def yardstick(folder: Path, said: Sequence[Statement], tasks: int, grants: int) -> float:
    """Return the transactions a second of aiosqlite at a journal of the same schema."""
    async with Doorways(folder, 1):
        pass  # it leaves a journal
    path, turn = folder / "journal.db", asyncio.Lock()
    members = folder / "rules" / ACTIVE
    async with (
        aiosqlite.Connection(lambda: connect(path), iter_chunk_size=64) as db,
        aiosqlite.Connection(lambda: connect_read_only(members), iter_chunk_size=64) as rules,
    ):
        look_up = [one for one in said if one[0].startswith(MEMBER)]
        told = [one for one in said if one not in look_up]

        async def grant() -> None:
            event, last = str(uuid.uuid4()), (0, b"")
            for sql, parameters in look_up:
                await rules.execute_fetchall(sql, parameters)
            async with turn:
                await db.execute("BEGIN IMMEDIATE")
                for sql, parameters in told:
                    if sql.startswith(RECORD):
                        await db.execute(sql, (last[0] + 1, parameters[1], last[1]))
                        continue
                    fresh = tuple(_fresh(value, event) for value in parameters)
                    rows = list(await db.execute_fetchall(sql, fresh))
                    last = cast("tuple[int, bytes]", rows[0]) if sql == LAST and rows else last
                await db.execute("COMMIT")

        async def task() -> None:
            for _ in range(grants):
                await grant()

        began = perf_counter()
        await asyncio.gather(*(task() for _ in range(tasks)))
        return tasks * grants / (perf_counter() - began)


def _fresh(value: object, event: str) -> object:
    """Give an event id of another grant in place of the recorded one."""
    same = isinstance(value, str) and len(value) == len(event) and value.count("-") == 4
    return event if same else value


async def measured(
    folder: Path, doors: int, grants: int, rounds: int, sync_ms: int = 0
) -> list[Measured]:
    """Take all three by turns, on the bare disk and, if `sync_ms` is added, on the slower one."""
    said = await statements(_new(folder, "one"))
    found: dict[int, list[_Rates]] = {0: [], sync_ms: []}
    for n in range(rounds):
        for added, rates in found.items():
            if sync_ms:
                add_to_syncs(added)
            rates.append(await _round(_new(folder, f"{n}-{added}"), said, doors, grants))
        if sys.stderr.isatty():
            print(f"round {n + 1} of {rounds}", file=sys.stderr)
    return [_medians(added, doors, len(said), rates) for added, rates in found.items()]


def _medians(sync_ms: int, doors: int, count: int, rates: Sequence[_Rates]) -> Measured:
    ratio = median(unsigned / peer for peer, unsigned, _ in rates)
    peer, unsigned, signed = (round(median(one), 1) for one in zip(*rates, strict=True))
    return Measured(sync_ms, doors, peer, unsigned, signed, round(ratio, 2), count)


async def _round(folder: Path, said: Sequence[Statement], doors: int, grants: int) -> _Rates:
    peer = await yardstick(_new(folder, "a"), said, doors, grants)
    with patch.object(proof, "is_signed", lambda *_: True):
        unsigned = await ours(_new(folder, "u"), doors, grants)
    return peer, unsigned, await ours(_new(folder, "s"), doors, grants)


def _print(found: Measured, rounds: int) -> None:
    disk = f"{found.sync_ms} ms added to every sync" if found.sync_ms else "the bare disk"
    print(f"{found.doors} doors at once, {disk}: grants a second, median of {rounds} rounds")
    print(f"  aiosqlite, {found.statements} statements one by one  {found.aiosqlite:8.0f}")
    print(f"  edged without the signature check     {found.unsigned:8.0f}  {found.ratio:.1f} times")
    print(f"  edged                                 {found.signed:8.0f}")


def _new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="a JSON object for each disk")
    parser.add_argument("--doors", type=int, default=64, help="1..64 (default: 64)")
    parser.add_argument("--grants", type=int, default=30, help="at each door (default: 30)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    parser.add_argument("--sync-ms", type=int, default=3, help="0..100 (default: 3)")
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: a new one)")
    asked = parser.parse_args()
    if asked.doors not in range(1, 65) or asked.grants < 1 or asked.rounds < 1:
        parser.error("1 to 64 doors, a grant and a round")
    if asked.sync_ms not in range(101):
        parser.error("0 to 100 ms")
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        slow_down("hil.perf.crowd", Path(name), asked.sync_ms)
        found = asyncio.run(
            measured(Path(name), asked.doors, asked.grants, asked.rounds, asked.sync_ms)
        )
    for one in found:
        if asked.json:
            print(json.dumps(asdict(one)))
        else:
            _print(one, asked.rounds)
    if not asked.json:
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
