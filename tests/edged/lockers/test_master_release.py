"""A master release on the real journal: recorded, one pulse a locker, apart from each other."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from drivers.api import DeviceLost
from edged.control.client import ControlRefused
from edged.core.events import LockerCommand
from edged.errors import NotFound
from edged.exits import Exit
from edged.store import audit
from edged.store.errors import StoreFailed
from tests.edged.fakes import until
from tests.edged.lockers.cabinet import Hall, hall
from tests.edged.lockers.test_desk import desk
from tests.edged.rig import Rig


@pytest.fixture
async def bank(rig: Rig) -> AsyncIterator[Hall]:
    async with hall(rig) as made:
        yield made


def command(name: str = "E1", verb: str = "release_all") -> LockerCommand:
    return LockerCommand(name, "hall", verb, "S9")


def records(bank: Hall) -> list[dict[str, Any]]:
    bodies = [json.loads(one.data) for one in audit.read_records(bank.rig.path, 0, 100_000)]
    return [body for body in bodies if body["kind"].startswith("master")]


async def wake(bank: Hall, after_ms: int) -> None:
    """Let time pass, and the bank look at it: any order wakes it up."""
    bank.rig.clock.skip(after_ms)
    await bank.open("nobody", "L2")


async def test_every_locker_is_pulsed_once_and_apart(bank: Hall) -> None:
    await bank.assign()
    assert await bank.bank.release_all(command()) == "OK"
    await until(lambda: bank.board.pulses == [1])
    await wake(bank, 99)
    assert bank.board.pulses == [1]
    await wake(bank, 1)
    await until(lambda: bank.board.pulses == [1, 2])
    await wake(bank, 60_000)
    assert bank.board.pulses == [1, 2]
    assert (bank.state("L1"), bank.state("L2")) == ("IN_USE", "FREE")
    assert (await bank.open()).result == "OK", "its owner is still its owner"


async def test_it_has_records_of_its_own_before_and_after(bank: Hall) -> None:
    before: list[int] = []
    bank.board.on_pulse = lambda _: before.append(len(records(bank)))
    await bank.bank.release_all(command())
    await until(lambda: bool(before))
    bank.board.refuses = DeviceLost("hall.board", "silent")
    await wake(bank, 100)
    await until(lambda: len(records(bank)) == 2)
    begun, ended = records(bank)
    assert before == [1, 1]
    assert (begun["by"], begun["bank"], begun["lockers"]) == ("S9", "hall", 2)
    assert (ended["command"], ended["released"], ended["failed"]) == ("E1", 1, ["L2"])
    assert bank.alarms() == {"LOCK_FAULT"}


async def test_without_a_disk_nothing_moves(bank: Hall) -> None:
    await bank.rig._raw(lambda db: db.execute("PRAGMA query_only = 1"))
    assert await bank.bank.release_all(command()) == "RECORD_FAILED"
    await bank.rig._raw(lambda db: db.execute("PRAGMA query_only = 0"))
    assert bank.board.pulses == []


async def test_a_copy_is_answered_and_moves_nothing(bank: Hall) -> None:
    await bank.bank.release_all(command())
    with pytest.raises(StoreFailed, match="busy with other orders"):
        await bank.bank.release_all(command("E2"))
    await wake(bank, 100)
    await until(lambda: len(records(bank)) == 2)
    assert await bank.bank.release_all(command()) == "OK"
    assert await bank.bank.release_all(command(verb="open")) == "STALE_COMMAND"
    await wake(bank, 1_000)
    assert bank.board.pulses == [1, 2]


async def test_two_that_come_at_once_are_one(bank: Hall) -> None:
    both = (bank.bank.release_all(command()), bank.bank.release_all(command("E2")))
    assert list(await asyncio.gather(*both)) == ["OK", "STALE_COMMAND"]


async def test_a_restart_ends_it(bank: Hall) -> None:
    await bank.bank.release_all(command())
    await until(lambda: bank.board.pulses == [1])
    await bank.begin()
    await wake(bank, 60_000)
    assert bank.board.pulses == [1]
    assert await bank.bank.release_all(command()) == "OK"
    await wake(bank, 60_000)
    assert bank.board.pulses == [1], "a copy is no new order"


async def test_an_ending_under_way_still_waits_to_be_seen_open(bank: Hall) -> None:
    await bank.assign()
    await bank.force_end()
    await bank.bank.release_all(command())
    await until(lambda: bank.board.pulses == [1, 1])
    assert bank.state() == "RELEASING/PULSING"
    bank.swing()
    await bank.stands("FREE")


async def test_staff_order_it_at_the_desk(bank: Hall, tmp_path: Path) -> None:
    order = {"do": "release_all", "command": "E1", "bank": "hall", "staff": "S9"}
    done = await desk(bank, tmp_path).order({"order": order})
    assert done == {
        "command": "E1", "result": "OK", "released": None, "bank": "hall", "lockers": 2
    }  # fmt: skip
    with pytest.raises(NotFound, match="bank attic"):
        await desk(bank, tmp_path).order({"order": {**order, "bank": "attic"}})
    with pytest.raises(ControlRefused) as no:
        await desk(bank, tmp_path).order({"order": {**order, "locker": "L1"}})
    assert no.value.code == Exit.USAGE
