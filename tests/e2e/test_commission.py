"""`edged commission` at a whole site: what is wired right passes, each planted fault is named."""

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edged.exits import Exit
from hil.people import People
from hil.site.doors import YARD, complete_doors
from hil.site.installer import Installer
from hil.site.lockers import BANK, add_boards, confirm_empty, write_pepper
from hil.site.site import Site
from tests.e2e.lockers import assign, listed, pulses

pytestmark = pytest.mark.e2e


@pytest.fixture
def complete(site: Site) -> Site:
    """A strike and a magnet with all their lines, and boards of three makes; not up yet."""
    complete_doors(site)
    add_boards(site)
    write_pepper(site)
    return site


@asynccontextmanager
async def up(site: Site) -> AsyncIterator[People]:
    async with site, site.people() as people:
        yield people


@pytest.mark.slow
@pytest.mark.timeout(300)  # a walk waits for every lock's own time
async def test_a_site_that_is_wired_right_is_accepted(complete: Site, tmp_path: Path) -> None:
    async with up(complete) as people, Installer.at(complete, people) as installer:
        told = await installer.go()
        verdicts = {key: line["verdict"] for key, line in installer.results.items()}
        failed = {
            key: installer.results[key]["why"] for key in verdicts if verdicts[key] != "passed"
        }
        assert failed == {"power_cut/S1-FRONT": "this computer is not to be cut"}
        assert (told["accepted"], told["skipped"], told["not_done"]) == (True, 1, [])
        assert installer.walk.returncode == Exit.OK
        expected = {f"board/{BANK}.board{n}" for n in ("", 2, 3)} | {
            f"{kind}/{door}"
            for door in ("front", YARD)
            for kind in ("lock", "contact", "exit_button", "way_out_frozen", "way_out_dark")
        }
        assert verdicts.keys() >= expected

        code, out, _ = await complete.run_edged("doctor", "--config", complete.config, "--json")
        looks = [json.loads(line) for line in out.splitlines()]
        assert [one for one in looks if one["grade"] == "fail"] == []
        assert (code, len(looks) > 10) == (Exit.OK, True)

        report = complete.folder / "state" / "commission" / "acceptance.json"
        verify = ("commission", "verify", "--config", complete.config, "--json")
        code, out, _ = await complete.run_edged(*verify, str(report))
        assert (code, json.loads(out)["accepted"]) == (Exit.OK, True)
        changed = tmp_path / "changed.json"
        changed.write_bytes(report.read_bytes().replace(b"A", b"B", 1))
        assert (await complete.run_edged(*verify, str(changed)))[0] == Exit.UNTRUSTED


async def fails(site: Site, *steps: str) -> dict[str, str]:
    """Walk these steps, at a site that is up; give why those that failed did."""
    async with up(site) as people, Installer.at(site, people, *steps) as installer:
        told = await installer.go()
        assert told["accepted"] is False
        assert installer.walk.returncode == Exit.NOT_PASSED
        return {
            key: line["why"]
            for key, line in installer.results.items()
            if line["verdict"] == "failed"
        }


async def test_contacts_that_are_swapped_are_named(complete: Site) -> None:
    doors = complete.settings["doors"]
    doors["front"]["contact"], doors[YARD]["contact"] = (
        doors[YARD]["contact"],
        doors["front"]["contact"],
    )
    why = await fails(complete, "lock/front", "contact/front")
    assert why == {"contact/front": f"the contact of {YARD} moved: it is swapped with this one"}


async def test_two_doors_whose_relays_and_contacts_are_swapped_are_named(complete: Site) -> None:
    doors = complete.settings["doors"]
    for part in ("contact", "exit_button"):
        doors["front"][part], doors[YARD][part] = doors[YARD][part], doors["front"][part]
    doors["front"]["lock"]["door"], doors[YARD]["lock"]["door"] = YARD, "front"
    doors["front"]["type"], doors[YARD]["type"] = doors[YARD]["type"], doors["front"]["type"]
    why = await fails(complete, "lock/front", "exit_button/front")
    assert why == {
        "lock/front": f"the bolt of {YARD} moved: the locks of front and {YARD} are swapped",
        "exit_button/front": f"the button of {YARD} was heard: it is swapped with this one",
    }


async def test_a_way_out_that_needs_the_daemon_is_named(complete: Site) -> None:
    complete.building["doors"]["front"]["way_out"] = False
    why = await fails(complete, "way_out_frozen/front", "way_out_dark/front")
    assert why == {
        "way_out_frozen/front": "nobody gets out without the daemon: wire the way out in hardware",
        "way_out_dark/front": "nobody gets out without power: wire the way out in hardware",
    }


async def test_a_board_whose_polarity_is_wrong_is_named(complete: Site) -> None:
    complete.settings["lockers"][BANK]["board"]["hook_closed_bit"] = 0
    step = f"board/{BANK}.board"
    why = await fails(complete, step)
    assert why == {step: "the polarity is wrong: hook_closed_bit = 1"}


async def test_no_board_is_tried_while_a_locker_is_somebodys(complete: Site) -> None:
    """Wires may be swapped: whatever is opened, it might be theirs."""
    async with up(complete) as people:
        await confirm_empty(complete)
        await assign(complete, locker="L6")  # at another board
        step = f"board/{BANK}.board"
        async with Installer.at(complete, people, step) as installer:
            await installer.go()
            assert installer.results[step]["why"].startswith("lockers may be in use (L6)")
        assert pulses(people) == 0
        assert (await listed(complete))["L1"] == "FREE"


async def test_a_walk_that_is_killed_goes_on_where_it_was_and_leaves_nothing_frozen(
    complete: Site,
) -> None:
    async with up(complete) as people:
        async with Installer.at(complete, people) as installer:
            await installer.go(until="way_out_frozen/front/out")
            installer.walk.send_signal(signal.SIGTERM)
            await installer.walk.wait()
            assert not installer.daemon_is_stopped()
        done = installer.results
        assert "lock/front" in done
        async with Installer.at(complete, people) as installer:
            await installer.go(until="way_out_frozen/front/begin")
            assert installer.asked == ["way_out_frozen/front/begin"]
            assert {key: installer.verdict(key) for key in done} == {
                key: line["verdict"] for key, line in done.items()
            }
