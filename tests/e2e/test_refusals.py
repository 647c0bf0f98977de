"""Bad input: one clear line that names what is wrong, a documented exit code, nothing changed."""

import asyncio
import hashlib
import json
import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edged.exits import Exit
from hil.site.site import Site
from tests.e2e.scene import journal, let_through, present, wheel_site

pytestmark = pytest.mark.e2e


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file below the state directory, by its hash; not what SQLite and flock work with."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "state").rglob("*"))
        if path.is_file() and path.name != "lock" and path.suffix not in {".db-shm", ".db-wal"}
    }


async def refused(site: Site, *arguments: str) -> tuple[int, str]:
    """Run a command that must fail without a change; give its code and its one line."""
    before = fingerprint(site.folder)
    code, _, err = await site.run_edged(*arguments, "--config", site.config)
    assert fingerprint(site.folder) == before
    assert "Traceback" not in err
    return code, err


@pytest.fixture
async def settled(site: Site) -> AsyncIterator[Site]:
    """A site that has run once and is down again, but for its building."""
    async with site:
        pass
    await site.start_building()
    yield site
    await site.stop()


async def test_wrong_settings_name_file_and_key(settled: Site) -> None:
    settled.settings["doors"]["front"]["max_pulse_ms"] = 10
    settled.settings["doors"]["front"]["lock"]["kind"] = "magic"
    settled.write()
    code, err = await refused(settled, "run")
    assert code == Exit.SETTINGS
    assert settled.config in err
    assert "doors.front.max_pulse_ms" in err
    assert "doors.front.lock" in err


async def test_wrong_rules_name_every_path_at_once_and_the_old_stay(settled: Site) -> None:
    settled.rules["version"] = 2
    settled.rules["plans"]["DAY8"]["bands"][0]["limit"] = -1
    settled.rules["members"]["aiko"]["contracts"][0]["plan"] = "NONE"
    settled.rules["stores"]["S1"]["tz"] = "Mars/Olympus"
    settled.write()
    rules = str(settled.folder / "rules.json")
    code, err = await refused(settled, "rules", "load", rules)
    assert code == Exit.RULES
    for path in ("plans.DAY8.bands[0].limit", "members.aiko.contracts[0].plan", "stores.S1.tz"):
        assert path in err


async def test_a_missing_device_is_named(settled: Site) -> None:
    port = str(settled.folder / "nowhere.tty")
    settled.settings["doors"]["front"]["readers"]["front-in"]["port"] = port
    settled.write()
    code, err = await refused(settled, "run")
    assert code == Exit.DEVICE
    assert "front-in" in err
    assert port in err


async def test_a_journal_of_a_newer_release_is_left_alone(settled: Site) -> None:
    with sqlite3.connect(journal(settled)) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    code, err = await refused(settled, "run")
    assert code == Exit.SCHEMA_TOO_NEW
    assert str(journal(settled)) in err


async def test_a_second_daemon_leaves_the_first_alone(site: Site) -> None:
    async with site, site.people() as people:
        code, _, err = await site.run_edged("run", "--config", site.config)
        assert code == Exit.STATE_IN_USE
        assert str(site.folder / "state") in err
        await let_through(people, "front", "front-in", site.code("aiko"))


@pytest.mark.fault("disk-full")
async def test_a_full_disk_refuses_entry_and_rules_and_lets_everybody_out(
    installed: Path, folder: Path
) -> None:
    """The state directory is a small filesystem of its own, in the daemon's own namespace."""
    site = wheel_site(installed, folder)
    program = " ".join(site.edged)
    state = folder / "state"
    state.mkdir()
    script = (
        f"mount -t tmpfs -o size=4m none {state} && "
        f"{program} rules load {folder}/rules.json --config {site.config} && "
        f"exec {program} run --config {site.config}"
    )
    site.daemon._command = ["unshare", "-rm", "sh", "-ec", script]
    site.write()
    await site.start_building()
    try:
        await site.start_daemon()
        inside = Path("/proc", str(site.daemon.pid), "root", *state.parts[1:])
        async with site.people() as people:
            await let_through(people, "front", "front-in", site.code("aiko"))
            _fill(inside / "filler")
            feedback = await present(people, "front-in", site.code("aiko"))
            assert feedback["light"] != "green"
            await let_through(people, "front", "front-out", site.code("aiko"))
            code, err = await _load_newer(site)
            assert code == Exit.STORAGE, err
            (inside / "filler").unlink()
            await let_through(people, "front", "front-in", site.code("aiko"))
            kinds: list[str] = []
            while "gap" not in kinds:  # what another process writes can only be looked for
                kinds = await _kinds(site)
            assert kinds.count("passage") == 3
    finally:
        await site.stop()


def _fill(path: Path) -> None:
    """Write until there is no room for another byte."""
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


async def _load_newer(site: Site) -> tuple[int, str]:
    site.rules["version"] += 1
    site.write()
    rules = str(site.folder / "rules.json")
    code, _, err = await site.run_edged("rules", "load", rules, "--config", site.config)
    return code, err


async def _kinds(site: Site) -> list[str]:
    """Read the audit where the daemon sees it, in its namespace."""
    enter = ["nsenter", "-t", str(site.daemon.pid), "-U", "-m", "--preserve-credentials"]
    process = await asyncio.create_subprocess_exec(
        *(*enter, *site.edged, "audit", "show", "--json", "--config", site.config),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **site.env},
    )
    out, _ = await process.communicate()
    return [json.loads(line)["kind"] for line in out.splitlines()]
