import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edged.store import audit
from edged.store.audit import Verified
from edged.store.connection import open_database
from edged.store.migrations import JOURNAL

WRITER = """
import asyncio, sys
from pathlib import Path
from edged.store.journal import Journal

async def main():
    journal = Journal(Path(sys.argv[1]))
    await journal.open()
    serving = asyncio.create_task(journal.serve())

    async def write(name):
        for number in range(1_000_000):
            text = f"{name}.{number}"
            def both(ledger):
                ledger.put(text, True)
                return ledger.append({"name": text})
            seq = await journal.commit(both)
            print(f"{seq} {text}", flush=True)

    await asyncio.gather(serving, *(write(name) for name in "abc"))

asyncio.run(main())
"""


@pytest.mark.fault("power-cut")
@pytest.mark.threat("D1")
@pytest.mark.parametrize("seed", range(4))
def test_what_was_promised_before_a_kill_is_there_after_it(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "journal.db"
    promised: dict[int, str] = {}
    chance = random.Random(seed)
    for _ in range(3):
        promised |= run_and_kill(path, chance.randrange(1, 200))
    open_database(path, JOURNAL).close()
    found = audit.verify(path)
    assert isinstance(found, Verified)
    assert found.count >= len(promised)
    stored = {
        record.seq: re.findall(rb'"name":"([^"]*)"', record.data)[0].decode()
        for record in audit.read_records(path, 0, 100_000)
    }
    assert {seq: stored.get(seq) for seq in promised} == promised
    with audit._reading(path) as db:
        kept = {name for (name,) in db.execute("SELECT name FROM state")}
    assert kept - {"epoch", "fresh"} == set(stored.values())


def run_and_kill(path: Path, lines: int) -> dict[int, str]:
    """Let a process write until it has promised `lines` records, kill it, return all promises."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
    whole = [line.split() for line in said if line.endswith("\n")]
    assert len(whole) >= lines
    return {int(seq): name for seq, name in whole}
