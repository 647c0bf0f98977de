"""Kill -9 in a forced termination; every point by `python -m hil.kills.lockers`."""

import json
from pathlib import Path

import pytest

from hil.kills.lockers import POINTS, Endings
from tests.e2e.scene import wheel_site

CHOSEN = (("disk", 2), ("disk", 9), ("waits", 6), ("waits", 24))
"""A point before the first commit is whole, and some between it and the opening."""


@pytest.mark.threat("D1")
@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_kill_in_an_ending_gives_no_second_pulse_and_nobodys_things_away(
    installed: Path, folder: Path
) -> None:
    site = wheel_site(installed, folder)
    endings = Endings(site)
    try:
        await endings.start()
        async with site.people() as people:
            for calls, point in CHOSEN:
                assert await endings.kill_at(people, point, POINTS[calls])
    finally:
        await site.stop()
    tally = endings.tally
    assert tally.violations == []
    assert (tally.points, tally.killed) == (len(CHOSEN), len(CHOSEN))
    told = json.loads(tally.as_json("disk"))
    assert (told["at"], told["ends"]) == ("disk", dict(tally.ends))
    assert len(tally.ends) > 1, "they ended alike, wherever they were killed"
