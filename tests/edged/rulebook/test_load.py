"""An installer's rules file on its way to the active rules, with and without a daemon."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from edged.cloud.files import trust_file
from edged.control.wire import Verb
from edged.errors import NotFound, RulesFaulty
from edged.rulebook.load import Loaded, active, hand_over, load, read
from edged.store import limits
from edged.store.errors import RulesRefused, StateInUse
from edged.store.state_dir import claim
from tests.edged.cloud import sets
from tests.edged.cloud.chain import spell
from tests.edged.control.peers import HANDLERS, serving


def written(folder: Path, version: int = 1, **changes: object) -> Path:
    path = folder / "rules.json"
    path.write_bytes(spell(sets.document(version, **changes)))
    return path


def test_a_file_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    monkeypatch.setattr(limits, "RULES_FILE_BYTES", path.stat().st_size)
    assert read(path).rules.version == 1
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(RulesFaulty, match=f"more than {limits.RULES_FILE_BYTES} bytes"):
        read(path)


def test_what_is_wrong_is_told_with_the_file_and_the_place(tmp_path: Path) -> None:
    path = written(tmp_path, stores={})
    with pytest.raises(RulesFaulty, match=rf"{path}: doors\.front\.store: "):
        read(path)
    path.write_bytes(b"[]")
    with pytest.raises(RulesFaulty, match=f"{path}: file: "):
        read(path)


def test_a_file_becomes_the_active_rules_and_none_of_an_older_version(tmp_path: Path) -> None:
    whole = sets.document(2)
    loaded = load(written(tmp_path, 2), tmp_path)
    assert loaded == Loaded(2, sets.fingerprint(whole), len(whole["members"]))
    with pytest.raises(RulesRefused, match="version 2 is active"):
        load(written(tmp_path, 1), tmp_path)


async def test_a_device_that_trusts_a_cloud_takes_no_file(tmp_path: Path) -> None:
    trust = trust_file(tmp_path)
    trust.parent.mkdir()
    trust.write_bytes(b"a trust document")
    with pytest.raises(RulesRefused, match="takes its rules from its cloud"):
        load(written(tmp_path), tmp_path)
    with pytest.raises(NotFound):
        await active(tmp_path)


async def test_what_is_active_is_told_or_that_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no rules are loaded"):
        await active(tmp_path)
    loaded = load(written(tmp_path), tmp_path)
    said = await active(tmp_path)
    assert (said["version"], said["fingerprint"]) == (1, loaded.fingerprint)
    assert said["devices"] == ["front-in", "front-out"]
    assert said["doors"] == ["front"]


async def test_without_a_daemon_a_file_is_loaded_here_unless_somebody_is_at_work(
    tmp_path: Path,
) -> None:
    path, nobody = written(tmp_path), tmp_path / "socket"
    with claim(tmp_path), pytest.raises(StateInUse):
        hand_over(path, tmp_path, nobody)
    with pytest.raises(NotFound):
        await active(tmp_path)
    loaded = hand_over(path, tmp_path, nobody)
    assert (await active(tmp_path))["fingerprint"] == loaded.fingerprint


async def test_a_daemon_that_runs_loads_the_file_itself(tmp_path: Path) -> None:
    async def loads(arguments: Mapping[str, object]) -> Mapping[str, object]:
        assert arguments == {"path": "/etc/rules.json"}
        return {"version": 7, "fingerprint": "ab", "members": 2}

    there = tmp_path / "socket"
    async with serving(there, {**HANDLERS, Verb.RULES_LOAD: loads}):
        done = await asyncio.to_thread(hand_over, Path("/etc/rules.json"), tmp_path, there)
    assert done == Loaded(7, "ab", 2)
    with pytest.raises(NotFound):
        await active(tmp_path)
