"""Heavy work apart: it makes way, and what becomes of it is told."""

import os

import pytest

from edged import limits
from edged.apart import Apart
from edged.control.client import ControlRefused


async def test_heavy_work_stands_back_behind_the_doors() -> None:
    ours = os.nice(0)
    assert await Apart(os.nice, "under way")(0) == min(ours + limits.APART_NICE, 19) > ours


async def test_what_fails_over_there_is_told_here() -> None:
    with pytest.raises(ControlRefused):
        await Apart(os.stat, "under way")("/nowhere")
