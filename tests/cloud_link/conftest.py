"""What holds for every test of the link."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _sockets_are_collected() -> Iterator[None]:
    """Let what a test leaves to Python be complained of in that test."""
    yield
    gc.collect()
