"""hil/perf/decode.py and scenes.py: the measurement counts what it says it counts."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import pytest

from drivers.eye.decode import fast, larger, zbar
from hil.perf import decode, scenes
from hil.perf.decode import Read, Row
from hil.perf.scenes import Frame, Make, Presentation
from tests.eye.scenes import before_camera, code

DECODERS = ["the eye", "zxing-cpp", "pyzbar", "opencv"]
FRAME = np.zeros((4, 4), np.uint8)
Ran: TypeAlias = Callable[..., str]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Ran]:
    monkeypatch.setattr(decode, "IDLE_FRAMES", 2)
    monkeypatch.setattr(decode, "SETTLING", 1)
    monkeypatch.setattr(scenes, "KINDS", scenes.KINDS[:1])
    monkeypatch.setattr(scenes, "EACH", 2)
    threads = cv2.getNumThreads()

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["decode", *arguments])
        decode.main()
        return capsys.readouterr().out

    yield run
    cv2.setNumThreads(threads)


def test_photographs_are_counted_by_category_and_by_decoder(ran: Ran, tmp_path: Path) -> None:
    manifest = []
    for number, (shown, expected) in enumerate([("A", "A"), ("B", "B"), ("C", "another")]):
        file = f"{number}.png"
        cv2.imwrite(str(tmp_path / file), before_camera(code(shown)))
        manifest.append({"file": file, "expected": [expected], "source": "made here"})
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))

    *rows, total = map(json.loads, ran(str(tmp_path), "--json").splitlines())

    counted = {(row["category"], row["decoder"]): row for row in rows}
    for name in DECODERS:
        row = counted["photographs", name]
        assert (row["read"], row["of"], row["unexpected"]) == (2, 3, 1)
        assert counted["plain", name]["of"] == 2
        assert counted[decode.IDLE, name]["unexpected"] == 0
        assert 0 <= row["ms_mean"] <= 1000
    assert (total["shown"], total["unexpected"]) == (5, 1)
    assert total["read"] == dict.fromkeys(DECODERS, 4)
    assert min(total["idle"].values()) > 0


def test_who_is_behind_another_in_a_category_is_told() -> None:
    rows = [Row(kind, name, read=2, of=2) for kind in ("a", "b") for name in DECODERS]
    rows += [Row(decode.IDLE, name, ms=[1.0]) for name in DECODERS]
    assert decode.summed(rows)["behind"] == 0
    rows[0].read = 1
    assert decode.summed(rows)["behind"] == 1


def test_people_get_a_table(ran: Ran) -> None:
    lines = ran().splitlines()
    assert lines[0].split()[-1] == "opencv"
    assert lines[1].split() == ["plain", "2", "2", "2", "2", "2"]
    assert [line.split("  ")[0] for line in lines[2:]] == [
        "unexpected texts",
        "CPU ms a frame",
        "while shown",
        decode.IDLE,
    ]


def answering(*answers: bytes) -> Read:
    said = iter(answers)
    return lambda _: (next(said),)


@pytest.mark.parametrize(
    ("read", "counts"),
    [
        pytest.param(answering(b"a", b"b"), (1, 0, 2), id="both, one after the other"),
        pytest.param(answering(b"a", b"a", b"a"), (0, 0, 3), id="one of two"),
        pytest.param(answering(b"a", b"x", b"b"), (1, 1, 3), id="one that is not there"),
        pytest.param(lambda _: (), (0, 0, 3), id="nothing"),
    ],
)
def test_a_presentation_is_read_when_all_of_it_is(read: Read, counts: tuple[int, int, int]) -> None:
    row = Row("kind", "decoder")
    wanted = frozenset({b"a", b"A"}), frozenset({b"b"})
    row.present(Presentation("kind", wanted, (FRAME,) * 3), read)
    assert (row.read, row.unexpected, len(row.ms)) == counts


@pytest.mark.parametrize("make", scenes.KINDS)
def test_a_kind_is_the_same_on_every_run_and_its_easiest_can_be_read(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "FRAMES", 1)
    first, again = (make(0.0, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first.frames[0], again.frames[0])
    assert first.expected == again.expected
    frame: Frame = first.frames[0]
    assert frame.shape == scenes.SIZE
    look = zbar()
    assert look is not None
    read = {*fast(frame), *larger(frame), *look(frame)}
    assert all(forms & read for forms in first.expected)


def test_a_still_door_is_still_but_for_its_noise() -> None:
    first, second = scenes.still(2)
    assert 0 < np.mean(np.abs(first.astype(int) - second)) < 6
