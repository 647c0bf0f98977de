"""Streams cut into pieces, for the properties of codecs."""

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import strategies as st

CUTS = st.lists(st.integers(0, 1_500), max_size=10)


def divided(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The stream as reads that end where `cuts` say."""
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]
