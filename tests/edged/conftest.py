from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from edged import limits
from tests.edged.fakes import WITHIN_S
from tests.edged.rig import Rig, running


@pytest.fixture(autouse=True)
def _a_slow_disk_refuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is a test's own here, but for threads': a machine that stood still is no broken card."""
    monkeypatch.setattr(limits, "COMMIT_S", WITHIN_S)
    monkeypatch.setattr(limits, "LOOKUP_S", WITHIN_S)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with running(tmp_path) as rig:
        yield rig


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """What is logged from here on."""
    with capture_logs() as lines:
        yield lines
