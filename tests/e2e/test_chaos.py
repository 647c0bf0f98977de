"""Everything between two stores and their cloud breaks; any length by `python -m hil.stores`."""

import random
from pathlib import Path

import pytest

from hil.stores.chaos import Chaos, Plan, crowd
from hil.stores.mischief import Mischief
from hil.stores.stores import Stores
from tests.e2e.scene import wheel_site

PLAN = Plan(events=500, seed=20_261_128, delay_s=2, pause_s=0.2)


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_cloud_has_what_the_devices_have_and_nothing_twice(
    installed: Path, folder: Path
) -> None:
    mischief = Mischief(random.Random(PLAN.seed))
    main, branch = (wheel_site(installed, folder / name) for name in ("s1", "s2"))
    stores = Stores(folder, main, branch, workers=2, mischief=mischief)
    crowd(stores, PLAN)
    async with stores as up:
        tally = await Chaos(up, PLAN, mischief).run(lambda _: None)
    assert tally.violations == []
    assert tally.events >= PLAN.events
    assert min(tally.troubles.values()) >= 1
    assert mischief.done.keys() == {"passed", "lost", "twice", "late"}
    assert tally.movements, "the cloud opened nothing, so nothing could open twice"
