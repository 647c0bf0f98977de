from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edged.whatif.journal import Uses, reading
from tests.edged.whatif import club

UsesOf = Callable[..., Uses]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where the journal of this test is, or will be."""
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def uses_of(journal: Path) -> Iterator[UsesOf]:
    """Opens a journal in which these things happened."""
    with ExitStack() as opened:

        def build(*writes: club.Write) -> Uses:
            club.write_journal(journal, *writes)
            return opened.enter_context(reading(journal))

        yield build
