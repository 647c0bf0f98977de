"""The whole daemon with lock boards of three makes at one bus; the building is the witness."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from hil.people import Observation, People
from hil.site.lockers import BANK, BUS, READER, add_boards
from hil.site.site import Site
from tests.e2e.lockers import STAFF, alarms, alarms_become, assign, at, order, until
from tests.e2e.scene import SOON_S, present, records

pytestmark = pytest.mark.e2e

MAKES = {"L1": 1, "L3": 3, "L5": 5}
"""A locker of each make, with its channel."""


def opens(channel: int) -> Callable[[Observation], bool]:
    return lambda seen: (
        seen["what"] == "locker" and seen["channel"] == channel and seen["open"] is True
    )


def pulsed(people: People) -> list[int]:
    return [seen["channel"] for seen in people.seen if seen["what"] == "pulse"]


async def test_owners_open_and_staff_end_at_boards_of_three_makes(site: Site) -> None:
    async with at(site, add_boards) as people:
        uses = {locker: await assign(site, locker=locker) for locker in MAKES}
        for channel in MAKES.values():  # the owner's code opens them in turn
            before = people.last
            assert (await present(people, READER, site.code("aiko")))["light"] == "green"
            await people.wait_for(opens(channel), SOON_S, after=before)
            await people.close_locker(BANK, channel)
        for locker, channel in MAKES.items():
            before = people.last
            ended = await order(site, "force-end", locker, "--occupancy", uses[locker], *STAFF)
            assert (ended["result"], ended["released"]) == ("OK", True)
            await people.wait_for(opens(channel), SOON_S, after=before)
            await until(site, "FREE", locker=locker)
        assert pulsed(people) == [1, 3, 5, 1, 3, 5]
        assert await alarms(site) == set()


@pytest.mark.fault("locker-jammed")
async def test_a_jammed_locker_of_any_make_stays_releasing_and_is_an_alarm(site: Site) -> None:
    async with at(site, add_boards, jammed=list(MAKES.values())) as people:
        for locker in MAKES:
            use = await assign(site, locker=locker)
            await order(site, "force-end", locker, "--occupancy", use, *STAFF, code=13)
            await until(site, "RELEASING", "STUCK", locker=locker)
        assert await alarms(site) >= {"LOCKER_STUCK"}
        assert pulsed(people) == [1, 3, 5]


async def test_a_dead_board_is_an_alarm_and_the_others_work(site: Site) -> None:
    async with at(site, add_boards) as people:
        await people.disturb(BUS, board=0, mute=True)
        use = await assign(site, locker="L3")
        await alarms_become(site, {"DEVICE_LOST"})
        done = await order(site, "open", "L3", "--occupancy", use, *STAFF)
        assert done["released"] is True
        await people.disturb(BUS)
        await alarms_become(site, set())
        assert pulsed(people) == [3]


@pytest.mark.fault("locker-board-lost")
async def test_an_echo_and_an_unplugged_bus_open_nothing_and_come_back(site: Site) -> None:
    async with at(site, add_boards) as people:
        use = await assign(site, locker="L5")
        await people.disturb(BUS, mute=True, echo=True)
        done = await order(site, "open", "L5", "--occupancy", use, *STAFF, code=13)
        assert done["released"] is False
        await people.disturb(BUS, unplugged=True)
        await order(site, "open", "L5", "--occupancy", use, *STAFF, code=13)
        await people.disturb(BUS)
        await alarms_become(site, {"LOCK_FAULT"})
        done = await order(site, "open", "L5", "--occupancy", use, *STAFF)
        assert done["released"] is True
        assert pulsed(people) == [5]


async def test_an_installer_finds_the_boards_while_the_daemon_is_away(site: Site) -> None:
    async with at(site, add_boards) as people:
        await site.daemon.stop()
        where = ("--port", str(site.folder / "line.tty"), "--baud", "9600")
        found = await order(site, "scan", "--kind", "kerong", *where)
        assert found == {"address": 0, "set": list(range(1, 17))}, "all hooks are closed by 1"
        found = await order(site, "scan", "--kind", "kerong", *where, "--pulse", "0", "2")
        assert (found["changed"], pulsed(people)) == ([2], [2])


async def test_an_evacuation_opens_every_locker_one_after_the_other(site: Site) -> None:
    async with at(site, add_boards) as people:
        done = await order(site, "release-all", BANK, *STAFF)
        assert (done["result"], done["lockers"]) == ("OK", 6)
        for channel in range(1, 7):
            await people.wait_for(opens(channel), SOON_S)
        assert pulsed(people) == [1, 2, 3, 4, 5, 6]
        at_ms = [seen["at_ms"] for seen in people.seen if seen["what"] == "pulse"]
        assert all(later - one >= 500 for one, later in pairwise(at_ms))
        async with asyncio.timeout(SOON_S):
            while not (ends := [one for one in records(site) if one["kind"] == "master_released"]):
                await alarms(site)  # a record can only be looked for
        assert [end["released"] for end in ends] == [6]
