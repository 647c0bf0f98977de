"""Heavy work apart: it makes way, and what becomes of it is told."""

import asyncio
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from edged import limits
from edged.apart import Apart
from edged.control.client import ControlRefused
from edged.store.errors import StoreFailed


async def test_heavy_work_stands_back_behind_the_doors() -> None:
    ours = os.nice(0)
    assert await Apart(os.nice, "under way")(0) == min(ours + limits.APART_NICE, 19) > ours


async def test_no_door_waits_until_it_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[threading.Thread] = []
    submit = ProcessPoolExecutor.submit

    def noted(pool: ProcessPoolExecutor, *given: Any) -> Any:
        begun.append(threading.current_thread())
        return submit(pool, *given)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", noted)
    await Apart(os.nice, "under way")(0)
    assert begun
    assert threading.main_thread() not in begun


async def test_a_second_one_is_told_so_and_one_that_nobody_waits_for_counts() -> None:
    apart = Apart(os.nice, "under way")
    first = asyncio.create_task(apart(0))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(StoreFailed, match="under way"):
        await apart(0)
    assert apart._last is not None
    await apart._last
    assert await apart(0)


async def test_what_fails_over_there_is_told_here() -> None:
    with pytest.raises(ControlRefused):
        await Apart(os.stat, "under way")("/nowhere")
