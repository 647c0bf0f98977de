"""Faults of a whole device, at a site on virtual time; the building is the witness of the bolts."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from hil.people import Refused
from hil.scenarios.stage import Stage
from hil.site.doors import YARD
from hil.site.site import Site
from hil.virtual.disk import DiskState
from hil.virtual.site import VirtualSite
from tests.faults.sites import at, comes, leaves, stays_out


async def alarms(stage: Stage) -> set[tuple[str, str]]:
    return {(one["alarm"], one["source"]) for one in await stage.staff.alarms()}


@pytest.mark.fault("disk-full", "disk-fails")
@pytest.mark.parametrize("state", [DiskState.FULL, DiskState.FAILING])
def test_a_bad_disk_keeps_members_out_and_nobody_in(tmp_path: Path, state: DiskState) -> None:
    async def story(stage: Stage, site: VirtualSite) -> None:
        site.disk.state = state
        await stays_out(stage, "aiko")
        await leaves(stage)
        await comes(stage, "goro")  # who works there
        await asyncio.sleep(15)
        assert ("STORE_FAILED", "journal") in await alarms(stage)
        site.disk.state = DiskState.WELL
        await asyncio.sleep(60)
        assert await alarms(stage) == set()
        await comes(stage, "aiko")

    at(tmp_path, story)


@pytest.mark.fault("disk-slow")
def test_what_comes_to_the_disk_late_opens_nothing_and_counts_for_nothing(tmp_path: Path) -> None:
    async def story(stage: Stage, site: VirtualSite) -> None:
        site.disk.delay_s = lambda: 12.0
        await stays_out(stage, "aiko", 60)
        await leaves(stage)
        site.disk.delay_s = lambda: 0.003
        await asyncio.sleep(60)
        assert stage.counted("aiko") == 0
        await comes(stage, "aiko")
        assert stage.counted("aiko") == 1

    at(tmp_path, story)


def only_rules_are_read() -> float:
    """Give what a job takes at a disk that tells the rules, and hangs when it has to write."""
    task = asyncio.current_task()
    return 0.003 if task is not None and task.get_name() == "rules" else 300.0


@pytest.mark.fault("disk-slow", "fire")
def test_a_start_on_a_disk_that_hangs_keeps_nobody_in(tmp_path: Path) -> None:
    async def story(stage: Stage, site: VirtualSite) -> None:
        await site.daemon.stop()
        site.disk.delay_s = only_rules_are_read
        stage.begin()
        starting = asyncio.create_task(site.daemon.until_ready(site.folder))
        await asyncio.sleep(1.2)
        await stage.people.press("front")
        await stage.bolt("front", 1, released=True)
        await stage.bolt("front", 6, released=False)
        await stage.people.scan("front-out", site.code("eun"))
        await stage.bolt("front", 1, released=True)
        await stage.bolt(YARD, 1, released=False)
        await stage.bolt_rests(YARD, 2, released=False)
        await stage.people.switch("fire", on=True)
        await stage.bolt(YARD, 1, released=True)
        site.daemon.kill()
        await asyncio.gather(starting, return_exceptions=True)
        site.disk.delay_s = lambda: 0.003

    at(tmp_path, story)


@pytest.mark.fault("cables-cut", "fire-input-lost")
def test_without_its_cables_a_device_is_at_rest_and_says_so(tmp_path: Path) -> None:
    async def story(stage: Stage, site: VirtualSite) -> None:
        stage.begin()
        await stage.people.scan("front-in", site.code("eun"))
        await stage.bolt("front", 2, released=True)
        stage.begin()
        site.cut_cables()
        await stage.bolt("front", 1, released=False)
        await stage.bolt(YARD, 1, released=True)
        await asyncio.sleep(5)
        up = await alarms(stage)
        assert {("DEVICE_LOST", "front.lock"), ("FIRE_UNHEARD", "device")} <= up
        assert await stage.order("door", "fire_reset", by="S9") == "NO_FIRE"
        site.mend_cables()
        await stage.bolt(YARD, 30, released=False)
        await asyncio.sleep(30)
        assert await alarms(stage) == set()
        await comes(stage, "eun")

    at(tmp_path, story)


@pytest.mark.fault("power-cut", "memory-short")
def test_a_kill_between_the_record_and_the_bolt_moves_nothing_later(tmp_path: Path) -> None:
    async def story(stage: Stage, site: VirtualSite) -> None:
        def kill() -> None:
            if stage.records(kind="passage"):
                site.disk.after_job = lambda: None
                site.daemon.kill()

        site.disk.after_job = kill
        await stays_out(stage, "aiko", 5)
        assert not site.alive
        await stage.power_off()
        await stage.power_on()
        await stage.bolt_rests("front", 30, released=False)
        assert stage.counted("aiko") == 1
        await comes(stage, "aiko")
        assert stage.counted("aiko") == 1
        (_, second) = stage.records(kind="started")
        assert second["clean"] is False

    at(tmp_path, story)


@pytest.mark.fault("bolt-jammed")
def test_a_jammed_bolt_lets_nobody_in_and_the_audit_says_so(tmp_path: Path) -> None:
    def jam(site: Site) -> None:
        site.building["doors"]["front"]["jammed"] = True

    async def story(stage: Stage, site: VirtualSite) -> None:
        await stage.people.scan("front-in", site.code("aiko"))
        await asyncio.sleep(1)
        with pytest.raises(Refused, match="locked"):
            await stage.people.open("front")
        await asyncio.sleep(10)
        (outcome,) = stage.records(kind="outcome")
        assert outcome["outcome"] == "DOOR_NOT_OPENED"

    at(tmp_path, story, jam)


@pytest.mark.fault("clock-in-doubt")
def test_a_clock_that_is_turned_makes_no_code_younger_and_holds_nobody_in(tmp_path: Path) -> None:
    async def story(stage: Stage, site: VirtualSite) -> None:
        old = site.code("aiko")
        await asyncio.sleep(7_200)
        await comes(stage, "eun")
        site.sky.off, site.sky.error_s = -timedelta(hours=2), None
        stage.begin()
        await stage.people.scan("front-in", old)
        await stage.bolt_rests("front", 3, released=False)
        await leaves(stage)
        await asyncio.sleep(15)
        assert ("CLOCK_DOUBTED", "clock") in await alarms(stage)

    at(tmp_path, story)
