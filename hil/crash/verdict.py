"""What a journal is found to be after a power cut, by the daemon's own way of opening it."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edged.store.audit import Broken, check_tail, verify
from edged.store.connection import open_database
from edged.store.errors import StoreFailed
from edged.store.migrations import JOURNAL


@dataclass(frozen=True, slots=True)
class Verdict:
    """`flagged`: it was refused, and why. `wrong`: it was taken, and is not right.

    `count`: the commits that are there.
    """

    count: int = 0
    flagged: str = ""
    wrong: str = ""


def judge(folder: Path, files: Mapping[str, bytes]) -> Verdict:
    """Put the files into the folder, and open the journal as the daemon does after a cut."""
    for old in folder.iterdir():
        old.unlink()
    for name, data in files.items():
        (folder / Path(name).name).write_bytes(data)
    path = folder / "journal.db"
    try:
        with closing(open_database(path, JOURNAL, check_tail)) as db:
            count, wrong = _look(db)
        found = verify(path)  # all that the daemon looks at beside the doors, and the whole chain
    except (StoreFailed, sqlite3.Error) as failed:
        return Verdict(flagged=str(failed))
    if isinstance(found, Broken):
        return Verdict(flagged=f"record {found.seq}: {found.why}")
    return Verdict(count, wrong=wrong)


def _look(db: sqlite3.Connection) -> tuple[int, str]:
    """Count the commits; each is in three places, and they come in their order."""
    records = [json.loads(bytes(row)) for (row,) in db.execute("SELECT record FROM audit")]
    numbers = [record["n"] for record in records]
    keys = {event for (event,) in db.execute("SELECT event FROM usage")}
    states = {name for (name,) in db.execute("SELECT name FROM state WHERE name LIKE 'n%'")}
    if sorted(numbers) != list(range(len(numbers))):
        return len(numbers), f"commits {numbers[-5:]} of {len(numbers)}: one is missing"
    if keys != {f"event-{n}" for n in numbers} or states != {f"n{n}" for n in numbers}:
        return len(numbers), "half of a commit is there"
    return len(numbers), ""
