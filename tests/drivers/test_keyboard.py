"""Texts out of key events (drivers.codec.keyboard), told by linux/input-event-codes.h."""

import struct
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codec.keyboard import ALPHABET, KeyFramer
from drivers.limits import SCAN_BYTES, SCAN_IDLE_MS
from tests.drivers.keys import ENTER, LEFT_ALT, LEFT_CTRL, LEFT_SHIFT, event, press, typed

BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
CAPS_LOCK, NUM_LOCK, A, B, KEY_1, MINUS, PAD_6, PAD_5, TAB = 58, 69, 30, 48, 2, 12, 77, 76, 15
END = press(ENTER)
DROPPED, REPORT = event(0, 3, 0), event(0, 0, 0)


def framed(*chunks: bytes, now_ms: Iterable[int] | None = None) -> list[bytes]:
    framer = KeyFramer()
    times = now_ms or [0] * len(chunks)
    return [
        text
        for chunk, at_ms in zip(chunks, times, strict=True)
        for text in framer.feed(chunk, at_ms)
    ]


def alt(digits: str) -> bytes:
    """A character by its number: Alt held, digits on the keypad."""
    pad = {"0": 82, "1": 79, "2": 80, "3": 81, "4": 75, "5": 76, "6": 77, "7": 71, "8": 72, "9": 73}
    keys = b"".join(press(pad[digit]) for digit in digits)
    return event(1, LEFT_ALT, 1) + keys + event(1, LEFT_ALT, 0)


def held(modifier: int, code: int) -> bytes:
    return event(1, modifier, 1) + press(code) + event(1, modifier, 0)


def test_the_alphabet_is_base45() -> None:
    assert frozenset(BASE45.encode()) == ALPHABET


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(typed(BASE45) + END, [BASE45.encode()], id="the whole alphabet"),
        pytest.param(typed("A") + END + typed("B") + END, [b"A", b"B"], id="two"),
        pytest.param(END + END, [], id="empty texts are none"),
        pytest.param(typed("A"), [], id="not ended"),
        pytest.param(press(A) + END, [b"A"], id="a small letter is the large one"),
        pytest.param(press(CAPS_LOCK) + typed("A1") + END, [b"A1"], id="caps lock is nothing"),
        pytest.param(press(NUM_LOCK) + press(PAD_5) + END, [b"5"], id="the keypad's digits"),
        pytest.param(press(78) + press(98) + press(96), [b"+/"], id="the keypad's signs and enter"),
        pytest.param(alt("65") + alt("0066") + END, [b"AB"], id="Alt and a number"),
        pytest.param(alt("97") + END, [b"?"], id="Alt and a small letter"),
        pytest.param(alt("99999999999") + END, [b"?"], id="Alt and too large a number"),
        pytest.param(held(LEFT_ALT, A) + END, [b"?"], id="Alt and a letter"),
        pytest.param(held(LEFT_CTRL, A) + typed("B") + END, [b"?B"], id="a control character"),
        pytest.param(held(LEFT_CTRL, 28) + typed("B") + END, [b"?B"], id="enter under control"),
        pytest.param(held(LEFT_SHIFT, KEY_1) + END, [b"?"], id="an exclamation mark"),
        pytest.param(held(LEFT_SHIFT, MINUS) + END, [b"?"], id="an underscore"),
        pytest.param(press(TAB) + END, [b"?"], id="a key without a meaning"),
        pytest.param(typed("A") + event(1, A, 2) * 9 + END, [b"A"], id="repeats are not typed"),
        pytest.param(event(4, 4, A) + typed("A") + END, [b"A"], id="other kinds of events"),
        pytest.param(
            typed("A") + DROPPED + typed("B") + REPORT + typed("C") + END,
            [b"A?C"],
            id="dropped events are not guessed",
        ),
    ],
)
def test_keys_are_understood_or_foreign(events: bytes, expected: list[bytes]) -> None:
    assert framed(events) == expected


def test_the_kernels_report_ends_the_events_that_are_not_to_be_trusted() -> None:
    """`typed` has a report after each key, so only the first key after DROPPED is skipped."""
    assert framed(DROPPED + event(1, A, 1) + event(1, B, 1) + REPORT + END) == [b"?"]


def test_an_event_is_what_the_kernel_says_it_is() -> None:
    assert struct.calcsize("@llHHi") == len(event(0, 0, 0))


@pytest.mark.threat("A2")
@pytest.mark.parametrize("length", [SCAN_BYTES - 1, SCAN_BYTES, SCAN_BYTES + 1, 3 * SCAN_BYTES])
def test_a_long_text_comes_once_and_cut(length: int) -> None:
    texts = framed(typed("A" * length) + END + typed("B") + END)
    assert texts == [b"A" * min(length, SCAN_BYTES), b"B"]


@pytest.mark.threat("A3")
def test_a_text_that_stops_is_dropped() -> None:
    chunks = typed("A"), typed("B") + END, END
    assert framed(*chunks, now_ms=[0, SCAN_IDLE_MS, 0 + SCAN_IDLE_MS]) == [b"AB"]
    assert framed(*chunks, now_ms=[0, SCAN_IDLE_MS + 1, SCAN_IDLE_MS + 1]) == [b"B"]


def test_a_key_that_nobody_lets_go_of_is_not_held_for_ever() -> None:
    control_down = event(1, LEFT_CTRL, 1)
    later = SCAN_IDLE_MS + 1
    assert framed(control_down, typed("A") + END, now_ms=[0, later]) == [b"A"]
    assert framed(control_down, typed("A") + END, END, now_ms=[0, 1, later]) == []


texts = st.lists(st.text(st.sampled_from(BASE45), min_size=1, max_size=40), max_size=8)
codes = st.integers(0, 0x2FF) | st.sampled_from([*range(1, 100), ENTER, LEFT_SHIFT, LEFT_ALT])
streams = st.lists(
    st.builds(event, st.integers(0, 5) | st.just(1), codes, st.integers(0, 2)), max_size=120
).map(b"".join)


@given(texts)
def test_what_is_typed_is_read(said: list[str]) -> None:
    events = b"".join(typed(text) + END for text in said)
    assert framed(events) == [text.encode() for text in said]


@pytest.mark.threat("A3")
@given(st.binary(max_size=2_000) | streams, st.lists(st.integers(0, 3_000), max_size=6))
def test_chunks_make_no_difference(events: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(events)]
    chunks = [events[start:end] for start, end in pairwise(places)]
    assert framed(*chunks) == framed(events)


@pytest.mark.threat("A13")
@given(st.binary(max_size=500) | streams, st.text(st.sampled_from(BASE45), min_size=1, max_size=20))
def test_whatever_comes_no_text_leaves_the_alphabet_and_the_next_one_is_read(
    events: bytes, said: str
) -> None:
    framer = KeyFramer()
    for text in framer.feed(events, 0):
        assert 0 < len(text) <= SCAN_BYTES
        assert set(text) <= ALPHABET | {ord("?")}
    rest = framer.feed(REPORT + typed(said) + END, SCAN_IDLE_MS + 1)
    assert rest == [said.encode()]
