"""The timetables of a door's readers are there before anybody comes."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from edged import limits
from edged.ahead import Ahead
from edged.clock import ClockState
from tests.edged.fakes import NOON, WITHIN_S, settle, until
from tests.edged.rig import Rig, load_rules


def made(rig: Rig, reader: str, day: datetime = NOON) -> set[str]:
    """Name the plans whose timetables are there."""
    rules = rig.rules.rules
    assert rules is not None
    here = rules.timetables.get((reader, day.toordinal()))
    return set() if here is None else set(here.plans)


async def looked(rig: Rig, *readers: str) -> None:
    """Let it look once, and the time pass that it leaves to others."""
    look = asyncio.create_task(Ahead(rig.ports, readers).look())
    await passed(rig, look.done)
    await look


async def passed(rig: Rig, holds: Callable[[], bool]) -> None:
    """Let time pass until something holds."""
    async with asyncio.timeout(WITHIN_S):
        while not holds():
            await settle()
            await rig.clock.advance(limits.AHEAD_PAUSE_MS)


async def test_the_readers_of_doors_have_their_plans_of_today(rig: Rig) -> None:
    await looked(rig, "front-in", "front-out", "a reader that the rules lack")
    assert rig.rules.rules is not None
    assert made(rig, "front-in") == made(rig, "front-out") == set(rig.rules.rules.plans)
    assert not made(rig, "front-in", NOON + timedelta(days=1))


async def test_before_a_day_begins_its_timetables_are_made(rig: Rig) -> None:
    midnight = datetime(2026, 11, 5, tzinfo=UTC)
    rig.clock.wall = midnight - limits.AHEAD
    await looked(rig, "front-in")
    assert made(rig, "front-in", midnight)


async def test_while_the_time_cannot_be_told_none_is_made(rig: Rig) -> None:
    rig.clock.state = ClockState.SUSPECT
    await looked(rig, "front-in")
    assert not made(rig, "front-in")


async def test_new_rules_get_theirs_at_the_next_look(rig: Rig) -> None:
    running = asyncio.create_task(Ahead(rig.ports, ["front-in"]).run())
    await until(lambda: bool(made(rig, "front-in")))
    await asyncio.to_thread(load_rules, rig.path.parent / "rules", 2)
    await rig.rules.reload()
    assert not made(rig, "front-in")
    await passed(rig, lambda: bool(made(rig, "front-in")))
    running.cancel()


async def test_without_rules_there_is_nothing_to_make(rig: Rig) -> None:
    await rig.rules.close()
    await looked(rig, "front-in")
    assert rig.rules.rules is None
