"""The messages of the line keeper: parsed strictly, and nothing else is raised."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.line_keeper import limits
from drivers.line_keeper.protocol import (
    ANSWER_BYTES,
    REQUEST_BYTES,
    Answer,
    Fire,
    Kind,
    Malformed,
    Request,
    Result,
    pack_answer,
    pack_request,
    parse_answer,
    parse_request,
)


def raw(
    kind: int, line: int = 0, number: int = 1, a: int = 0, b: int = 0, asked_ms: int = 7
) -> bytes:
    """A request as drivers/line_keeper/README.md lays it out."""
    return struct.pack("<2sBBIIIQ", b"LK", kind, line, number, a, b, asked_ms)


@pytest.mark.parametrize(
    ("data", "request_"),
    [
        (raw(1), Request(Kind.ALIVE, 1, 7)),
        (raw(2, 17, a=1, b=1), Request(Kind.CLAIM, 1, 7, 17, 1, 1)),
        (raw(3, 27, a=60_000), Request(Kind.PULSE, 1, 7, 27, 60_000)),
        (raw(4, 17), Request(Kind.END, 1, 7, 17)),
        (raw(5, 17, a=3_000), Request(Kind.HOLD, 1, 7, 17, 3_000)),
        (raw(6, 17, a=10_000, b=100), Request(Kind.SHOW, 1, 7, 17, 10_000, 100)),
        (raw(7, 22, a=250, b=2), Request(Kind.WATCH, 1, 7, 22, 250, 2)),
        (raw(8), Request(Kind.FIRE, 1, 7)),
        (raw(9), Request(Kind.RESET, 1, 7)),
    ],
)
def test_a_request_is_24_bytes(data: bytes, request_: Request) -> None:
    assert len(data) == REQUEST_BYTES == 24
    assert parse_request(data) == request_
    assert pack_request(request_) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        raw(1)[:-1],
        raw(1) + b"\0",
        b"KL" + raw(1)[2:],
        raw(0),
        raw(10),
        raw(1, number=0),
        raw(1, line=1),
        raw(1, a=1),
        raw(2, 28, a=1),
        raw(2, 17, a=0),
        raw(2, 17, a=4),
        raw(2, 17, a=1, b=2),
        raw(3, 17, a=0),
        raw(3, 17, a=60_001),
        raw(3, 17, a=1, b=1),
        raw(4, 17, a=1),
        raw(5, 17, a=0),
        raw(5, 17, a=3_001),
        raw(6, 17, a=0),
        raw(6, 17, a=10_001),
        raw(6, 17, a=100, b=101),
        raw(7, 22, a=2_001),
        raw(7, 22, a=250, b=6),
        raw(8, 1),
        raw(9, b=1),
    ],
)
def test_what_the_daemon_never_sends_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_request(data)


@given(st.binary(min_size=REQUEST_BYTES - 2, max_size=REQUEST_BYTES - 2))
def test_whatever_comes_is_a_bounded_order_or_malformed(body: bytes) -> None:
    try:
        request = parse_request(b"LK" + body)
    except Malformed:
        return
    assert request.line in limits.LINES
    if request.kind in {Kind.PULSE, Kind.HOLD, Kind.SHOW}:
        assert 0 < request.a <= 60_000


@given(st.sampled_from(Result), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_an_answer_is_8_bytes(result: Result, fire: int, number: int) -> None:
    data = struct.pack("<2sBBI", b"LK", result, fire, number)
    assert len(data) == ANSWER_BYTES == 8
    answer = Answer(number, result, Fire(fire))
    assert parse_answer(data) == answer
    assert pack_answer(answer) == data


@pytest.mark.parametrize("data", [b"", b"LK\0\4\0\0\0\0", b"LK\5\0\0\0\0\0", b"LKLKLKLK", b"LK\0"])
def test_what_the_keeper_never_sends_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_answer(data)
