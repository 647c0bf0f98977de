"""drivers/eye/decode.py: what is read, what only a second look reads, what is never read."""

import sys
from collections.abc import Callable

import numpy as np
import pytest
import segno
import zxingcpp

from drivers.eye import decode, limits
from drivers.eye.decode import Decoder, Look, fast, larger, larger_and_sharper, zbar
from drivers.eye.pictures import Frame, grey
from tests.eye.scenes import before_camera, blurred, code, faded, noisy, text, trimmed

CODE = text()
SMALL = noisy(faded(blurred(before_camera(code(CODE, 1.5), 5), 0.5), 0.8), 2)
SOFT = noisy(faded(blurred(before_camera(code(CODE, 2), 5), 1.1), 0.8), 2)
TRIMMED = before_camera(trimmed(code(CODE, 4), 4), 5, wall=30)
EMPTY = noisy(np.full((480, 640), 110, np.uint8), 3)


def zbar_here() -> Look:
    look = zbar()
    assert look is not None
    return look


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(before_camera(code(CODE)), id="plain"),
        pytest.param(before_camera(code(CODE), 90), id="turned by a quarter"),
        pytest.param(before_camera(code(CODE), 33), id="askew"),
        pytest.param(before_camera(code(CODE, 2)), id="two pixels a module"),
        pytest.param(blurred(before_camera(code(CODE)), 2.5), id="blurred"),
        pytest.param(faded(before_camera(code(CODE)), 0.15), id="low contrast"),
        pytest.param(noisy(before_camera(code(CODE)), 25), id="noise"),
        pytest.param(255 - before_camera(code(CODE)), id="inverted"),
    ],
)
def test_the_first_look_reads(frame: Frame) -> None:
    assert fast(frame) == (CODE.encode(),)


@pytest.mark.parametrize(
    ("frame", "look", "others"),
    [
        pytest.param(SMALL, larger, [fast], id="small"),
        pytest.param(SOFT, larger_and_sharper, [fast, larger], id="out of focus"),
        pytest.param(TRIMMED, zbar_here(), [fast, larger, larger_and_sharper], id="trimmed"),
    ],
)
def test_a_second_look_reads_what_the_others_miss(
    frame: Frame, look: Look, others: list[Look]
) -> None:
    assert [other(frame) for other in others] == [()] * len(others)
    assert look(frame) == (CODE.encode(),)


@pytest.mark.parametrize("frame", [SMALL, SOFT, TRIMMED], ids=["small", "soft", "trimmed"])
def test_a_hard_code_is_read_within_one_round_of_movement(frame: Frame) -> None:
    decoder = Decoder()
    read = [decoder.read(frame, moving=True) for _ in range(4)]
    assert (CODE.encode(),) in read


@pytest.mark.parametrize("look", [fast, larger, larger_and_sharper, zbar_here()])
def test_noise_and_empty_scenes_say_nothing(look: Look) -> None:
    random = np.random.default_rng(1)
    for levels in (2, 20, 80, 255):
        for _ in range(5):
            assert look(grey(random.integers(0, levels, (480, 640), np.uint8))) == ()


@pytest.mark.parametrize("picture", [np.zeros((1, 1)), np.zeros((3, 700)), np.zeros((700, 3))])
def test_pictures_of_any_shape_say_nothing(picture: Frame) -> None:
    for look in (fast, larger, larger_and_sharper, zbar_here()):
        assert look(grey(picture.astype(np.uint8))) == ()


def test_bytes_are_exact() -> None:
    every = bytes(range(256))
    modules = segno.make(every, error="l", mode="byte", encoding=None).matrix_iter(
        scale=4, border=4
    )
    frame = grey(np.array([[0 if dark else 255 for dark in row] for row in modules], np.uint8))
    assert fast(frame) == (every,)
    assert zbar_here()(frame) == ()  # what ZBar makes of them is a guess, and is dropped


def test_a_grainy_code_held_close_is_read() -> None:
    """What `try_downscale` is for; the enlargements read none of these."""
    frames = [noisy(before_camera(code(CODE, 8.5), 5), 90, seed) for seed in range(3)]
    assert [fast(frame) for frame in frames] == [(CODE.encode(),)] * 3
    assert [larger_and_sharper(frame) for frame in frames] == [()] * 3


def test_micro_codes_are_not_ours() -> None:
    modules = segno.make_micro("12345").matrix_iter(scale=8, border=4)
    frame = grey(np.array([[0 if dark else 255 for dark in row] for row in modules], np.uint8))
    assert zxingcpp.read_barcodes(frame)  # it is a good code, of another kind
    assert fast(frame) == ()


def test_without_zbars_library_the_rest_works(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "pyzbar.pyzbar", None)  # makes its import fail
    decoder = Decoder()
    assert caplog.messages == ["no_zbar: libzbar0 is not installed"]
    assert decoder.read(before_camera(code(CODE)), moving=True) == (CODE.encode(),)
    assert [decoder.read(TRIMMED, moving=True) for _ in range(20)] == [()] * 20


@pytest.mark.threat("A2")
@pytest.mark.parametrize(("length", "kept"), [(limits.TEXT_BYTES, 1), (limits.TEXT_BYTES + 1, 0)])
def test_a_text_has_a_longest_length(length: int, kept: int) -> None:
    assert len(fast(code("A" * length, 4))) == kept


def test_a_poster_full_of_codes_gives_a_few() -> None:
    poster = np.vstack([np.hstack([code(f"{row}{n}", 4) for n in range(3)]) for row in range(3)])
    assert len(zxingcpp.read_barcodes(poster)) == 9
    assert len(fast(grey(poster))) == limits.TEXTS_PER_FRAME


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the looks that a Decoder takes, in order."""
    taken: list[str] = []

    def noted(name: str) -> Callable[[Frame], tuple[bytes, ...]]:
        def look(_: Frame) -> tuple[bytes, ...]:
            taken.append(name)
            return ()

        return look

    monkeypatch.setattr(decode, "fast", noted("fast"))
    monkeypatch.setattr(decode, "larger", noted("larger"))
    monkeypatch.setattr(decode, "larger_and_sharper", noted("sharper"))
    monkeypatch.setattr(decode, "zbar", lambda: noted("zbar"))
    return taken


@pytest.mark.parametrize(
    ("moving", "frames", "counts"),
    [(True, 80, (20, 20, 20)), (False, 480, (24, 4, 4))],
    ids=["moving", "idle"],
)
def test_second_looks_are_rare_and_take_turns(
    looks: list[str], moving: bool, frames: int, counts: tuple[int, int, int]
) -> None:
    decoder = Decoder()
    for _ in range(frames):
        before = len(looks)
        decoder.read(EMPTY, moving=moving)
        assert len(looks) - before <= 2  # no frame costs more than one extra look
    assert looks.count("fast") == frames
    assert tuple(looks.count(name) for name in ("larger", "sharper", "zbar")) == counts


def test_movement_begins_a_round_of_second_looks(looks: list[str]) -> None:
    decoder = Decoder()
    for moving in [False] * 7 + [True] * 4 + [False] * 3 + [True] * 4:
        decoder.read(EMPTY, moving=moving)
    one_round = ["fast", "fast", "larger", "fast", "zbar", "fast", "sharper"]
    assert looks[-7:] == one_round
    assert looks[-17:-10] == one_round
