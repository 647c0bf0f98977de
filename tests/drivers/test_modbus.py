"""Requests and answers of the relay board (drivers.codec.modbus)."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codec import modbus
from drivers.codec.exchange import Search
from drivers.codec.modbus import Answer, Refusal
from tests.drivers.vectors import WAVESHARE, Frame

READ = modbus.read_relays(1)
NONE_ON = bytes.fromhex("01 01 01 00 51 88")
FLASH = modbus.flash_on(1, 1, 5)
NO_ADDRESS = bytes.fromhex("01 85 02 C3 51")

requests = st.one_of(
    st.builds(modbus.read_relays, st.integers(1, 247)),
    st.builds(modbus.switch_off, st.integers(1, 247), st.integers(1, 8)),
    st.builds(modbus.flash_on, st.integers(1, 247), st.integers(1, 8), st.integers(1, 0x7FFF)),
)


def found(request: bytes, *chunks: bytes, echo: bool = False) -> Answer | Refusal | None:
    search = Search(modbus.request(request), echo=echo)
    return next((answer for chunk in chunks if (answer := search.feed(chunk))), None)


@pytest.mark.parametrize("frame", WAVESHARE.values(), ids=WAVESHARE)
def test_every_frame_in_print_has_our_checksum(frame: Frame) -> None:
    for whole in (frame.sent, *frame.back):
        assert modbus.crc16(whole[:-2]).to_bytes(2, "little") == whole[-2:]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("relay1 off", modbus.switch_off(1, 1)),
        ("read 8 relays, none", modbus.read_relays(1)),
        ("flash on relay1 700 ms", modbus.flash_on(1, 1, 7)),
    ],
)
def test_our_requests_are_the_ones_in_print(name: str, made: bytes) -> None:
    assert made == WAVESHARE[name].sent


@pytest.mark.parametrize("frame", WAVESHARE.values(), ids=WAVESHARE)
def test_every_answer_in_print_is_found(frame: Frame) -> None:
    for back in frame.back:
        expected = Refusal(back[2]) if back[1] & 0x80 else Answer(back[:-2])
        assert found(frame.sent, back) == expected
        assert found(frame.sent, b"\x01\x05\x00", back) == expected


@pytest.mark.parametrize(
    ("name", "relays"), [("read 8 relays, none", set()), ("read 8 relays, relay1", {1})]
)
def test_relays_are_counted_from_1(name: str, relays: set[int]) -> None:
    (back,) = WAVESHARE[name].back
    answer = found(READ, back)
    assert isinstance(answer, Answer)
    assert modbus.closed_relays(answer) == relays


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: modbus.flash_on(0, 1, 1), r"board must be 1\.\.247, got 0"),
        (lambda: modbus.flash_on(248, 1, 1), "board must be"),
        (lambda: modbus.flash_on(1, 0, 1), r"relay must be 1\.\.8, got 0"),
        (lambda: modbus.flash_on(1, 9, 1), "relay must be"),
        (lambda: modbus.flash_on(1, 1, 0), r"steps must be 1\.\.32767, got 0"),
        (lambda: modbus.flash_on(1, 1, 0x8000), "steps must be"),
        (lambda: modbus.switch_off(1, 9), "relay must be"),
        (lambda: modbus.read_relays(0), "board must be"),
    ],
)
def test_what_is_out_of_range_is_named(make: Callable[[], bytes], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make()


def test_the_longest_pulse_can_be_asked_for() -> None:
    assert modbus.flash_on(247, 8, 0x7FFF)[:6] == bytes.fromhex("F7 05 02 07 7F FF")


@pytest.mark.parametrize(
    ("request_", "back"),
    [
        pytest.param(FLASH, modbus.flash_on(1, 1, 6), id="another length"),
        pytest.param(FLASH, modbus.flash_on(1, 2, 5), id="another relay"),
        pytest.param(FLASH, modbus.flash_on(2, 1, 5), id="another board"),
        pytest.param(FLASH, modbus.switch_off(1, 1), id="another order"),
        pytest.param(FLASH, NONE_ON, id="a read's answer to an order"),
        pytest.param(FLASH, FLASH[:-1] + b"\x00", id="a wrong checksum"),
        pytest.param(FLASH, FLASH[:-1], id="cut short"),
        pytest.param(READ, NO_ADDRESS, id="an order's refusal to a read"),
        pytest.param(READ, FLASH, id="an order's answer to a read"),
        pytest.param(READ, bytes.fromhex("01 01 02 00 00 B9 FC"), id="too many relays"),
    ],
)
def test_what_is_no_answer_to_this_request_is_passed_over(request_: bytes, back: bytes) -> None:
    assert found(request_, back) is None


def test_an_echo_is_no_answer() -> None:
    assert found(FLASH, FLASH, echo=True) is None
    assert found(FLASH, FLASH, FLASH, echo=True) == Answer(FLASH[:-2])
    assert found(FLASH, FLASH + NO_ADDRESS, echo=True) == Refusal(2)
    assert found(FLASH, NO_ADDRESS, echo=True) is None  # it came before the echo, so it is old


@pytest.mark.parametrize(
    ("back", "echoed"), [(READ, True), (READ + NONE_ON, True), (NONE_ON, False), (b"", False)]
)
def test_a_read_finds_out_about_an_echo(back: bytes, echoed: bool) -> None:
    search = Search(modbus.request(READ), echo=False)
    answer = search.feed(back)
    assert (answer is not None) == (NONE_ON in back)
    assert search.echoed == echoed


@given(requests, st.binary(max_size=40), st.booleans(), st.data())
def test_chunks_make_no_difference(
    request: bytes, noise: bytes, echo: bool, data: st.DataObject
) -> None:
    stream = noise + request + noise + request
    cut = data.draw(st.integers(0, len(stream)))
    assert found(request, stream[:cut], stream[cut:], echo=echo) == found(
        request, stream, echo=echo
    )


@given(requests, st.binary(max_size=300), st.booleans())
def test_noise_raises_nothing_and_is_not_kept(request: bytes, noise: bytes, echo: bool) -> None:
    search = Search(modbus.request(request), echo=echo)
    search.feed(noise)
    assert len(search._tail) <= len(request)


@given(requests, st.integers(0, 63))
def test_a_frame_with_a_flipped_bit_is_no_answer(request: bytes, bit: int) -> None:
    flipped = bytearray(request)
    flipped[bit // 8] ^= 1 << bit % 8
    assert found(request, bytes(flipped)) is None


@given(st.binary(max_size=40), st.integers(1, 8))
def test_an_answer_is_found_behind_noise(noise: bytes, relay: int) -> None:
    order = modbus.switch_off(7, relay)
    assert found(order, noise + order) is not None
