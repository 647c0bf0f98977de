"""The simulation's witness of lockers notices what it is there for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hil.scenarios.stage import Stage, furnish, staged
from hil.simulation.locker_laws import LockerWitness, Ordered, Stand
from hil.simulation.witness import Witness
from hil.site.lockers import BANK, READER
from hil.virtual.loop import VirtualLoop
from hil.virtual.site import VirtualSite, virtual_site
from policy.locker_model import Locker, LockerState, Occupancy

_CHANNELS = {"L1": 1, "L2": 2, "L3": 3, "L4": 4}
_END = datetime(2099, 1, 1, tzinfo=UTC)
_USE = {"occupancy": "use-1", "member": "aiko", "end": "2099-01-01T00:00:00.000Z"}
_LATER_S = 5.0


def told(folder: Path, story: Callable[[Stage, LockerWitness], Awaitable[None]]) -> Sequence[str]:
    """Play a story at a bank that is empty; return what its witness says, without the times."""

    async def play() -> Sequence[str]:
        async with virtual_site(folder, furnish, lambda: 0.003) as site, staged(site) as stage:
            witness = Witness(site, {})
            witness.read()
            lockers = LockerWitness(witness, _CHANNELS)
            lockers.stands.update(dict.fromkeys(_CHANNELS, Stand("FREE")))
            witness.heard = lockers.hears
            site.everything.observations.watchers.add(lockers.sees)
            await story(stage, lockers)
            witness.read()
            return [one.split(" ", 1)[1] for one in witness.violations]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(play())


async def give(stage: Stage, lockers: LockerWitness) -> None:
    """Give L1 to aiko, as somebody who tells the witness of it."""
    lockers.orders["C1"], lockers.members["use-1"] = Ordered("assign", "L1", "use-1"), "aiko"
    use = {"occupancy": "use-1", "member": "aiko", "end": "2099-01-01"}
    await stage.order("locker", "assign", command="C1", locker="L1", staff="kim", **use)


async def show(stage: Stage) -> None:
    """Show aiko's code, and wait for what comes of it."""
    await stage.people.scan(READER, stage.site.code("aiko"))
    await asyncio.sleep(_LATER_S)


def asked(verb: str, **more: object) -> dict[str, Any]:
    """Write the record of an order that was carried out."""
    who = {"kind": "locker_command", "locker": "L1", "by": "kim", "device": None, "result": "OK"}
    return {**who, "verb": verb, "command": verb, **_USE, **more}


def test_a_use_that_is_asked_for_breaks_no_law(tmp_path: Path) -> None:
    async def story(stage: Stage, lockers: LockerWitness) -> None:
        await give(stage, lockers)
        lockers.came("aiko")
        await show(stage)
        lockers.orders["C2"] = Ordered("force_end", "L1", "use-1")
        ends = {"locker": "L1", "occupancy": "use-1", "staff": "kim"}
        await stage.order("locker", "force_end", command="C2", **ends)
        await asyncio.sleep(_LATER_S)
        assert lockers.pulses == 2

    assert told(tmp_path, story) == []


def test_an_opening_that_nobody_asked_for_is_told(tmp_path: Path) -> None:
    async def story(stage: Stage, lockers: LockerWitness) -> None:
        await give(stage, lockers)
        await show(stage)

    assert told(tmp_path, story) == ["L1: nobody asked for open by aiko"]


def test_a_pulse_more_than_records_is_told(tmp_path: Path) -> None:
    async def story(stage: Stage, lockers: LockerWitness) -> None:
        await give(stage, lockers)
        lockers.came("aiko")
        await stage.people.scan(READER, stage.site.code("aiko"))
        await stage.sees("pulse", _LATER_S, bank=BANK, channel=1)
        assert isinstance(stage.site, VirtualSite)
        stage.site.everything.banks[BANK].pulse(1)

    assert told(tmp_path, story) == ["L1 was released, and nothing on the disk says why"]


def test_a_pulse_for_somebody_else_is_told(tmp_path: Path) -> None:
    async def story(stage: Stage, lockers: LockerWitness) -> None:
        await give(stage, lockers)
        lockers.members["use-1"] = "ben"
        lockers.came("aiko")
        await show(stage)

    assert told(tmp_path, story) == ["L1 was opened for aiko, who does not hold it"]


def test_a_locker_that_is_given_twice_or_freed_unseen_is_told(tmp_path: Path) -> None:
    async def story(_: Stage, lockers: LockerWitness) -> None:
        lockers.orders["assign"] = Ordered("assign", "L1", "use-1")
        lockers.hears(asked("assign"))
        lockers.hears(asked("assign"))
        lockers.hears({"kind": "locker", "locker": "L1", "word": "forced_end"})

    assert told(tmp_path, story) == [
        "assign: assign of L1 was carried out twice",
        "L1 was given away while it was IN_USE",
        "L1 is free, and nobody saw it open: forced_end",
    ]


def test_a_row_that_the_records_do_not_tell_of_is_told(tmp_path: Path) -> None:
    held = Occupancy("use-1", "aiko", _END, _END, pin_hash=b"x")

    async def story(_: Stage, lockers: LockerWitness) -> None:
        lockers.orders["assign"] = Ordered("assign", "L1", "use-1")
        lockers.hears(asked("assign"))
        free = {name: Locker(name) for name in _CHANNELS}
        lockers.hold({**free, "L1": Locker("L1", LockerState.IN_USE, held)})
        lockers.hold({**free, "L1": Locker("L1", LockerState.WAITING, held)})

    (wrong,) = told(tmp_path, story)
    assert wrong.startswith("L1: the records say Stand(state='IN_USE'")
