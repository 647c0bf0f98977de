import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from edged.store.journal import Journal


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """A journal with its writer at work."""
    journal = Journal(tmp_path / "journal.db")
    await journal.open()
    serving = asyncio.create_task(journal.serve())
    yield journal
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    await journal.close()
