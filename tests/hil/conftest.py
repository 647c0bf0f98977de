"""A running building for each test that asks for one."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hil.people import People
from tests.hil.process import Process


@pytest.fixture
def building(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path)
    yield process
    assert process.stop() == 0


@pytest.fixture
async def people(building: Process) -> AsyncIterator[People]:
    async with People(building.socket) as people:
        yield people
