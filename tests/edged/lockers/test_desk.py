"""Orders for lockers as they come in at the control socket (edged.lockers.desk)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edged import limits
from edged.control.client import ControlRefused
from edged.control.wire import line
from edged.errors import NotFound
from edged.exits import Exit
from edged.lockers.desk import LockerDesk
from edged.settings.model import Settings
from tests.edged.fakes import settle
from tests.edged.lockers.cabinet import Hall, hall
from tests.edged.rig import Rig

SIM = {"kind": "sim", "socket": "/nowhere/building.sock"}
DOOR = {
    "type": "strike",
    "lock": {**SIM, "door": "front"},
    "readers": {"front-in": {**SIM, "reader": "front-in"}},
}
ASSIGN: dict[str, object] = {
    "command": "C1",
    "locker": "L1",
    "do": "assign",
    "staff": "S9",
    "occupancy": "O1",
    "member": "aiko",
    "end": "2026-11-04",
}


def settings(folder: Path, **more: object) -> Settings:
    bank = {"store": "S1", "numbers": {"L1": 1, "L2": 2}, "board": {**SIM, "bank": "hall"}}
    return Settings.model_validate(
        {
            "device": "S1",
            "state_dir": str(folder),
            "allow_simulated": True,
            "doors": {"front": DOOR},
            "lockers": {"hall": bank},
            **more,
        }
    )


@pytest.fixture
async def bank(rig: Rig) -> AsyncIterator[Hall]:
    async with hall(rig) as made:
        yield made


def desk(bank: Hall, folder: Path, pepper: str | None = "sixteen or more.") -> LockerDesk:
    made = settings(folder, store_pepper=pepper)
    return LockerDesk(made, bank.rig.ports, {"hall": bank.bank})


async def refused(desk: LockerDesk, **order: object) -> tuple[int, tuple[str, ...]]:
    with pytest.raises(ControlRefused) as no:
        await desk.order({"order": {**ASSIGN, **order}})
    return no.value.code, no.value.errors


async def test_an_order_is_answered_with_the_locker_as_it_is_then(
    bank: Hall, tmp_path: Path
) -> None:
    done = await desk(bank, tmp_path).order({"order": {**ASSIGN, "pin": "1234"}})
    assert done == {
        "command": "C1",
        "result": "OK",
        "released": None,
        "locker": "L1",
        "state": "IN_USE",
        "releasing": None,
        "occupancy": "O1",
        "member": "aiko",
        "start": "2026-11-04T03:00:00.000Z",
        "end": "2026-11-04T15:00:00.000Z",
        "product": None,
        "pin": True,
    }


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2026-11-05", datetime(2026, 11, 5, 15, 0, tzinfo=UTC)),  # midnight in Tokyo
        ("2026-11-05T18:30", datetime(2026, 11, 5, 9, 30, tzinfo=UTC)),
        ("2026-11-05T18:30Z", datetime(2026, 11, 5, 18, 30, tzinfo=UTC)),
        ("2026-11-05T18:30+02:00", datetime(2026, 11, 5, 16, 30, tzinfo=UTC)),
    ],
)
async def test_a_date_ends_at_its_midnight(
    bank: Hall, tmp_path: Path, text: str, end: datetime
) -> None:
    await desk(bank, tmp_path).order({"order": {**ASSIGN, "end": text}})
    held = bank.bank.lockers["L1"].occupancy
    assert held is not None
    assert held.end == end


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"do": "explode"}, "do: is no order"),
        ({"do": None}, "do: is no order"),
        ({"end": "tomorrow"}, "end: "),
        ({"end": "2026-13-01"}, "2026-13-01: "),
        ({"end": "2026-11-04T25:00"}, "2026-11-04T25:00: "),
        ({"end": "9999-12-31"}, "9999-12-31: "),
        ({"end": "2026-11-04T03:00Z"}, "end: has to come after"),
        ({"member": "x" * 65}, "member: "),
        ({"staff": None}, "staff: "),
        ({"pin": "123"}, "pin: "),
        ({"pin": 1234}, "pin: "),
        ({"force": True}, "force: "),
    ],
)
async def test_what_is_wrong_is_named(
    bank: Hall, tmp_path: Path, wrong: dict[str, object], said: str
) -> None:
    code, errors = await refused(desk(bank, tmp_path), **wrong)
    assert code == Exit.USAGE
    assert [error for error in errors if not error.startswith(said)] == []
    assert bank.words() == []


async def test_a_wrong_pin_is_not_repeated(bank: Hall, tmp_path: Path) -> None:
    _, errors = await refused(desk(bank, tmp_path), pin="9074319074319")
    assert "9074319074319" not in str(errors)


@pytest.mark.threat("G10")
async def test_without_a_pepper_there_are_no_pins(bank: Hall, tmp_path: Path) -> None:
    code, errors = await refused(desk(bank, tmp_path, None), pin="1234")
    assert (code, errors) == (Exit.SETTINGS, ("pin: needs the secret store_pepper",))


async def test_without_the_store_there_is_no_time(bank: Hall, tmp_path: Path) -> None:
    await bank.rig.rules.close()
    code, _ = await refused(desk(bank, tmp_path))
    assert code == Exit.RULES


async def test_a_locker_that_is_not_there_is_not_found(bank: Hall, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="L7"):
        await desk(bank, tmp_path).order({"order": {**ASSIGN, "locker": "L7"}})


async def test_a_pin_opens_only_the_use_that_it_was_made_for(bank: Hall, tmp_path: Path) -> None:
    at = desk(bank, tmp_path)
    await at.order({"order": {**ASSIGN, "pin": "1234"}})
    opening: dict[str, Any] = {"locker": "L1", "do": "open", "occupancy": "O1"}
    found = []
    for n, (pin, use) in enumerate([("1234", "O1"), ("1235", "O1"), ("1234", "O2")]):
        order = {**opening, "command": f"C1{n}", "pin": pin, "occupancy": use}
        found.append((await at.order({"order": order}))["result"])
    nobody = await at.order({"order": {**opening, "command": "C19"}})
    assert found == ["OK", "LOCKER_BAD_PIN", "STALE_COMMAND"]
    assert nobody["result"] == "LOCKER_NOT_YOURS"


async def test_equal_pins_look_different(bank: Hall, tmp_path: Path) -> None:
    at = desk(bank, tmp_path)
    for n, locker in enumerate(("L1", "L2")):
        order = {**ASSIGN, "command": f"C{n}", "locker": locker, "occupancy": f"O{n}"}
        await at.order({"order": {**order, "pin": "1234"}})
    uses = [locker.occupancy for locker in bank.bank.lockers.values()]
    assert len({use.pin_hash for use in uses if use is not None}) == 2


async def test_every_order_does_what_it_says(bank: Hall, tmp_path: Path) -> None:
    at = desk(bank, tmp_path)

    def pulsed(channel: int) -> None:
        asyncio.get_running_loop().call_soon(bank.swing, channel)

    bank.board.on_pulse = pulsed
    about = {"occupancy": "O1", "staff": "S9"}
    story: list[tuple[dict[str, object], str, str]] = [
        (ASSIGN, "OK", "IN_USE"),
        ({"do": "extend", **about, "end": "2026-11-06"}, "OK", "IN_USE"),
        ({"do": "staff_open", **about}, "OK", "IN_USE"),
        ({"do": "move", **about, "to": "L2"}, "OK", "RELEASING"),
        ({"do": "set_aside", "staff": "S9", "occupancy": None}, "OK", "OUT_OF_ORDER"),
        ({"do": "confirm_empty", "staff": "S9", "occupancy": None}, "OK", "FREE"),
        ({"locker": "L2", "do": "force_end", **about, "from_afar": True}, "OK", "RELEASING"),
        ({**ASSIGN, "occupancy": "O3"}, "OK", "IN_USE"),
        ({"do": "return", "occupancy": "O3", "member": "aiko"}, "OK", "RELEASING"),
    ]
    for n, (order, result, state) in enumerate(story):
        done = await at.order({"order": {"locker": "L1", **order, "command": f"C{n}"}})
        assert (done["result"], done["state"] in {state, "FREE"}) == (result, True), order
        if state == "RELEASING":
            await bank.stands("FREE", str(done["locker"]))


async def test_the_list_comes_in_pages(bank: Hall, tmp_path: Path) -> None:
    at = desk(bank, tmp_path)
    page = await at.show({"after": "L1"})
    assert page["more"] is False
    lockers = page["lockers"]
    assert isinstance(lockers, list)
    (found,) = lockers
    assert (found["bank"], found["locker"], found["number"]) == ("hall", "L2", 2)
    longest = dict.fromkeys(("bank", "locker", "occupancy", "member", "product"), "x" * 64)
    fullest = {**found, **longest, "start": "x" * 24, "end": "x" * 24}
    line({"ok": True, "answer": {"lockers": [fullest] * limits.LOCKERS_SHOWN, "more": True}})


async def test_the_list_waits_until_the_journal_has_been_read(rig: Rig, tmp_path: Path) -> None:
    """Whoever puts a bank into service just after the start would find nothing new in it."""
    async with hall(rig, new=True) as bank:
        await bank.end()
        bank.renew()
        asked = asyncio.create_task(desk(bank, tmp_path).show({"after": ""}))
        await settle()
        assert not asked.done()
        await bank.begin_again()
        lockers = (await asked)["lockers"]
    assert isinstance(lockers, list)
    assert [one["new"] for one in lockers] == [True, True]


async def test_the_list_does_not_wait_for_ever(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOCKERS_KNOWN_S", 0.01)
    async with hall(rig) as bank:
        await bank.end()
        bank.renew()
        lockers = (await desk(bank, tmp_path).show({"after": ""}))["lockers"]
    assert isinstance(lockers, list)
    assert [one["state"] for one in lockers] == [None, None]
