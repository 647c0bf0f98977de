"""The simulation repeats itself, notices what it is there for, and what it found stays mended."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from edged.apart import Apart
from hil.scenarios.stage import Stage, furnish, staged
from hil.simulation.life import live
from hil.simulation.town import Town, settle_in
from hil.simulation.witness import Witness
from hil.virtual.beside import work_beside
from hil.virtual.disk import DiskState
from hil.virtual.loop import NothingLeft, VirtualLoop
from hil.virtual.site import VirtualSite, virtual_site

_AGAIN = "from hil.simulation.life import live; print(live(1, 5, hours=5).trace)"


def at(folder: Path, story: Callable[[Stage, VirtualSite], Awaitable[None]]) -> None:
    """Play a story at a site on virtual time."""

    async def play() -> None:
        async with virtual_site(folder, furnish, lambda: 0.003) as site, staged(site) as stage:
            await story(stage, site)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(play())


@pytest.mark.slow
def test_hours_break_no_law_and_are_the_same_for_the_same_seed() -> None:
    """In a process whose sets have another order, too."""
    lived = live(1, 5, hours=5)
    assert lived.violations == []
    assert lived.reached["let in"] > 10
    assert lived.reached["killed"] > 0
    assert live(1, 6, hours=1).trace != live(1, 7, hours=1).trace
    again = subprocess.run(
        [sys.executable, "-c", _AGAIN],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.strip() == lived.trace


def test_a_release_that_nothing_on_the_disk_explains_is_told(tmp_path: Path) -> None:
    async def story(stage: Stage, site: VirtualSite) -> None:
        witness = Witness(site, {})
        site.everything.observations.watchers.add(witness.sees)
        await stage.people.scan("front-in", site.code("aiko"))
        await stage.bolt("front", 2, released=True)
        assert witness.violations == []
        await stage.bolt("front", 6, released=False)
        await stage.people.press("front")  # of which the witness is told nothing
        await stage.bolt("front", 2, released=True)
        assert [one.split(" ", 1)[1] for one in witness.violations] == [
            "the bolt was released, and nothing that is on the disk says why"
        ]

    at(tmp_path, story)


def test_nothing_is_calm_at_a_clock_that_is_turned_although_its_time_is_confirmed(
    tmp_path: Path,
) -> None:
    """One trouble ends while another lasts: what the device then believes, it keeps."""

    async def play() -> None:
        turned = virtual_site(tmp_path, settle_in, lambda: 0.001)
        async with turned as site, site, site.people() as people:
            town = Town(site, people, random.Random(1))
            await asyncio.sleep(100)
            assert town._calm()
            site.sky.off = timedelta(hours=29)
            assert not town._calm()
            ahead = site.sky.device()
            await town._turn_clock()
            await asyncio.sleep(100)
            assert site.sky.device() < ahead
            assert not town._calm()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(play())


def test_a_count_that_the_records_do_not_have_is_told(tmp_path: Path) -> None:
    async def story(stage: Stage, site: VirtualSite) -> None:
        await stage.people.scan("front-in", site.code("aiko"))
        await stage.bolt("front", 2, released=True)
        await site.daemon.stop()
        witness = Witness(site, {"C-aiko": 8})
        witness.look()
        assert witness.violations == []
        witness._recount([])
        assert "C-aiko: 1 counted, 0 by the records" in witness.violations[0]

    at(tmp_path, story)


@pytest.mark.fault("disk-fails")
def test_what_a_failed_sync_had_stored_is_recorded_once(tmp_path: Path) -> None:
    """Found by the simulation: it was written anew with each attempt."""

    async def story(stage: Stage, site: VirtualSite) -> None:
        site.disk.written = lambda: True
        site.disk.state = DiskState.FAILING
        await stage.people.press("front")
        await asyncio.sleep(60)
        await stage.people.press("front")
        await asyncio.sleep(60)
        site.disk.state = DiskState.WELL
        await asyncio.sleep(60)
        pressed = [one["event_id"] for one in stage.records(kind="exit_button")]
        assert len(pressed) == len(set(pressed)) == 2
        told = [one["event_id"] for one in stage.records(kind="outcome")]
        assert sorted(told) == sorted(pressed)

    at(tmp_path, story)


@pytest.mark.fault("disk-fails")
def test_an_entry_that_a_failed_sync_had_stored_counts_for_nothing(tmp_path: Path) -> None:
    """Found by the simulation: somebody who was kept out was recorded and counted as let in."""

    async def story(stage: Stage, site: VirtualSite) -> None:
        site.disk.written = lambda: True
        site.disk.state = DiskState.FAILING
        await stage.people.scan("front-in", site.code("aiko"))
        await asyncio.sleep(10)
        site.disk.state = DiskState.WELL
        await asyncio.sleep(60)
        assert stage.count("bolt", door="front", released=True) == 0
        (entry,) = stage.records(kind="passage")
        (outcome,) = stage.records(kind="outcome")
        assert (entry["decision"], outcome["outcome"]) == ("ALLOW", "DOOR_NOT_OPENED")
        assert outcome["event_id"] == entry["event_id"]
        assert stage.counted("aiko") == 0

    at(tmp_path, story)


@pytest.mark.fault("power-cut")
def test_a_killed_daemon_reaches_nobody_and_leaves_what_was_committed(tmp_path: Path) -> None:
    async def story(stage: Stage, site: VirtualSite) -> None:
        await stage.people.scan("front-in", site.code("aiko"))
        await stage.bolt("front", 2, released=True)
        seen = stage.people.last
        await stage.power_off()
        assert not site.alive
        (entry,) = stage.records(kind="passage")
        assert entry["member"] == "aiko"
        await asyncio.sleep(600)
        late = {one["what"] for one in stage.people.seen if one["n"] > seen}
        assert late <= {"bolt", "coil", "device"}
        assert stage.records(kind="stopped") == []
        await stage.power_on()
        assert site.alive

    at(tmp_path, story)


def test_heavy_work_of_a_virtual_daemon_holds_nobody_back_here() -> None:
    """It sent whoever ran a simulation, and all tests behind it, to the end of the queue."""

    async def work() -> int:
        with work_beside():
            return await Apart(os.nice, "under way")(0)

    before = os.nice(0)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(work()) == before == os.nice(0)


def test_a_wait_that_nothing_can_end_is_no_wait_for_ever() -> None:
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingLeft), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(wait())
