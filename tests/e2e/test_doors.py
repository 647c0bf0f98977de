"""A strike and a magnet, and people who do with them whatever people do: each event once, in order.

The building is the witness of the bolts, the audit that of the events.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edged.exits import Exit
from hil.people import People
from hil.site.doors import READER, SIREN, YARD, complete_doors
from hil.site.lockers import BANK, add_boards, confirm_empty, write_pepper
from hil.site.site import Site
from tests.e2e.lockers import STAFF, assign, order, until
from tests.e2e.scene import SOON_S, Ears, bolt, present, records, shown

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


class Visit:
    """One person at both doors, with an ear at the daemon."""

    def __init__(self, site: Site, people: People, ears: Ears) -> None:
        self.site, self.people, self.ears = site, people, ears

    async def walk_through(self, door: str, after: int) -> None:
        """Go through a door whose bolt is let go after this observation."""
        released = await self.people.wait_for(bolt(door, released=True), SOON_S, after=after)
        await self.people.open(door)
        await self.ears.hear(kind="outcome", door=door)
        await self.people.close(door)
        await self.people.wait_for(bolt(door, released=False), SOON_S, after=released["n"])

    async def come_in(self, door: str, reader: str, name: str) -> None:
        before = self.people.last
        await self.people.scan(reader, self.site.code(name))
        await self.walk_through(door, before)

    async def lapse(self) -> None:
        before = self.people.last
        await self.people.scan("front-in", self.site.code("eun"))
        await self.people.lapse("front", SOON_S, after=before)
        await self.ears.hear(kind="outcome", outcome="DOOR_NOT_OPENED")

    async def press_button(self) -> int:
        """Press it and let go, so that the next press is one; the number before it."""
        before = self.people.last
        await self.people.press("front", for_ms=50)
        await self.people.wait_for(
            lambda seen: seen["what"] == "button" and not seen["pressed"], SOON_S, after=before
        )
        return before

    async def press(self) -> None:
        await self.walk_through("front", await self.press_button())

    async def hold_open(self) -> None:
        before = await self.press_button()
        await self.people.wait_for(bolt("front", released=True), SOON_S, after=before)
        await self.people.open("front")
        await self.ears.hear(alarm="DOOR_HELD_SOON", raised=True)
        await self.ears.hear(alarm="DOOR_HELD_OPEN", raised=True)
        await self.people.close("front")
        await self.ears.hear(alarm="DOOR_HELD_OPEN", raised=False)

    async def force(self) -> None:
        before = self.people.last
        await self.people.force("front")
        await self.ears.hear(alarm="DOOR_FORCED", raised=True)
        await self.people.wait_for(shown(SIREN), SOON_S, after=before)
        await self.people.close("front")
        await self.ears.hear(alarm="DOOR_FORCED", raised=False)

    async def tamper(self) -> None:
        for opened in (True, False):
            await self.people.tamper(YARD, opened=opened)
            await self.ears.hear(source=YARD, alarm="TAMPER", raised=opened)

    async def burn(self) -> None:
        before = self.people.last
        await self.people.switch("fire", on=True)
        await self.people.wait_for(bolt(YARD, released=True), SOON_S, after=before)
        await self.people.open(YARD)
        await self.people.close(YARD)
        assert await self.order("fire", "reset") == (Exit.DOOR_REFUSED, "STILL_BURNING")
        await self.people.switch("fire", on=False)

    async def put_out(self) -> None:
        before = self.people.last
        assert await self.order("fire", "reset") == (Exit.OK, "OK")
        await self.people.wait_for(bolt(YARD, released=False), SOON_S, after=before)

    async def lock_down(self) -> None:
        await self.people.switch("lockdown", on=True)
        await self.ears.hear(alarm="LOCKDOWN", raised=True)
        assert (await present(self.people, "front-in", self.site.code("aiko")))["light"] != "green"
        await self.press()
        await self.people.switch("lockdown", on=False)
        await self.ears.hear(alarm="LOCKDOWN", raised=False)

    async def open_from_afar(self) -> None:
        before = self.people.last
        assert await self.order("door", "open", YARD) == (Exit.OK, "OK")
        await self.people.lapse(YARD, SOON_S, after=before)
        await self.ears.hear(kind="outcome", door=YARD, outcome="DOOR_NOT_OPENED")

    async def order(self, *arguments: str) -> tuple[int, str]:
        asked = (*arguments, "--by", "kim", "--json", "--config", self.site.config)
        code, out, _ = await self.site.run_edged(*asked)
        return code, json.loads(out)["result"]


@asynccontextmanager
async def visiting(site: Site) -> AsyncIterator[Visit]:
    async with site.people() as people, Ears.at(site) as ears:
        yield Visit(site, people, ears)


def told(record: dict[str, Any]) -> tuple[object, ...] | None:
    """A record in one line; None for those of the daemon's own life."""
    match record["kind"]:
        case "passage":
            return (record["door"], record["decision"], record["reason"])
        case "outcome":
            return (record["door"], record["outcome"])
        case "exit_button":
            return (record["door"], "pressed")
        case "alarm":
            return (record["source"], record["alarm"], "up" if record["raised"] else "over")
        case "hold":
            return (record["door"], record["why"], "begins" if record["began"] else "ends")
        case "command":
            return (record["verb"], record["result"])
        case "locker_command":
            return (record["locker"], record["verb"], record["result"])
        case "locker":
            return (record["locker"], record["word"])
        case _:
            return None


STORY: list[tuple[object, ...]] = [
    ("front", "ALLOW", "OK"),
    ("front", "DOOR_OPENED"),
    ("front", "ALLOW", "OK"),
    ("front", "DOOR_NOT_OPENED"),
    ("front", "pressed"),
    ("front", "DOOR_OPENED"),
    ("front", "pressed"),
    ("front", "DOOR_OPENED"),
    ("front", "DOOR_HELD_SOON", "up"),
    ("front", "DOOR_HELD_SOON", "over"),
    ("front", "DOOR_HELD_OPEN", "up"),
    ("front", "DOOR_HELD_OPEN", "over"),
    ("front", "DOOR_FORCED", "up"),
    ("front", "DOOR_FORCED", "over"),
    (YARD, "TAMPER", "up"),
    (YARD, "TAMPER", "over"),
    (YARD, "ALLOW", "OK"),
    (YARD, "DOOR_OPENED"),
    ("device", "FIRE", "up"),
    (YARD, "fire", "begins"),
    ("fire_reset", "STILL_BURNING"),
    ("fire_reset", "OK"),
    ("device", "FIRE", "over"),
    (YARD, "fire", "ends"),
    ("device", "LOCKDOWN", "up"),
    ("front", "DENY", "LOCKDOWN"),
    ("front", "pressed"),
    ("front", "DOOR_OPENED"),
    ("device", "LOCKDOWN", "over"),
    ("open", "OK"),
    (YARD, "DOOR_NOT_OPENED"),
]


async def test_every_event_appears_once_and_in_order(site: Site) -> None:
    complete_doors(site)
    async with site, visiting(site) as visit:
        await visit.come_in("front", "front-in", "aiko")
        await visit.lapse()
        await visit.press()
        await visit.hold_open()
        await visit.force()
        await visit.tamper()
        await visit.come_in(YARD, READER, "aiko")
        await visit.burn()
        await visit.put_out()
        await visit.lock_down()
        await visit.open_from_afar()
    in_time = sorted(records(site), key=lambda one: str(one["occurred_at"]))
    assert [line for line in map(told, in_time) if line is not None] == STORY


OPENED = ("DOOR_OPENED",)
LOCKERS = {"L1": 1, "L3": 3, "L5": 5}
"""One at each make of board, with its channel."""


async def test_a_building_with_boards_of_three_makes_tells_everything_once_too(site: Site) -> None:
    """Doors and lockers of one device, in turns: neither loses an event of the other."""
    complete_doors(site)
    add_boards(site)
    write_pepper(site)
    async with site, visiting(site) as visit:
        await confirm_empty(site)
        people = visit.people
        for step, (locker, channel) in zip(
            (visit.lapse, visit.hold_open, visit.force), LOCKERS.items(), strict=True
        ):
            await visit.come_in("front", "front-in", "aiko")
            await visit.come_in(YARD, READER, "aiko")
            use = await assign(site, locker=locker)
            await step()
            before = people.last
            ended = await order(site, "force-end", locker, "--occupancy", use, *STAFF)
            assert (ended["result"], ended["released"]) == ("OK", True)
            await people.wait_for(
                lambda seen: seen["what"] == "locker" and seen["open"] is True, SOON_S, after=before
            )
            await until(site, "FREE", locker=locker)  # seen open by its board
            await people.close_locker(BANK, channel)
        assert [one["channel"] for one in people.seen if one["what"] == "pulse"] == [1, 3, 5]
    everything = sorted(records(site), key=lambda one: str(one["occurred_at"]))
    story = [line for line in map(told, everything) if line is not None]
    new = {one for one in story if one[1] in {"confirm_empty", "confirmed_empty"}}
    assert len(new) == len(story[: len(new)]) == 12
    assert set(story[: len(new)]) == new
    came_in = [(door, *how) for door in ("front", YARD) for how in (("ALLOW", "OK"), OPENED)]
    expected: list[tuple[object, ...]] = []
    for locker, lines in zip(LOCKERS, (STORY[2:4], STORY[6:12], STORY[12:14]), strict=True):
        end = [(locker, "release_pulse"), (locker, "force_end", "OK"), (locker, "forced_end")]
        expected += [*came_in, (locker, "assign", "OK"), *lines, *end]
    assert story[len(new) :] == expected


@pytest.mark.fault("power-cut")
async def test_a_fire_holds_over_a_crash_and_no_bolt_is_thrown_until_it_is_reset(
    site: Site,
) -> None:
    complete_doors(site)
    async with site:
        async with visiting(site) as visit:
            await visit.people.switch("fire", on=True)
            await visit.ears.hear(kind="hold", door=YARD)
            await visit.people.switch("fire", on=False)
        async with asyncio.timeout(SOON_S):  # what happened first is recorded after
            while True:
                if any(one["kind"] == "hold" for one in records(site)):
                    break
                await asyncio.sleep(0.02)
        before_crash = len(records(site))
        site.daemon.kill()
        await site.daemon.wait()
        async with site.people() as people:
            crashed = people.last
            await site.start_daemon()
            async with Ears.at(site) as ears:
                visit = Visit(site, people, ears)
                thrown = [
                    s for s in people.seen if s["n"] > crashed and bolt(YARD, released=False)(s)
                ]
                assert thrown == []
                await visit.put_out()
    later = records(site)[before_crash:]
    assert [one["cause"] for one in later if one["kind"] == "alarm" and one["raised"]] == [
        "latched before the restart"
    ]
