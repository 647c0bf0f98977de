"""Packets of SSI scanners (drivers.codec.ssi)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codec import ssi
from drivers.codec.scanner import Code, Send
from drivers.codec.ssi import Ack, Nak, Revision, SsiHearing
from drivers.limits import PACKET_BYTES, PACKET_GAP_MS, RESENT_MS, SCAN_BYTES
from tests.drivers.streams import CUTS, divided
from tests.drivers.vectors import SSI, Frame

OURS_ACK = Send(SSI["CMD_ACK host"].sent)
OURS_NAK = Send(SSI["CMD_NAK resend"].sent)
PUT_PACKETS = Send(ssi.put(ssi.PACKETS, 1))
DONE = SSI["SCAN_ENABLE"].back[0]
HELLO = SSI["decode data QR HELLO (GM67 type F1); host must ACK"].back[0]
LATER = RESENT_MS + 1
anything = st.binary(max_size=1_500)


def sealed(body: bytes) -> bytes:
    return body + (-sum(body) & 0xFFFF).to_bytes(2, "big")


def code(text: bytes, status: int = 0) -> bytes:
    return sealed(bytes((5 + len(text), 0xF3, 0, status, 0xF1)) + text)


def long_code(text: bytes, status: int = 0) -> bytes:
    size = (8 + len(text)).to_bytes(2, "big")
    return sealed(b"\xff\xf4" + size + bytes((0xF4, 0, status, 0xF1)) + text)


def heard(*chunks: bytes, now_ms: int = LATER) -> list[object]:
    hearing = SsiHearing(0)
    return [one for chunk in chunks for one in hearing.feed(chunk, now_ms)]


@pytest.mark.parametrize("frame", SSI.values(), ids=SSI)
def test_every_printed_checksum_is_right(frame: Frame) -> None:
    for one in (frame.sent, *frame.back):
        assert not one or ssi.checksum(one[:-2]) == one[-2:]


def test_orders_are_as_in_print() -> None:
    assert ssi.enable() == SSI["SCAN_ENABLE"].sent
    assert ssi.revision() == bytes.fromhex("04 A3 04 00 FF 55")
    assert ssi.put(ssi.PACKETS, 1) == sealed(bytes.fromhex("07 C6 04 00 00 EE 01"))


def test_an_order_sent_again_says_so() -> None:
    assert ssi.again(ssi.enable()) == sealed(bytes.fromhex("04 E9 04 01"))


@pytest.mark.parametrize("name", [name for name, frame in SSI.items() if frame.back == (DONE,)])
def test_every_printed_acknowledgement_is_heard(name: str) -> None:
    assert heard(*SSI[name].back) == [Ack()]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param([HELLO], [Code(b"HELLO"), OURS_ACK], id="as in print"),
        pytest.param([b"\0\0" + HELLO], [Code(b"HELLO"), OURS_ACK], id="behind a wake-up"),
        pytest.param([HELLO, DONE], [Code(b"HELLO"), OURS_ACK, Ack()], id="before an answer"),
        pytest.param([code(b"\r\0\xff")], [Code(b"\r\0\xff"), OURS_ACK], id="any bytes"),
        pytest.param([code(b"")], [OURS_ACK], id="an empty code is none"),
        pytest.param([code(DONE)], [Code(DONE), OURS_ACK], id="an answer within a code"),
        pytest.param([long_code(b"x" * 400)], [Code(b"x" * 400), OURS_ACK], id="long, GM67"),
        pytest.param(
            [code(b"A" * 250, 2), code(b"B" * 250, 2), code(b"C")],
            [OURS_ACK, OURS_ACK, Code(b"A" * 250 + b"B" * 250 + b"C"), OURS_ACK],
            id="long, Zebra",
        ),
        pytest.param(
            [sealed(bytes((7, 0xA4, 0, 0)) + b"1.0")], [Revision("1.0"), OURS_ACK], id="revision"
        ),
        pytest.param([sealed(bytes((5, 0xD1, 0, 0, 6)))], [Nak(6)], id="refused"),
        pytest.param([sealed(bytes((4, 0xD1, 0, 0)))], [Nak(0)], id="refused without a code"),
        pytest.param([sealed(bytes((4, 0xF6, 0, 0)))], [OURS_ACK], id="any other packet"),
        pytest.param([HELLO[:-1] + b"\0"], [OURS_NAK], id="a wrong checksum"),
        pytest.param(
            [HELLO[:-1] + b"\0", code(b"HELLO", 1)],
            [OURS_NAK, Code(b"HELLO"), OURS_ACK],
            id="asked for again",
        ),
        pytest.param([HELLO, code(b"HELLO", 1)], [Code(b"HELLO"), OURS_ACK, OURS_ACK], id="twice"),
        pytest.param([HELLO, HELLO], [Code(b"HELLO"), OURS_ACK] * 2, id="shown twice"),
        pytest.param(
            [code(b"A", 2), code(b"A", 3), code(b"B")],
            [OURS_ACK, OURS_ACK, Code(b"AB"), OURS_ACK],
            id="a part twice",
        ),
        pytest.param([code(b"A", 1)], [Code(b"A"), OURS_ACK], id="the first was lost"),
        pytest.param([b"HC1:A\r", HELLO], [PUT_PACKETS, Code(b"HELLO"), OURS_ACK], id="bare text"),
        pytest.param(
            [b"A\x08\xf3\0\0", HELLO],
            [PUT_PACKETS, Code(b"HELLO"), OURS_ACK],
            id="out of step a length says nothing",
        ),
        pytest.param([ssi.enable()], [PUT_PACKETS], id="our own order, sent back"),
    ],
)
def test_packets_are_read_and_answered(chunks: list[bytes], expected: list[object]) -> None:
    assert heard(*chunks) == expected


def test_what_was_first_sent_to_nobody_is_dropped() -> None:
    hearing = SsiHearing(5_000)
    assert hearing.feed(code(b"OLD", 1), 5_000 + RESENT_MS) == [OURS_ACK]
    assert hearing.feed(code(b"NEW"), 5_000 + RESENT_MS) == [Code(b"NEW"), OURS_ACK]


def test_what_came_broken_after_opening_is_taken_when_it_is_sent_again() -> None:
    hearing = SsiHearing(0)
    assert hearing.feed(HELLO[:6], 0) == []
    assert hearing.feed(code(b"HELLO", 1), 2_000) == [Code(b"HELLO"), OURS_ACK]


def test_the_same_code_later_is_another_one() -> None:
    hearing = SsiHearing(0)
    assert hearing.feed(HELLO, LATER) == [Code(b"HELLO"), OURS_ACK]
    again = hearing.feed(code(b"HELLO", 1), LATER + RESENT_MS + 1)
    assert again == [Code(b"HELLO"), OURS_ACK]


@pytest.mark.threat("A3")
def test_parts_of_a_code_that_was_given_up_are_dropped() -> None:
    hearing = SsiHearing(0)
    assert hearing.feed(code(b"A", 2), 0) == [OURS_ACK]
    assert hearing.feed(code(b"B"), RESENT_MS + 1) == [Code(b"B"), OURS_ACK]


def test_a_packet_behind_a_false_beginning_is_found_in_the_silence() -> None:
    hearing = SsiHearing(0)
    assert hearing.feed(b"\xff\xf3" + DONE, 0) == [PUT_PACKETS, Ack()]
    assert hearing.feed(b"\xf0\xf3\0\0" + DONE, 0) == []
    assert hearing.settle() == [Ack()]
    assert hearing.feed(b"\xf0\xf3\0\0" + HELLO, 0) == []
    assert hearing.settle() == [Code(b"HELLO"), OURS_ACK]
    assert hearing.feed(b"\xf0\xf3\0\0" + HELLO, 0) == []
    assert hearing.feed(DONE, PACKET_GAP_MS + 1) == [Code(b"HELLO"), OURS_ACK, Ack()]


def test_a_longer_text_is_cut() -> None:
    longest = b"x" * (PACKET_BYTES - 8)
    assert heard(long_code(longest)) == [Code(b"x" * SCAN_BYTES), OURS_ACK]
    assert Code(b"x") not in heard(long_code(longest + b"x"))
    parts = [code(b"x" * 250, 2)] * 9 + [code(b"x")]
    assert heard(*parts)[-2:] == [Code(b"x" * SCAN_BYTES), OURS_ACK]


packets = st.sampled_from([HELLO, DONE, code(b"A", 2), long_code(b"B" * 300), HELLO[:5], b"\xff"])
pieces = st.lists(st.one_of(anything, packets), max_size=12)


@given(pieces.map(b"".join), CUTS)
def test_chunks_make_no_difference(stream: bytes, cuts: list[int]) -> None:
    assert heard(*divided(stream, cuts)) == heard(stream)


@pytest.mark.threat("A3")
@given(st.lists(st.binary(min_size=1, max_size=300)), CUTS)
def test_every_code_comes_once_and_in_order(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(long_code(text) if len(text) > 250 else code(text) for text in sent)
    found = [one for one in heard(*divided(stream, cuts)) if isinstance(one, Code)]
    assert found == [Code(text) for text in sent]


@given(st.lists(st.tuples(anything, st.integers(0, 3_000), st.booleans()), max_size=10))
def test_no_input_raises_or_is_kept_and_silence_brings_it_back(
    story: list[tuple[bytes, int, bool]],
) -> None:
    hearing, now_ms = SsiHearing(0), 0
    for data, gap_ms, settles in story:
        now_ms += gap_ms
        for one in hearing.feed(data, now_ms):
            assert not isinstance(one, Code) or 1 <= len(one.text) <= SCAN_BYTES
        if settles:
            hearing.settle()
        assert len(hearing._waiting) <= PACKET_BYTES + 2
        assert len(hearing._text) <= SCAN_BYTES
    found = hearing.feed(HELLO, now_ms + LATER)
    assert found[-2:] == [Code(b"HELLO"), OURS_ACK]
