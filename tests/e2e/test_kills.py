"""Kill -9 at random moments while codes stream in; any number by `python -m hil.kills`."""

from pathlib import Path

import pytest

from hil.kills.campaign import CROWD_A_ROUND, Campaign, crowd
from tests.e2e.scene import wheel_site

ROUNDS = 50


@pytest.mark.fault("power-cut", "memory-short")
@pytest.mark.threat("D1")
@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_nothing_the_building_saw_is_missing_after_fifty_kills(
    installed: Path, folder: Path
) -> None:
    site = wheel_site(installed, folder)
    crowd(site, ROUNDS * CROWD_A_ROUND)
    site.write()
    campaign = Campaign(site, seed=20_261_121)
    try:
        await site.start_building()
        await site.load_rules()
        async with site.people() as people:
            for _ in range(ROUNDS):
                await campaign.round(people)
    finally:
        await site.stop()
    tally = campaign.tally
    assert tally.violations == []
    assert tally.rounds == ROUNDS
    assert tally.movements > ROUNDS // 5, "the kills came before anything moved"
