"""What a crash interrupts: a journal that is written to, and says when something is stored.

A program of its own, so that every call it makes to the disk can be recorded.
"""

import argparse
import asyncio
import os
import random
import sys
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from edged.store import connection, limits
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from policy.model import UsageKey

DAY = date(2026, 1, 1)
PADDING = (10, 200, 3_000)
COPIED = 0.02
"""How often the log is copied into the file: some times in a run."""
ROOMY = 0.5
"""How many runs begin with room in the log; less than on a device, as each piece is traced."""
ROOM, PIECE = 128 * 1024, 4 * 1024


def write(n: int, padding: int, ledger: Ledger) -> None:
    """Store one thing in three places: all of it is there, or nothing."""
    ledger.append({"kind": "x", "n": n, "text": "x" * padding})
    ledger.add_key(UsageKey("C", "B", DAY + timedelta(days=n)), f"event-{n}")
    ledger.put(f"n{n}", value=n)


async def work(folder: Path, commits: int, seed: int) -> None:
    """Commit one by one and some at once, and say on standard output what is stored."""
    dice = random.Random(seed)
    journal = Journal(folder / "journal.db")
    await journal.open()
    if dice.random() < ROOMY:
        vars(limits).update(LOG_ROOM=ROOM, LOG_PIECE=PIECE)
        await journal.make_room()
    serving = asyncio.create_task(journal.serve())
    n = 0
    while n < commits:
        together = range(n, min(commits, n + dice.choice((1, 1, 1, 4))))
        await asyncio.gather(
            *(journal.commit(partial(write, one, dice.choice(PADDING))) for one in together)
        )
        n = together.stop
        os.write(sys.stdout.fileno(), b"stored %d\n" % n)
        if dice.random() < COPIED:  # not during a commit: the trace tells no two calls apart
            await journal.copy_log()
    serving.cancel()
    await asyncio.wait({serving})
    await journal.close()


def main() -> None:
    """Work in a folder."""
    parser = argparse.ArgumentParser(prog="python -m hil.crash.workload", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--commits", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--normal", action="store_true", help="plant synchronous=NORMAL")
    arguments = parser.parse_args()
    if arguments.normal:
        pragmas = tuple(one.replace("FULL", "NORMAL") for one in vars(connection)["_PRAGMAS"])
        vars(connection)["_PRAGMAS"] = pragmas
    asyncio.run(work(arguments.folder, arguments.commits, arguments.seed))


if __name__ == "__main__":
    main()
