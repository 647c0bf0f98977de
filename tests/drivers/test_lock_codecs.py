"""Requests and answers of the lock boards (drivers.codec)."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codec import board_8a, kerong, kerong_6x, winnsen, wkly
from drivers.codec.exchange import Request, Search
from tests.drivers.vectors import BCC8A, KERONG, KERONG_6X, WINNSEN, WKLY, Frame

ALL_SHUT = (True,) * 16
"""The bits of sixteen hooks that are shut, where 1 is shut."""

# what we ask, as in print; the answers that print gives to it, and what they tell
SPOKEN: list[tuple[Mapping[str, Frame], str, Request[Any], Any]] = [
    (KERONG, "status board0, all hooks 1, IR 0", kerong.read_hooks(0), ALL_SHUT),
    (KERONG, "status board0, lock1 hook 0", kerong.read_hooks(0), (False, *ALL_SHUT[1:])),
    (KERONG, "status board1", kerong.read_hooks(1), ALL_SHUT),
    (KERONG_6X, "status", kerong_6x.read_hooks(0), (True,) * 48),
    (KERONG_6X, "open lock 1", kerong_6x.unlock(0, 1), True),
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
    (WKLY, "open ch1 b0 ok, open", wkly.open_lock(0, 1), True),
    (WKLY, "open ch1 b0 failed, closed", wkly.open_lock(0, 1), False),
    (WKLY, "query ch1 closed", wkly.read_door(0, 1), False),
    (WKLY, "query all, 12 closed", wkly.read_doors(0), (False,) * 12),
]

UNLOCKS = {
    "unlock b0 lock1": kerong.unlock(0, 1),
    "unlock b0 lock16": kerong.unlock(0, 16),
    "unlock b1 lock3": kerong.unlock(1, 3),
}

SEVERAL = "it opens several locks, which no driver may"
LEFT_OUT = {
    "unlock all b0": SEVERAL,
    "open all b1": SEVERAL,
    "open all b2": SEVERAL,
    "open all": SEVERAL,
    "query (all) addr0 0x32": "another form of a status read, with the same answer",
    "query all boards F0": "all boards would answer at once",
    "poll st2 mask 0FFF": "a station is asked for all its doors",
    "read all b1, all bits 1": "sources disagree about its bits",
    "open b1 l1 for 3 s": "the board's own pulse is enough",
    "unsolicited ch3 opened": "nobody sends it but the board",
}
"""Frames in print that no codec makes, and why. The simulated boards know them all."""

requests = st.one_of(
    st.builds(kerong.read_hooks, st.integers(0, 9)),
    st.builds(winnsen.open_lock, st.integers(0, 255), st.integers(1, 16)),
    st.builds(winnsen.read_doors, st.integers(0, 255)),
    st.builds(board_8a.open_lock, st.integers(1, 99), st.integers(1, 32)),
    st.builds(board_8a.read_lock, st.integers(1, 99), st.integers(1, 32)),
    st.builds(kerong_6x.read_hooks, st.integers(0, 9)),
    st.builds(kerong_6x.unlock, st.integers(0, 9), st.integers(1, 48)),
    st.builds(wkly.open_lock, st.integers(0, 31), st.integers(1, 24)),
    st.builds(wkly.read_door, st.integers(0, 31), st.integers(1, 24)),
    st.builds(wkly.read_doors, st.integers(0, 31)),
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


@pytest.mark.parametrize(("name", "made"), UNLOCKS.items())
def test_an_unlock_is_the_one_in_print(name: str, made: bytes) -> None:
    assert made == KERONG[name].sent


def test_every_frame_in_print_is_spoken_or_left_out_for_a_reason() -> None:
    spoken = {request.frame for _, _, request, _ in SPOKEN} | set(UNLOCKS.values())
    printed = chain(*(v.values() for v in (KERONG, KERONG_6X, WINNSEN, BCC8A, WKLY)))
    assert {frame.name for frame in printed if frame.sent not in spoken} == LEFT_OUT.keys()


@pytest.mark.parametrize("frame", [*KERONG.values(), *BCC8A.values()], ids=lambda f: f.name)
def test_every_frame_in_print_has_our_checksum(frame: Frame) -> None:
    for whole in (frame.sent, *frame.back):
        if whole[0] == 0x02:
            assert kerong._ending(whole[:-2]) == whole[-2:]
        else:
            assert board_8a._sealed(whole[:-1]) == whole


@pytest.mark.parametrize("frame", WKLY.values(), ids=WKLY)
def test_every_wkly_frame_in_print_has_our_form(frame: Frame) -> None:
    for whole in filter(None, (frame.sent, *frame.back)):
        assert wkly._frame(whole[5], whole[6], whole[7:-1]) == whole


def test_the_answer_to_another_form_of_a_status_read_is_understood() -> None:
    assert found(kerong.read_hooks(0), *KERONG["query (all) addr0 0x32"].back) == ALL_SHUT


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
        (lambda: kerong_6x.read_hooks(10), r"board must be 0\.\.9, got 10"),
        (lambda: kerong_6x.unlock(10, 1), "board must be"),
        (lambda: kerong_6x.unlock(0, 0), r"lock must be 1\.\.48, got 0"),
        (lambda: kerong_6x.unlock(0, 49), "lock must be"),
        (lambda: wkly.read_doors(32), r"board must be 0\.\.31, got 32"),
        (lambda: wkly.open_lock(-1, 1), "board must be"),
        (lambda: wkly.open_lock(0, 0), r"lock must be 1\.\.24, got 0"),
        (lambda: wkly.read_door(0, 25), "lock must be"),
    ],
)
def test_what_is_out_of_range_is_named(make: Callable[[], object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make()


READ_3 = bytes.fromhex("02 30 35 FF FF 00 00 03 68")
OPEN_5 = bytes.fromhex("90 07 85 01 05 01 03")
READ_71 = bytes.fromhex("80 07 01 11 97")
HOOKS_6X = bytes.fromhex("02 04 00 75 06 FF FF FF FF FF FF 7B")
WKLY_OPEN = bytes.fromhex("57 4B 4C 59 0B 05 82 00 01 00 84")
WKLY_READ = bytes.fromhex("57 4B 4C 59 0B 05 83 00 01 01 84")


def wkly_back(command: int, *data: int) -> bytes:
    return wkly._frame(5, command, bytes(data))


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
        pytest.param(
            board_8a.read_lock(1, 1), BCC8A["read all b1, all bits 1"].back[0], id="8A, all"
        ),
        pytest.param(kerong_6x.read_hooks(3), HOOKS_6X, id="6x, another board"),
        pytest.param(kerong_6x.read_hooks(4), HOOKS_6X[:-1] + b"\x00", id="6x, wrong sum"),
        pytest.param(kerong_6x.read_hooks(4), HOOKS_6X[:-1], id="6x, cut short"),
        pytest.param(kerong_6x.read_hooks(4), HOOKS_6X[:-1] + b"\x03", id="6x, no sum"),
        pytest.param(kerong_6x.unlock(4, 1), HOOKS_6X, id="6x, a status to an order"),
        pytest.param(
            kerong_6x.unlock(4, 2), bytes.fromhex("02 04 00 75 00 7B"), id="6x, another lock"
        ),
        pytest.param(
            kerong_6x.read_hooks(4), bytes.fromhex("02 04 00 75 00 7B"), id="6x, no status"
        ),
        pytest.param(wkly.open_lock(6, 1), WKLY_OPEN, id="WKLY, another board"),
        pytest.param(wkly.open_lock(5, 2), WKLY_OPEN, id="WKLY, another lock"),
        pytest.param(wkly.open_lock(5, 1), WKLY_OPEN[:-1] + b"\x00", id="WKLY, wrong check"),
        pytest.param(wkly.open_lock(5, 1), WKLY_OPEN[:-1], id="WKLY, cut short"),
        pytest.param(wkly.open_lock(5, 1), WKLY_READ, id="WKLY, a read's answer to an order"),
        pytest.param(wkly.open_lock(5, 1), wkly_back(0x82, 1, 1, 0), id="WKLY, no status"),
        pytest.param(wkly.open_lock(5, 1), wkly_back(0x82, 0, 1, 7), id="WKLY, no state"),
        pytest.param(wkly.open_lock(5, 1), wkly_back(0x82, 0, 1), id="WKLY, too short"),
        pytest.param(wkly.read_door(5, 2), WKLY_READ, id="WKLY, a read of another lock"),
        pytest.param(wkly.read_door(5, 1), wkly_back(0x83, 0xFF, 1, 1), id="WKLY, not read"),
        pytest.param(wkly.read_door(5, 1), wkly_back(0x83, 0, 1, 7), id="WKLY, nothing read"),
        pytest.param(wkly.read_door(5, 1), wkly_back(0x83), id="WKLY, empty"),
        pytest.param(wkly.read_doors(5), wkly_back(0x84, 0, 3, 1, 1), id="WKLY, one too few"),
        pytest.param(wkly.read_doors(5), wkly_back(0x84, 0, 1, 1, 1), id="WKLY, one too many"),
        pytest.param(wkly.read_doors(5), wkly_back(0x84, 0xFF, 1, 1), id="WKLY, none read"),
        pytest.param(wkly.read_doors(5), wkly_back(0x84, 0, 1, 7), id="WKLY, neither state"),
        pytest.param(wkly.read_doors(5), wkly_back(0x84), id="WKLY, nothing of all"),
        pytest.param(wkly.read_doors(0), WKLY["open all"].back[0], id="WKLY, all opened"),
        pytest.param(
            wkly.read_door(0, 3), WKLY["unsolicited ch3 opened"].back[0], id="WKLY, unasked"
        ),
    ],
)
def test_what_is_no_answer_to_this_request_is_passed_over(
    request_: Request[Any], back: bytes
) -> None:
    assert found(request_, back) is None


def test_a_station_that_cools_down_did_not_open() -> None:
    assert found(winnsen.open_lock(1, 5), bytes.fromhex("90 07 85 01 05 02 03")) is False


def test_a_wkly_lock_whose_feedback_is_broken_is_not_open() -> None:
    assert found(wkly.read_doors(5), wkly_back(0x84, 0, 2, 0, 0xFF)) == (True, False)
    assert found(wkly.read_door(5, 1), wkly_back(0x83, 0, 1, 0xFF)) is False


@pytest.mark.parametrize("ending", ["FA", "03 FD"])
def test_a_6x_answer_may_have_an_end_mark(ending: str) -> None:
    back = HOOKS_6X[:5] + bytes.fromhex("FE FF FF FF FF 7F" + ending)
    assert found(kerong_6x.read_hooks(4), back) == (False, *(True,) * 46, False)


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
    assert len(search._tail) <= max(len(request.frame), request.longest) <= 34


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


@given(st.integers(0, 9), st.booleans(), st.data())
def test_a_6x_answer_with_a_flipped_bit_is_none(
    board: int, end_mark: bool, data: st.DataObject
) -> None:
    body = bytes((0x02, board, 0, 0x75, 6, 0xFE, *(0xFF,) * 5)) + b"\x03" * end_mark
    flipped = bytearray(body + kerong_6x._sum(body))
    bit = data.draw(st.integers(0, 8 * len(flipped) - 1))
    flipped[bit // 8] ^= 1 << bit % 8
    assert found(kerong_6x.read_hooks(board), bytes(flipped)) is None


@given(st.integers(0, 31), st.integers(1, 24), st.data())
def test_a_wkly_answer_with_a_flipped_bit_is_none(
    board: int, count: int, data: st.DataObject
) -> None:
    flipped = bytearray(wkly._frame(board, 0x84, bytes((0, count, *(1,) * count))))
    bit = data.draw(st.integers(0, 8 * len(flipped) - 1))
    flipped[bit // 8] ^= 1 << bit % 8
    assert found(wkly.read_doors(board), bytes(flipped)) is None


@given(st.binary(max_size=40), st.integers(0, 0xFFFF))
def test_an_answer_is_found_behind_noise(noise: bytes, bits: int) -> None:
    body = b"\x02\x50\x35" + bits.to_bytes(2, "little") + b"\x00\x00"
    request = kerong.read_hooks(5)
    assert found(request, noise + body + kerong._ending(body)) is not None
