"""Menu commands and the stream of Honeywell scanners (drivers.codec.honeywell)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codec import honeywell
from drivers.codec.honeywell import HoneywellHearing, MenuAnswer, Status
from drivers.codec.scanner import Code, Send
from drivers.limits import MENU_BYTES, SCAN_BYTES, SCAN_IDLE_MS
from tests.drivers.streams import CUTS, divided
from tests.drivers.vectors import HONEYWELL

ANSWER = b"TRGMOD0\x06."
READ = MenuAnswer("TRGMOD0", Status.DONE)
NEXT = Send(honeywell.TRIGGER_ON)
anything = st.binary(max_size=1_500)
texts = st.binary(min_size=1, max_size=40).filter(lambda text: text.isascii() and text.isalnum())


def heard(*chunks: bytes) -> list[object]:
    hearing = HoneywellHearing()
    return [one for chunk in chunks for one in hearing.feed(chunk, 0)]


def test_triggers_are_as_in_print() -> None:
    assert HONEYWELL["trigger on"].sent == honeywell.TRIGGER_ON
    assert HONEYWELL["trigger off"].sent == honeywell.TRIGGER_OFF


def test_menu_commands() -> None:
    assert honeywell.ask("CBRENA") == b"\x16M\rCBRENA?."
    assert honeywell.put("SUFBK2", "990D") == b"\x16M\rSUFBK2990D!"


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("TRG", "0", "setting must be"),
        ("TRGMOD.", "0", "setting must be"),
        ("TRGMOD", "0.DEFALT", "value must be"),
        ("TRGMOD", "0!", "value must be"),
    ],
)
def test_what_would_be_another_command_is_named(setting: str, value: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        honeywell.put(setting, value)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param([b"HC1:A\r"], [Code(b"HC1:A"), NEXT], id="a code"),
        pytest.param([b"CBRENA1\x06."], [MenuAnswer("CBRENA1", Status.DONE)], id="as in print"),
        pytest.param([b"xyzabc?\x05."], [MenuAnswer("XYZABC?", Status.UNKNOWN)], id="unknown"),
        pytest.param([b"TRGMOD9\x15!"], [MenuAnswer("TRGMOD9", Status.OUT_OF_RANGE)], id="range"),
        pytest.param([b"A\r" + ANSWER], [Code(b"A"), NEXT, READ], id="a code before an answer"),
        pytest.param([ANSWER + b"A\r"], [READ, Code(b"A"), NEXT], id="and behind one"),
        pytest.param([b"A\x06.B" + ANSWER + b"\r"], [MenuAnswer("A", Status.DONE)], id="forged"),
        pytest.param([b"(" + ANSWER + b")\r"], [Code(b"(" + ANSWER + b")"), NEXT], id="within"),
        pytest.param([b"A.B!C\r"], [Code(b"A.B!C"), NEXT], id="stops alone are text"),
        pytest.param([ANSWER[:4], ANSWER[4:]], [READ], id="an answer in pieces"),
        pytest.param([b"\x16M\r"], [], id="our own command, sent back"),
        pytest.param([b"\x16T\rA\r"], [Code(b"A"), NEXT], id="our own trigger, sent back"),
        pytest.param(
            [b"A" * MENU_BYTES + b"B\x06.\r"],
            [Code(b"A" * MENU_BYTES + b"B\x06."), NEXT],
            id="too long for an answer",
        ),
    ],
)
def test_codes_and_answers_are_told_apart(chunks: list[bytes], expected: list[object]) -> None:
    found = heard(*chunks)
    assert found[: len(expected)] == expected
    if expected != [MenuAnswer("A", Status.DONE)]:
        assert len(found) == len(expected)


@pytest.mark.parametrize("before", [b"\xff", b"no end(", b"\x16M\rTRGMOD?."])
def test_an_answer_behind_an_unfinished_text_is_found_in_the_silence(before: bytes) -> None:
    hearing = HoneywellHearing()
    assert hearing.feed(before + ANSWER, 0) == []
    assert hearing.settle() == [READ]
    assert hearing.settle() == []
    assert hearing.feed(b"A\r", 0) == [Code(b"A"), NEXT]


def test_silence_gives_up_half_a_text() -> None:
    hearing = HoneywellHearing()
    assert hearing.feed(b"half a co", 5_000) == []
    assert hearing.feed(b"B\r", 5_001 + SCAN_IDLE_MS) == [Code(b"B"), NEXT]
    assert hearing.feed(b"TRG", 8_000) == []
    assert hearing.feed(ANSWER, 8_001 + SCAN_IDLE_MS) == [READ]


def test_a_longer_text_is_cut() -> None:
    assert heard(b"x" * 5_000 + b"\rA\r") == [Code(b"x" * SCAN_BYTES), NEXT, Code(b"A"), NEXT]


pieces = st.lists(st.one_of(anything, st.sampled_from([ANSWER, b"TRG", b"\x06.", b"\r", b"\x16"])))


@given(pieces.map(b"".join), CUTS)
def test_chunks_make_no_difference(stream: bytes, cuts: list[int]) -> None:
    assert heard(*divided(stream, cuts)) == heard(stream)


@pytest.mark.threat("A3")
@given(st.lists(st.one_of(texts, st.just(ANSWER))), CUTS)
def test_no_code_is_lost_or_joined_whatever_answers_lie_between(
    sent: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(one if one == ANSWER else one + b"\r" for one in sent)
    expected = [READ if one == ANSWER else Code(one) for one in sent]
    found = [one for one in heard(*divided(stream, cuts)) if one != NEXT]
    assert found == expected


@given(st.lists(st.tuples(anything, st.integers(0, 3_000), st.booleans()), max_size=10))
def test_no_input_raises_or_is_kept_and_silence_brings_it_back(
    story: list[tuple[bytes, int, bool]],
) -> None:
    hearing, now_ms = HoneywellHearing(), 0
    for data, gap_ms, settles in story:
        now_ms += gap_ms
        for one in hearing.feed(data, now_ms):
            assert not isinstance(one, Code) or 1 <= len(one.text) <= SCAN_BYTES
        if settles:
            hearing.settle()
        assert len(hearing._open) <= SCAN_BYTES
    assert hearing.feed(b"A\r", now_ms + SCAN_IDLE_MS + 1) == [Code(b"A"), NEXT]
