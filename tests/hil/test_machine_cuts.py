"""Cuts of the power, at a site whose cut is as good as a kernel's: what they have to notice."""

import asyncio
from pathlib import Path

import pytest

from hil.machine.cuts import Tally, campaign
from hil.scenarios.stage import NotSeen, Stage, furnish, staged
from hil.virtual.loop import VirtualLoop
from hil.virtual.site import virtual_site


async def cut(folder: Path, tally: Tally, *heard: dict[str, str]) -> None:
    async with virtual_site(folder, furnish, lambda: 0.003) as site, staged(site) as stage:
        stage.heard.extend(heard)
        await campaign(stage, tally, 3)


def test_what_was_told_before_each_cut_is_there(tmp_path: Path) -> None:
    tally = Tally(seed=1)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(cut(tmp_path, tally))
    assert tally.cuts == 3
    assert 10 < tally.told <= tally.records
    assert 0 < tally.movements <= tally.records


def test_what_was_told_and_is_not_there_is_noticed(tmp_path: Path) -> None:
    lost = {"event": "decided", "event_id": "of nobody"}
    with (
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
        pytest.raises(NotSeen, match=r"cut 1 lost 1 of \d+ that were told"),
    ):
        runner.run(cut(tmp_path, Tally(seed=1), lost))


def test_a_movement_without_a_record_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stage, "count", lambda *_, **__: 1_000)
    with (
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
        pytest.raises(NotSeen, match="moved 1000 times"),
    ):
        runner.run(cut(tmp_path, Tally(seed=1)))
