"""Kill -9 on the way to a certificate and to the next; every point by `hil.kills.enrolment`."""

from pathlib import Path

import pytest

from hil.kills.enrolment import POINTS, lives
from tests.e2e.scene import wheel_site

ENROLMENT = (("disk", 8), ("waits", 40))
RENEWAL = (3, 8)
"""How far it gets is the threads' business: each of them counts by itself."""


@pytest.mark.threat("G1")
@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_kill_leaves_one_identity_after_three_starts(installed: Path, folder: Path) -> None:
    site = wheel_site(installed, folder / "site")
    async with lives(folder, 1, site) as made:
        for name, point in ENROLMENT:
            calls, paths = POINTS[name]
            assert await made.enrol(point, calls, paths=paths)
        for point in RENEWAL:
            await made.renew(point)
    assert made.tally.violations == []
    assert made.tally.points == len(ENROLMENT) + len(RENEWAL)
    assert made.tally.killed >= len(ENROLMENT)
    assert len(made.tally.phases) > 1, "they stood alike, wherever they were killed"
