"""A console to ask."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.edged.console.place import Place, standing


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A console with a user of each role."""
    async with standing(tmp_path) as found:
        yield found
