"""The commands and the stream of GM65 scanners (drivers.codec.gm65)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codec import gm65
from drivers.codec.gm65 import Alive, Answer, Gm65Hearing, Refusal
from drivers.codec.scanner import Code
from drivers.limits import SCAN_BYTES, SCAN_IDLE_MS
from tests.drivers.streams import CUTS, divided
from tests.drivers.vectors import GM65, Frame

DONE = GM65["save to flash"].back[0]
anything = st.binary(max_size=1_500)
texts = st.binary(min_size=1, max_size=40).filter(lambda text: text.isascii() and text.isalnum())


def heard(*chunks: bytes) -> list[object]:
    hearing = Gm65Hearing()
    return [one for chunk in chunks for one in hearing.feed(chunk, 0)]


SENT = {
    "heartbeat": gm65.heartbeat(),
    "save to flash": gm65.save(),
    "trigger (real CRC)": gm65.write(0x0002, 1),
    "read 0000 -> D6": gm65.read(gm65.MODE),
    "read baud -> 9600": gm65.read(0x002A, 2),
    "command-trigger mode": gm65.write(gm65.MODE, 0xD5),
    "CRLF tail": gm65.write(gm65.TAIL, 0x21),
}
BACK = {
    "heartbeat": Alive(),
    "read 0000 -> D6": Answer(b"\xd6"),
    "read baud -> 9600": Answer(b"\x39\x01"),
    "bad CRC": Refusal(1),
    "invalid command": Refusal(3),
}


@pytest.mark.parametrize("name", SENT)
def test_a_command_is_as_in_print(name: str) -> None:
    assert SENT[name] == GM65[name].sent


def test_setting_codes_are_turned_off_as_in_print() -> None:
    printed = bytes.fromhex("7E 00 08 01 00 03 02 01 88")
    assert gm65.write(gm65.SETTING_CODES, 0x02) == printed


@pytest.mark.parametrize("frame", GM65.values(), ids=GM65)
def test_every_printed_checksum_is_right(frame: Frame) -> None:
    for one in frame.back:
        assert gm65.checksum(one[2:-2]) == one[-2:]
    if frame.sent[-2:] not in (b"\xab\xcd", b"\x12\x34"):
        assert gm65.checksum(frame.sent[2:-2]) == frame.sent[-2:]


@pytest.mark.parametrize("frame", GM65.values(), ids=GM65)
def test_every_printed_answer_is_heard(frame: Frame) -> None:
    assert heard(*frame.back) == [BACK.get(frame.name, Answer(b"\0"))]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param([b"HC1:A\r"], [Code(b"HC1:A")], id="a code"),
        pytest.param([b"A\r" + DONE], [Code(b"A"), Answer(b"\0")], id="a code before an answer"),
        pytest.param([DONE + b"A\r"], [Answer(b"\0"), Code(b"A")], id="and behind one"),
        pytest.param([b"A" + DONE + b"B\r"], [Code(b"A" + DONE + b"B")], id="one within a code"),
        pytest.param([DONE[:6] + b"X\r"], [Code(DONE[:6] + b"X")], id="a wrong checksum is text"),
        pytest.param([b"\x02\x00\rA\r"], [Code(b"\x02\x00"), Code(b"A")], id="almost a head"),
        pytest.param([b"\x02\x00\x09\x01\r"], [Code(b"\x02\x00\x09\x01")], id="no such status"),
        pytest.param([b"\x02\x00\x00\xff\r"], [Code(b"\x02\x00\x00\xff")], id="too long"),
        pytest.param([DONE[:3], DONE[3:]], [Answer(b"\0")], id="an answer in pieces"),
        pytest.param([b"\r\r"], [], id="empty texts are none"),
    ],
)
def test_codes_and_answers_are_told_apart(chunks: list[bytes], expected: list[object]) -> None:
    assert heard(*chunks) == expected


@pytest.mark.parametrize("before", [b"\xff", b"a text whose end never came", gm65.save()])
def test_an_answer_behind_an_unfinished_text_is_found_in_the_silence(before: bytes) -> None:
    hearing = Gm65Hearing()
    assert hearing.feed(before + DONE, 0) == []
    assert hearing.settle() == [Answer(b"\0")]
    assert hearing.settle() == []
    assert hearing.feed(b"A\r", 0) == [Code(b"A")]


@pytest.mark.parametrize("half", [b"half a co", DONE[:4]])
def test_silence_gives_up_half_of_anything(half: bytes) -> None:
    hearing = Gm65Hearing()
    assert hearing.feed(half, 5_000) == []
    assert hearing.feed(b"B\r", 5_001 + SCAN_IDLE_MS) == [Code(b"B")]


def test_a_longer_text_is_cut_and_hides_no_answer() -> None:
    hearing = Gm65Hearing()
    assert hearing.feed(b"x" * 5_000, 0) == [Code(b"x" * SCAN_BYTES)]
    assert len(hearing._open) <= SCAN_BYTES
    assert hearing.feed(DONE + b"\r" + DONE, 0) == [Answer(b"\0")]


@pytest.mark.parametrize("count", [0, 5])
def test_a_count_out_of_range_is_named(count: int) -> None:
    with pytest.raises(ValueError, match=r"count must be 1\.\.4"):
        gm65.read(gm65.MODE, count)


pieces = st.lists(st.one_of(anything, st.sampled_from([DONE, DONE[:5], b"\r", b"\x02"])))


@given(pieces.map(b"".join), CUTS)
def test_chunks_make_no_difference(stream: bytes, cuts: list[int]) -> None:
    assert heard(*divided(stream, cuts)) == heard(stream)


@pytest.mark.threat("A3")
@given(st.lists(st.one_of(texts, st.just(DONE))), CUTS)
def test_no_code_is_lost_or_joined_whatever_answers_lie_between(
    sent: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(one if one == DONE else one + b"\r" for one in sent)
    expected = [Answer(b"\0") if one == DONE else Code(one) for one in sent]
    assert heard(*divided(stream, cuts)) == expected


@given(st.lists(st.tuples(anything, st.integers(0, 3_000), st.booleans()), max_size=10))
def test_no_input_raises_or_is_kept_and_silence_brings_it_back(
    story: list[tuple[bytes, int, bool]],
) -> None:
    hearing, now_ms = Gm65Hearing(), 0
    for data, gap_ms, settles in story:
        now_ms += gap_ms
        for one in hearing.feed(data, now_ms):
            assert not isinstance(one, Code) or 1 <= len(one.text) <= SCAN_BYTES
        if settles:
            hearing.settle()
        assert len(hearing._open + hearing._held) <= SCAN_BYTES + 10
    assert hearing.feed(b"A\r", now_ms + SCAN_IDLE_MS + 1) == [Code(b"A")]
