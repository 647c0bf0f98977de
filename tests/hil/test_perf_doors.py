"""The measurements at doors measure what they say: real grants, real refusals."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hil.perf import crowd, flood, release
from hil.perf.doorways import Doorways, Terminal


async def test_a_scan_takes_both_paths_and_its_stages_add_up(tmp_path: Path) -> None:
    found = await release.measured(tmp_path, scans=3, sync_ms=0)
    assert found.floor.p50_us > 0
    assert found.p50_ratio == round(found.ours.p50_us / found.floor.p50_us, 3)
    assert found.stages[0].name == "read"
    assert all(stage.p50_us > 0 for stage in found.stages)


@pytest.mark.skipif(shutil.which("cc") is None, reason="slower syncs need a C compiler")
def test_slower_syncs_are_slower_on_both_sides(tmp_path: Path) -> None:
    """A sleep never ends early, so this needs no luck."""
    command = ("-m", "hil.perf.release", "--json", "--scans", "100", "--sync-ms", "2")
    done = subprocess.run(
        [sys.executable, *command, "--folder", tmp_path],
        capture_output=True,
        check=True,
        timeout=90,
    )
    found = json.loads(done.stdout)
    assert found["floor"]["p50_us"] > 2_000
    assert found["ours"]["p50_us"] > 2_000


@pytest.mark.threat("A20")
async def test_a_bad_code_raises_no_pin(tmp_path: Path) -> None:
    async with Doorways(tmp_path, 1) as doors:
        terminal = Terminal()
        await doors.plug(terminal)
        terminal.scan(b"M1:NOTHING")
        assert await release.scan(terminal, doors.code(), doors.pins[0]) > 0
        await flood._all_counted(doors, tmp_path, 1)
        terminal.close()
    assert flood._counted(tmp_path) == 1


async def test_the_yardstick_does_what_a_grant_does(tmp_path: Path) -> None:
    said = await crowd.statements(crowd._new(tmp_path, "one"))
    written = [sql.split()[0] for sql, _ in said]
    assert "SELECT" in written
    assert written.count("INSERT") >= 3  # the record, the use, the visit
    assert crowd.LAST in [sql for sql, _ in said]
    assert sum(sql.startswith(crowd.MEMBER) for sql, _ in said) == 1
    assert await crowd.yardstick(crowd._new(tmp_path, "two"), said, tasks=2, grants=3) > 0
    assert await crowd.ours(crowd._new(tmp_path, "three"), doors=2, grants=3) > 0


@pytest.mark.threat("A20")
async def test_a_flood_is_counted_to_the_last(tmp_path: Path) -> None:
    found = await flood.measured(tmp_path, seconds=2, hostile=50)
    assert (found.let_in, found.sent, found.counted) == (2, 100, 100)


def test_what_is_measured_is_printed_for_machines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "crowd --json --doors 2 --grants 2 --rounds 1 --sync-ms 0"
    monkeypatch.setattr("sys.argv", words.split())
    crowd.main()
    assert json.loads(capsys.readouterr().out)["doors"] == 2


@pytest.mark.skipif(shutil.which("cc") is None, reason="slower syncs need a C compiler")
def test_a_crowd_is_measured_on_the_bare_disk_and_on_a_slower_one() -> None:
    """A sleep never ends early, so this needs no luck."""
    words = "-m hil.perf.crowd --json --doors 2 --grants 2 --rounds 1 --sync-ms 50"
    done = subprocess.run(
        [sys.executable, *words.split()], stdout=subprocess.PIPE, check=True, timeout=60
    )
    bare, slow = map(json.loads, done.stdout.splitlines())
    assert (bare["sync_ms"], slow["sync_ms"]) == (0, 50)
    assert slow["aiosqlite"] <= 20  # each of its transactions waits for one
