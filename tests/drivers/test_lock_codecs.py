"""Requests and answers of the lock boards (drivers.codec kerong, winnsen, board_8a)."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codec import board_8a, kerong, winnsen
from drivers.codec.exchange import Request, Search
from tests.drivers.vectors import BCC8A, KERONG, WINNSEN, Frame

ALL_SHUT = (True,) * 16
"""The bits of sixteen hooks that are shut, where 1 is shut."""

# what we ask, as in print; the answers that print gives to it, and what they tell
SPOKEN: list[tuple[Mapping[str, Frame], str, Request[Any], Any]] = [
    (KERONG, "status board0, all hooks 1, IR 0", kerong.read_hooks(0), ALL_SHUT),
    (KERONG, "status board0, lock1 hook 0", kerong.read_hooks(0), (False, *ALL_SHUT[1:])),
    (KERONG, "status board1", kerong.read_hooks(1), ALL_SHUT),
    (WINNSEN, "open st1 lock5 ok", winnsen.open_lock(1, 5), True),
    (WINNSEN, "open st1 lock3 failed", winnsen.open_lock(1, 3), False),
    (WINNSEN, "open st3 lock7 ok", winnsen.open_lock(3, 7), True),
    (WINNSEN, "poll st1 all closed", winnsen.read_doors(1), (False,) * 16),
    (
        WINNSEN,
        "poll st1 doors 1 and 9 open",
        winnsen.read_doors(1),
        tuple(lock in (1, 9) for lock in range(1, 17)),
    ),
    (WINNSEN, "poll alt response code A2", winnsen.read_doors(2), (False,) * 16),
    (BCC8A, "open b1 l1 (closed-feedback lock): ok", board_8a.open_lock(1, 1), False),
    (
        BCC8A,
        "open b1 l1 (closed-feedback lock): failed = echo of request",
        board_8a.open_lock(1, 1),
        True,
    ),
    (BCC8A, "open b1 l2", board_8a.open_lock(1, 2), None),
    (BCC8A, "read b1 l1: 00", board_8a.read_lock(1, 1), False),
    (BCC8A, "read b1 l1: 11 (closed, closed-feedback)", board_8a.read_lock(1, 1), True),
]

requests = st.one_of(
    st.builds(kerong.read_hooks, st.integers(0, 9)),
    st.builds(winnsen.open_lock, st.integers(0, 255), st.integers(1, 16)),
    st.builds(winnsen.read_doors, st.integers(0, 255)),
    st.builds(board_8a.open_lock, st.integers(1, 99), st.integers(1, 32)),
    st.builds(board_8a.read_lock, st.integers(1, 99), st.integers(1, 32)),
)


def found(request: Request[Any], *chunks: bytes, echo: bool = False) -> Any:
    search = Search(request, echo=echo)
    answers = (search.feed(chunk) for chunk in chunks)
    return next((answer for answer in answers if answer is not None), None)


@pytest.mark.parametrize(
    ("vectors", "name", "request_", "told"), SPOKEN, ids=[row[1] for row in SPOKEN]
)
def test_what_we_say_and_hear_is_what_is_in_print(
    vectors: Mapping[str, Frame], name: str, request_: Request[Any], told: Any
) -> None:
    frame = vectors[name]
    assert request_.frame == frame.sent
    for back in frame.back:
        assert found(request_, back) == told
        assert found(request_, b"\x02\x00\x35\x90\x07\x8a\x01", back) == told


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("unlock b0 lock1", kerong.unlock(0, 1)),
        ("unlock b0 lock16", kerong.unlock(0, 16)),
        ("unlock b1 lock3", kerong.unlock(1, 3)),
    ],
)
def test_an_unlock_is_the_one_in_print(name: str, made: bytes) -> None:
    assert made == KERONG[name].sent


@pytest.mark.parametrize("frame", [*KERONG.values(), *BCC8A.values()], ids=lambda f: f.name)
def test_every_frame_in_print_has_our_checksum(frame: Frame) -> None:
    for whole in (frame.sent, *frame.back):
        if whole[0] == 0x02:
            assert kerong._ending(whole[:-2]) == whole[-2:]
        else:
            assert board_8a._sealed(whole[:-1]) == whole


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: kerong.read_hooks(10), r"board must be 0\.\.9, got 10"),
        (lambda: kerong.read_hooks(-1), "board must be"),
        (lambda: kerong.unlock(10, 1), "board must be"),
        (lambda: kerong.unlock(0, 0), r"lock must be 1\.\.16, got 0"),
        (lambda: kerong.unlock(0, 17), "lock must be"),
        (lambda: winnsen.open_lock(256, 1), r"station must be 0\.\.255, got 256"),
        (lambda: winnsen.open_lock(1, 0), r"lock must be 1\.\.16, got 0"),
        (lambda: winnsen.read_doors(-1), "station must be"),
        (lambda: board_8a.open_lock(0, 1), r"board must be 1\.\.99, got 0"),
        (lambda: board_8a.open_lock(100, 1), "board must be"),
        (lambda: board_8a.open_lock(1, 0), r"lock must be 1\.\.32, got 0"),
        (lambda: board_8a.read_lock(1, 33), "lock must be"),
    ],
)
def test_what_is_out_of_range_is_named(make: Callable[[], object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make()


READ_3 = bytes.fromhex("02 30 35 FF FF 00 00 03 68")
OPEN_5 = bytes.fromhex("90 07 85 01 05 01 03")
READ_71 = bytes.fromhex("80 07 01 11 97")


@pytest.mark.parametrize(
    ("request_", "back"),
    [
        pytest.param(kerong.read_hooks(2), READ_3, id="KERONG, another board"),
        pytest.param(kerong.read_hooks(3), READ_3[:-1] + b"\x00", id="KERONG, wrong sum"),
        pytest.param(kerong.read_hooks(3), READ_3[:-1], id="KERONG, cut short"),
        pytest.param(
            kerong.read_hooks(3), bytes.fromhex("02 30 36 FF FF 00 00 03 69"), id="KERONG, all"
        ),
        pytest.param(winnsen.open_lock(2, 5), OPEN_5, id="Winnsen, another station"),
        pytest.param(winnsen.open_lock(1, 6), OPEN_5, id="Winnsen, another lock"),
        pytest.param(
            winnsen.open_lock(1, 5), bytes.fromhex("90 07 85 01 05 07 03"), id="Winnsen, no result"
        ),
        pytest.param(
            winnsen.open_lock(1, 5), bytes.fromhex("90 07 92 01 01 05 03"), id="Winnsen, a status"
        ),
        pytest.param(winnsen.open_lock(1, 5), OPEN_5[:-1] + b"\x02", id="Winnsen, no end"),
        pytest.param(winnsen.read_doors(1), OPEN_5, id="Winnsen, an order's answer to a poll"),
        pytest.param(board_8a.read_lock(7, 2), READ_71, id="8A, another lock"),
        pytest.param(board_8a.read_lock(8, 1), READ_71, id="8A, another board"),
        pytest.param(board_8a.open_lock(7, 1), READ_71, id="8A, a read's answer to an order"),
        pytest.param(board_8a.read_lock(7, 1), READ_71[:-1] + b"\x00", id="8A, wrong check"),
        pytest.param(
            board_8a.read_lock(7, 1), bytes.fromhex("80 07 01 22 A4"), id="8A, neither bit"
        ),
    ],
)
def test_what_is_no_answer_to_this_request_is_passed_over(
    request_: Request[Any], back: bytes
) -> None:
    assert found(request_, back) is None


def test_a_station_that_cools_down_did_not_open() -> None:
    assert found(winnsen.open_lock(1, 5), bytes.fromhex("90 07 85 01 05 02 03")) is False


def test_an_order_that_its_answer_may_repeat_is_told_from_its_echo() -> None:
    order = board_8a.open_lock(1, 1)
    assert found(order, order.frame, echo=True) is None
    assert found(order, order.frame * 2, echo=True) is True
    assert found(order, order.frame, echo=False) is True


@given(requests)
def test_only_an_order_that_its_answer_may_repeat_has_an_echo_in_doubt(
    request: Request[Any],
) -> None:
    search = Search(request, echo=False)
    assert (search.feed(request.frame) is None) is request.differs
    assert search.echoed is request.differs


@given(requests, st.binary(max_size=40), st.booleans(), st.data())
def test_chunks_make_no_difference(
    request: Request[Any], noise: bytes, echo: bool, data: st.DataObject
) -> None:
    stream = noise + request.frame + noise + request.frame
    cut = data.draw(st.integers(0, len(stream)))
    whole = found(request, stream, echo=echo)
    assert found(request, stream[:cut], stream[cut:], echo=echo) == whole


@given(requests, st.binary(max_size=300), st.booleans())
def test_noise_raises_nothing_and_is_not_kept(
    request: Request[Any], noise: bytes, echo: bool
) -> None:
    search = Search(request, echo=echo)
    search.feed(noise)
    assert len(search._tail) <= 9


@given(st.integers(0, 9), st.integers(0, 71))
def test_a_kerong_answer_with_a_flipped_bit_is_none(board: int, bit: int) -> None:
    body = bytes((0x02, board << 4, 0x35, 0xFE, 0xFF, 0, 0))
    flipped = bytearray(body + kerong._ending(body))
    flipped[bit // 8] ^= 1 << bit % 8
    assert found(kerong.read_hooks(board), bytes(flipped)) is None


@given(st.integers(0, 255), st.integers(1, 16), st.integers(0, 55))
def test_a_winnsen_answer_with_a_flipped_bit_never_says_opened(
    station: int, lock: int, bit: int
) -> None:
    flipped = bytearray((0x90, 7, 0x85, station, lock, 0, 3))
    flipped[bit // 8] ^= 1 << bit % 8
    if bit == 40:  # it has no checksum: this is the other answer
        return
    assert found(winnsen.open_lock(station, lock), bytes(flipped)) in (None, False)


@given(st.integers(1, 99), st.integers(1, 32), st.booleans(), st.integers(0, 39))
def test_an_8a_answer_with_a_flipped_bit_is_none(
    board: int, lock: int, is_set: bool, bit: int
) -> None:
    flipped = bytearray(board_8a._sealed(bytes((0x80, board, lock, 0x11 if is_set else 0))))
    flipped[bit // 8] ^= 1 << bit % 8
    assert found(board_8a.read_lock(board, lock), bytes(flipped)) is None


@given(st.binary(max_size=40), st.integers(0, 0xFFFF))
def test_an_answer_is_found_behind_noise(noise: bytes, bits: int) -> None:
    body = b"\x02\x50\x35" + bits.to_bytes(2, "little") + b"\x00\x00"
    request = kerong.read_hooks(5)
    assert found(request, noise + body + kerong._ending(body)) is not None
