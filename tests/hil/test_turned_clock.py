"""Under a clock that is turned, as in `make run`, rules still get to the disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hil.site.clock import TurnedClock

SYNC = "import sys, pathlib, edged.store.syncing as s; s.sync_file(pathlib.Path(sys.argv[1]))"


def test_a_turned_clock_keeps_no_file_from_the_disk(tmp_path: Path) -> None:
    clock = TurnedClock.at(tmp_path / "clock")
    if clock is None:
        pytest.skip("no libfaketime")
    file = tmp_path / "rules"
    file.write_bytes(bytes(200_000))
    command = [sys.executable, "-c", SYNC, str(file)]
    subprocess.run(command, check=True, timeout=60, env={**os.environ, **clock.env})
