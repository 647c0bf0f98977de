"""Rules of the cloud on a disk that fails: in force is what is active, and no trial is lost."""

import errno
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edged.cloud import trial
from edged.store import rules
from edged.store.errors import FailKind, StoreFailed
from tests.edged.cloud.conftest import Down


def failing(of: Callable[..., Any], where: Callable[..., bool]) -> Callable[..., Any]:
    """A call to the disk that fails there."""

    def call(*given: Any, **named: Any) -> Any:
        if where(*given):
            raise OSError(errno.EIO, "Input/output error")
        return of(*given, **named)

    return call


@pytest.mark.fault("disk-fails")
async def test_a_swap_that_fails_leaves_the_rules_before_though_the_trial_cant_be_read(
    down: Down, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swapped(_: object) -> bool:
        return rules.active_version(down.folder) == 2

    with monkeypatch.context() as patched:
        read = failing(Path.read_bytes, lambda path: path.name == "trial.json" and swapped(path))
        patched.setattr(Path, "read_bytes", read)
        patched.setattr(os, "fsync", failing(os.fsync, swapped))
        assert "Input/output" in str(await down.publish(2, confirm_s=60))
    assert rules.active_version(down.folder) == down.rules.held().version == 1


@pytest.mark.fault("disk-fails")
async def test_a_trial_that_cant_be_read_is_no_end_of_it(
    down: Down, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        read = failing(Path.read_bytes, lambda path: path.name == "trial.json")
        patched.setattr(Path, "read_bytes", read)
        assert await down.publish(2, confirm_s=60) is None
        assert down.rules.held().trial
        with pytest.raises(OSError, match="Input/output"):
            await down.rules.take_up()
        trial.run_ends(down.folder)  # says so, and ends no stop
    assert down.rules.held().trial


@pytest.mark.fault("disk-fails")
@pytest.mark.parametrize(
    ("of", "call", "name"), [(Path, "unlink", "rules-2"), (os, "readlink", "rules.db")]
)
async def test_what_was_taken_back_in_part_is_not_confirmed_after(
    down: Down, monkeypatch: pytest.MonkeyPatch, of: Any, call: str, name: str
) -> None:
    await down.publish(2, confirm_s=60)
    await down.rig.clock.advance(60_000)

    def taken_back(path: Path) -> bool:
        told = (down.folder / "refused.json").exists()
        return name in Path(path).name and told is (call == "readlink")

    with monkeypatch.context() as patched:
        patched.setattr(of, call, failing(getattr(of, call), taken_back))
        with pytest.raises((OSError, StoreFailed), match="Input/output"):
            await down.rules.look()
    await down.rules.confirmed(2)
    held = down.rules.held()
    assert held.trial or held.version == rules.active_version(down.folder)
    await down.rules.take_up()
    assert down.rules.held().version == down.rig.rules.version == 1


@pytest.mark.fault("disk-fails")
async def test_a_swap_that_fails_leaves_the_trial_that_was_on(
    down: Down, monkeypatch: pytest.MonkeyPatch
) -> None:
    await down.publish(2, confirm_s=60)
    with monkeypatch.context() as patched:
        patched.setattr(os, "symlink", failing(os.symlink, lambda *_: True))
        assert "Input/output" in str(await down.publish(3, confirm_s=60))
    on = trial.read(down.folder)
    assert on is not None
    assert on.version == 2
    await down.rig.clock.advance(60_000)
    await down.rules.look()
    assert rules.active_version(down.folder) == down.rules.held().version == 1


@pytest.mark.fault("disk-fails")
@pytest.mark.parametrize("damage", ["a row", "all of it"])
async def test_damaged_rules_are_replaced_by_the_next(down: Down, damage: str) -> None:
    assert await down.publish(2) is None
    active = down.folder / str(rules.active_file(down.folder))
    await down.rig.rules.close()
    if damage == "a row":
        with closing(sqlite3.connect(active, isolation_level=None)) as db:
            db.execute("UPDATE base SET digest = zeroblob(32)")
    else:
        active.write_bytes(b"rubbish" * 10_000)
    down.again()  # after a restart
    with pytest.raises(StoreFailed):
        await down.rig.rules.reload()
    assert await down.publish(3) is None
    assert down.rules.held().version == rules.active_version(down.folder) == 3


@pytest.mark.fault("disk-fails")
async def test_a_swap_that_can_not_even_be_taken_back_leaves_the_trial_that_was_on(
    down: Down, monkeypatch: pytest.MonkeyPatch
) -> None:
    await down.publish(2, confirm_s=60)
    with monkeypatch.context() as patched:
        patched.setattr(os, "readlink", failing(os.readlink, lambda _: _began(down, 3)))
        with pytest.raises(OSError, match="Input/output"):
            await down.publish(3, confirm_s=60)
    down.again()
    on = trial.read(down.folder)
    assert on is not None
    assert on.version == rules.active_version(down.folder) == 2
    assert down.rules.held().trial


def _began(down: Down, version: int) -> bool:
    said = (down.folder / "trial.json").read_text()
    return bool(json.loads(said)["version"] == version)


@pytest.mark.fault("disk-fails")
async def test_rules_that_were_swapped_in_and_can_not_be_read_leave_the_way_back_of_those_before(
    down: Down, monkeypatch: pytest.MonkeyPatch
) -> None:
    await down.publish(2, confirm_s=60)
    with monkeypatch.context() as patched:
        reload = down.rig.rules.reload

        async def unread() -> None:
            if rules.active_version(down.folder) == 3:
                raise StoreFailed(FailKind.IO, "Input/output error")
            await reload()

        patched.setattr(down.rig.rules, "reload", unread)
        assert "Input/output" in str(await down.publish(3, confirm_s=60))
    assert down.rules.held().version == 2
    await down.rig.clock.advance(60_000)
    await down.rules.look()
    assert down.rules.held().version == down.rig.rules.version == 1


@pytest.mark.fault("disk-fails")
async def test_a_disk_that_does_not_tell_what_is_active_lets_nothing_be_activated(
    down: Down, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "readlink", failing(os.readlink, lambda _: True))
        assert "Input/output" in str(await down.publish(2))
    assert rules.active_version(down.folder) == down.rules.held().version == 1
    assert [one.version for one in down.rules.held().refused] == [2]
    assert down.alarms() == {"RULES_REFUSED"}


async def test_a_builder_that_was_killed_is_told_and_the_next_set_is_taken(down: Down) -> None:
    down.builder_is_killed = True
    assert "enough memory" in str(await down.publish(2))
    down.builder_is_killed = False
    assert down.rules.held().version == 1
    assert await down.publish(3) is None
