"""Lockers from the command line and a code down to the latch; the building is the witness."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edged.exits import Exit
from hil.people import Refused
from hil.site.lockers import BANK, READER
from hil.site.site import Site
from tests.e2e.lockers import STAFF, alarms, assign, at, look, opened, order, pulses, until
from tests.e2e.scene import SOON_S, present, records

pytestmark = pytest.mark.e2e


async def test_a_locker_from_its_assignment_to_its_end(site: Site) -> None:
    async with at(site) as people:
        assert (await present(people, READER, site.code("aiko")))["light"] != "green"
        use = await assign(site)
        shown = await present(people, READER, site.code("aiko"))
        assert shown["light"] == "green"
        await people.wait_for(opened, SOON_S)
        await people.close_locker(BANK, 1)
        assert (await present(people, READER, site.code("boram")))["light"] != "green"
        await order(
            site, "assign", "L1", "--member", "boram", "--end", "2099-01-01", *STAFF, code=13
        )

        now = datetime.now(UTC).isoformat()  # noqa: TID251 - the daemon's clock is the real one
        await order(site, "extend", "L1", "--occupancy", use, "--end", now, *STAFF)
        await until(site, "WAITING")
        assert (await present(people, READER, site.code("aiko")))["light"] != "green"
        late = await order(
            site, "assign", "L1", "--member", "eun", "--end", "2099-01-01", *STAFF, code=13
        )
        assert late["result"] == "LOCKER_OCCUPIED"
        assert pulses(people) == 1

        before = people.last
        ended = await order(site, "force-end", "L1", "--occupancy", use, *STAFF)
        assert (ended["result"], ended["released"]) == ("OK", True)
        await people.wait_for(opened, SOON_S, after=before)
        await until(site, "FREE")
        again = await order(site, "force-end", "L1", "--occupancy", use, *STAFF, code=13)
        assert again["result"] == "STALE_COMMAND"
        assert pulses(people) == 2
        assert await alarms(site) == set()
    words = [record["word"] for record in records(site) if record["kind"] == "locker"]
    assert words == ["confirmed_empty"] * 4 + ["expired", "release_pulse", "forced_end"]
    asked = [record for record in records(site) if record["kind"] == "locker_command"]
    assert {record["by"] for record in asked if record["device"] is None} == {"S9"}


async def test_the_end_of_a_use_comes_by_itself_and_frees_nothing(site: Site) -> None:
    async with at(site) as people:
        use = await assign(site)
        soon = datetime.now(UTC) + timedelta(seconds=3)  # noqa: TID251 - the desk's clock
        await order(site, "extend", "L1", "--occupancy", use, "--end", soon.isoformat(), *STAFF)
        await until(site, "WAITING")
        await site.daemon.stop()
        await site.start_daemon()
        await until(site, "WAITING")
        assert pulses(people) == 0


@pytest.mark.threat("G9")
async def test_a_pin_opens_and_is_written_nowhere(site: Site) -> None:
    async with at(site) as people:
        for name, text in (("pin", "907431"), ("wrong", "907432")):
            (site.folder / name).write_text(text)
        pin, wrong = str(site.folder / "pin"), str(site.folder / "wrong")
        use = await assign(site, "--pin-file", pin)
        await site.daemon.stop()
        await site.start_daemon()
        for file, result, code in ((wrong, "LOCKER_BAD_PIN", 13), (pin, "OK", 0)):
            done = await order(
                site, "open", "L1", "--occupancy", use, "--pin-file", file, code=code
            )
            assert done["result"] == result
        assert pulses(people) == 1
    for name in ("pin", "wrong"):
        (site.folder / name).unlink()
    kept = b"".join(path.read_bytes() for path in site.folder.rglob("*") if path.is_file())
    assert b"907431" not in kept


@pytest.mark.fault("locker-jammed")
async def test_a_jammed_locker_is_never_free_before_staff_say_so(site: Site) -> None:
    async with at(site, jammed=[1]) as people:
        use = await assign(site)
        await order(site, "force-end", "L1", "--occupancy", use, *STAFF)
        await until(site, "RELEASING", "STUCK")
        assert await alarms(site) == {"LOCKER_STUCK"}
        await site.daemon.stop()
        await site.start_daemon()
        await until(site, "RELEASING", "STUCK")
        assert await alarms(site) == {"LOCKER_STUCK"}
        await order(site, "assign", "L1", "--member", "eun", "--end", "2099-01-01", *STAFF, code=13)
        await order(site, "set-aside", "L1", "--occupancy", use, *STAFF)
        assert (await look(site))["state"] == "OUT_OF_ORDER"
        done = await order(site, "confirm-empty", "L1", "--occupancy", use, *STAFF)
        assert (done["state"], await alarms(site)) == ("FREE", set())
        assert pulses(people) == 1


async def test_a_kill_after_the_pulse_leaves_it_to_staff_and_pulses_no_more(site: Site) -> None:
    async with at(site, springs=False, opens_after_ms=0) as people:
        use = await assign(site)
        ending = asyncio.create_task(
            site.run_edged(
                "lockers", "force-end", "L1", "--occupancy", use, *STAFF, "--config", site.config
            )
        )
        await people.wait_for(lambda seen: seen["what"] == "pulse", SOON_S)
        site.daemon.kill()
        await site.daemon.wait()
        await ending
        await people.open_locker(BANK, 1)
        await site.start_daemon()
        await until(site, "RELEASING", "STUCK")
        assert await alarms(site) == {"LOCKER_STUCK"}
        assert pulses(people) == 1


async def test_a_copy_of_a_command_is_answered_and_moves_nothing(site: Site) -> None:
    async with at(site) as people:
        use = await assign(site)
        once = ("open", "L1", "--occupancy", use, *STAFF, "--command", "C1")
        assert [(await order(site, *once))["result"] for _ in range(2)] == ["OK", "OK"]
        assert pulses(people) == 1
        with pytest.raises(Refused, match="locked"):
            await people.open_locker(BANK, 2)


async def test_what_is_wrong_with_an_order_is_said(site: Site, tmp_path: Path) -> None:
    async with at(site) as people:
        pin = tmp_path / "pin"
        pin.write_text("12")
        for arguments, code, said in (
            (("open", "L9", "--occupancy", "O1", "--member", "aiko"), Exit.NOT_FOUND, "L9"),
            (
                ("extend", "L1", "--occupancy", "O1", "--end", "2026-99-01", *STAFF),
                Exit.USAGE,
                "2026-99",
            ),
            (("open", "L1", "--occupancy", "O1", "--pin-file", str(pin)), Exit.USAGE, "pin"),
        ):
            done, _, err = await site.run_edged("lockers", *arguments, "--config", site.config)
            assert (done, said in err) == (code, True), err
        assert pulses(people) == 0
