"""hil/perf/decode.py: the measurement counts what it says it counts."""

import json
import sys
from pathlib import Path

import cv2
import pytest

from hil.perf import decode
from tests.eye.scenes import before_camera, code


def test_rows_count_what_was_read_and_what_was_not_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(decode, "EMPTY_SCENES", 2)
    manifest = []
    for number, (shown, expected) in enumerate([("A", "A"), ("B", "B"), ("C", "another")]):
        file = f"{number}.png"
        cv2.imwrite(str(tmp_path / file), before_camera(code(shown)))
        manifest.append({"file": file, "expected": [expected], "source": "made here"})
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(sys, "argv", ["decode", str(tmp_path), "--json"])

    decode.main()

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["decoder"] for row in rows] == [
        "zxing-cpp",
        "zxing-cpp + enlarged",
        "pyzbar",
        "opencv aruco",
        "the eye",
    ]
    assert {(row["read"], row["of"], row["unexpected"]) for row in rows} == {(2, 3, 1)}

    monkeypatch.setattr(sys, "argv", ["decode", str(tmp_path)])
    decode.main()
    assert "2/3 67%" in capsys.readouterr().out
