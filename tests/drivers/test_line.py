"""Texts out of a stream of bytes (drivers.codec.line)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codec.line import LineFramer
from drivers.limits import SCAN_BYTES, SCAN_IDLE_MS

anything = st.binary(max_size=2_000)
texts = st.lists(
    st.binary(min_size=1, max_size=40).filter(lambda text: not set(text) & set(b"\r\n")),
    max_size=20,
)


def framed(*chunks: bytes, terminator: bytes = b"\r") -> list[bytes]:
    framer = LineFramer(terminator)
    return [text for chunk in chunks for text in framer.feed(chunk, 0)]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param([b"HC1:A\r"], [b"HC1:A"], id="one"),
        pytest.param([b"A\rB\rC\r"], [b"A", b"B", b"C"], id="three in one read"),
        pytest.param([b"H", b"C1", b":A", b"\r"], [b"HC1:A"], id="in pieces"),
        pytest.param([b"A\r\rB\r"], [b"A", b"B"], id="empty texts are none"),
        pytest.param([b"A"], [], id="not ended"),
        pytest.param([b"\x00\xff A \r"], [b"\x00\xff A "], id="bytes are left alone"),
    ],
)
def test_a_text_ends_at_the_terminator(chunks: list[bytes], expected: list[bytes]) -> None:
    assert framed(*chunks) == expected


@pytest.mark.parametrize("terminator", [b"\r\n", b"\n\r"])
def test_both_bytes_of_a_terminator_are_one_end(terminator: bytes) -> None:
    assert framed(b"A\r\nB\r", b"\nC\n", terminator=terminator) == [b"A", b"B", b"C"]


@pytest.mark.threat("A2")
@pytest.mark.parametrize("length", [SCAN_BYTES - 1, SCAN_BYTES])
def test_the_longest_texts_are_whole(length: int) -> None:
    assert framed(b"x" * length + b"\rA\r") == [b"x" * length, b"A"]


@pytest.mark.threat("A2")
def test_a_longer_text_is_cut_and_reported_once() -> None:
    flood = b"x" * (SCAN_BYTES + 1)
    assert framed(flood, b"y" * 10_000, b"z\rA\r") == [b"x" * SCAN_BYTES, b"A"]


def test_the_end_of_a_cut_text_is_known_after_silence() -> None:
    framer = LineFramer(b"\r")
    assert framer.feed(b"x" * 600, 0) == [b"x" * SCAN_BYTES]
    assert framer.feed(b"A\r", SCAN_IDLE_MS + 1) == [b"A"]


@pytest.mark.threat("A3")
def test_what_was_cut_off_is_dropped_after_silence() -> None:
    framer = LineFramer(b"\r")
    framer.feed(b"half a co", 5_000)
    assert framer.feed(b"B\r", 5_000 + SCAN_IDLE_MS + 1) == [b"B"]


def test_a_slow_text_is_whole() -> None:
    framer = LineFramer(b"\r")
    for at, byte in enumerate(b"SLOW"):
        assert framer.feed(bytes([byte]), at * SCAN_IDLE_MS) == []
    assert framer.feed(b"\r", 4 * SCAN_IDLE_MS) == [b"SLOW"]


@pytest.mark.threat("A3")
@given(anything, st.lists(st.integers(0, 2_000), max_size=10))
def test_chunks_make_no_difference(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    assert framed(*chunks) == framed(stream)


@pytest.mark.threat("A3")
@given(texts, st.sampled_from([b"\r", b"\n", b"\r\n"]))
def test_no_two_texts_are_joined(sent: list[bytes], terminator: bytes) -> None:
    stream = b"".join(text + terminator for text in sent)
    assert framed(stream, terminator=terminator) == sent


@pytest.mark.threat("A2")
@given(st.lists(st.tuples(anything, st.integers(0, 3_000)), max_size=20))
def test_no_input_raises_or_is_kept_beyond_the_limit(story: list[tuple[bytes, int]]) -> None:
    framer, now_ms = LineFramer(b"\r"), 0
    for data, gap_ms in story:
        now_ms += gap_ms
        for text in framer.feed(data, now_ms):
            assert 1 <= len(text) <= SCAN_BYTES
            assert b"\r" not in text
        assert len(framer._text) <= SCAN_BYTES
