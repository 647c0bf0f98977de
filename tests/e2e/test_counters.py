"""A counter terminal with seats and lockers, from the code to the latch."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from hil.people import Observation
from hil.site.lockers import BANK, READER, add_lockers
from hil.site.rules import STORE
from hil.site.site import Site
from tests.e2e.lockers import at, look, opened, pulses
from tests.e2e.scene import SOON_S, present, records

pytestmark = pytest.mark.e2e

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
END = SINCE + timedelta(days=36_500)
DESK = "desk"


def add_counter(site: Site, built: object) -> None:
    """A counter, and a member with a fixed seat and a locker that is paid for."""
    del built
    add_lockers(site)
    sim = {"kind": "sim", "socket": str(site.building_socket)}
    site.settings["counters"] = {
        DESK: {**sim, "reader": DESK, "indicator": {**sim, "indicator": DESK}}
    }
    site.rules["devices"][DESK] = {
        "store": STORE,
        "side": "IN",
        "mode": "APP",
        "qualify": ["seat"],
        "lockers": True,
    }
    since = SINCE.isoformat()
    site.rules["members"]["aiko"] |= {
        "products": [
            {"id": "P1", "kind": "PERIOD_FIXED"},
            {
                "id": "P2",
                "kind": "LOCKER",
                "valid_to": END.isoformat(),
            },
        ],
        "seats": [{"id": "9", "store": STORE, "product": "P1", "io": "IN", "since": since}],
    }


def holds(seen: Observation) -> bool:
    lines = seen.get("lines", ())
    return seen["what"] == "indicator" and any("Locker L1" in line for line in lines)


async def test_a_seat_is_checked_out_and_a_locker_given_that_the_code_opens(site: Site) -> None:
    async with at(site, add_counter) as people:
        before = people.last
        assert (await present(people, DESK, site.code("aiko")))["light"] == "green"
        shown = await people.wait_for(holds, SOON_S, after=before)
        assert any(line.startswith("Seat 9: checked out") for line in shown["lines"])
        assert (await look(site))["member"] == "aiko"
        mine = ("lockers", "list", "--member", "aiko", "--json", "--config", site.config)
        _, out, _ = await site.run_edged(*mine)
        assert [json.loads(line)["locker"] for line in out.splitlines()] == ["L1"]
        assert pulses(people) == 0

        assert (await present(people, READER, site.code("aiko")))["light"] == "green"
        await people.wait_for(opened, SOON_S)
        await people.close_locker(BANK, 1)
        assert (await present(people, DESK, site.code("boram")))["light"] == "red"
        assert (await look(site, "L2"))["state"] == "FREE"
        assert pulses(people) == 1
    [given] = [one for one in records(site) if one.get("verb") == "assign"]
    assert (given["by"], given["device"], given["result"]) == ("aiko", DESK, "OK")
    assert [one["kind"] for one in records(site) if one["kind"].startswith("seat_")] == [
        "seat_check_out"
    ]
