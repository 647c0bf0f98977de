import base64
import io
import json
import sys
from pathlib import Path

import pytest

from edged.cloud.files import device_key
from tests.edged.cli.stage import Edged

EXAMPLE = Path(__file__).parents[3] / "config" / "edged.example.toml"


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """All that is asked of a device whose daemon does not run, by an installer in a hurry."""
    keys = [f"{kind}/front" for kind in ("secure", "lock", "way_out_frozen")]
    keys += ["reader/front-in", "way_out_dark/front", "power_cut/S1-FRONT"]
    lines = [
        line
        for key in keys
        for line in (
            {"key": f"{key}/begin", "answer": "skip"},
            {"key": f"{key}/why", "answer": "no time"},
        )
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.commission.limits.DAEMON_S", 0.01)


def test_a_hasty_walk_is_not_accepted_and_says_what_was_skipped(
    config: Path, edged: Edged, answers: Path, tmp_path: Path
) -> None:
    assert config.exists()
    done = edged("commission", "--answers", answers, "--out", tmp_path / "report")
    assert done.code == 16
    told = json.loads(done.out.splitlines()[-1])
    assert (told["accepted"], told["simulated"], told["skipped"]) == (False, True, 6)
    assert told["report"] == str(tmp_path / "report")
    assert told["failed"] > 0  # what asks the daemon
    page = (tmp_path / "report/acceptance.html").read_text()
    assert "Not accepted" in page
    report = tmp_path / "report/acceptance.json"
    verified = edged("commission", "verify", report, "--json")
    assert (verified.code, verified.data["accepted"]) == (16, False)
    public = device_key(tmp_path / "state").public_key().public_bytes_raw()
    key = base64.b64encode(public).decode()
    assert edged("commission", "verify", report, "--key", key).code == 16
    assert edged("commission", "verify", report, "--key", "AAAA").code == 15
    report.write_bytes(b"{}")
    assert edged("commission", "verify", report).code == 15
    assert edged("commission", "verify", tmp_path / "none").code == 10


def test_a_wrong_answer_ends_the_walk_and_what_ended_before_is_kept(
    config: Path, edged: Edged, answers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config.exists()
    lines = answers.read_text().splitlines()
    answers.write_text("\n".join([*lines[:2], '{"key": "lock/yard/begin", "answer": "skip"}']))
    done = edged("commission", "--answers", answers)
    assert (done.code, "lock/front/begin: the next answer" in done.err) == (2, True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines[2:])))
    again = edged("commission", "--answers", "-")
    asked = [json.loads(line).get("ask") for line in again.out.splitlines()]
    assert again.code == 16
    assert "secure/front/begin" not in asked


def test_a_step_that_the_device_has_not_is_not_found(config: Path, edged: Edged) -> None:
    assert config.exists()
    done = edged("commission", "--step", "lock/yard")
    assert (done.code, "lock/yard" in done.err) == (10, True)


def test_the_doctor_says_a_line_a_check_and_what_to_do(config: Path, edged: Edged) -> None:
    config.chmod(0o666)
    done = edged("doctor")
    assert done.code == 16
    assert f"-> chmod go-w {config}" in done.out
    lines = [json.loads(line) for line in edged("doctor", "--json").out.splitlines()]
    assert {"check", "grade", "said", "todo"} == lines[0].keys()
    assert "fail" in {line["grade"] for line in lines}


def test_the_self_test_looks_at_the_hardware_and_moves_only_if_it_is_told_to(
    config: Path, edged: Edged
) -> None:
    config.chmod(0o666)  # that is the doctor's business
    still = [json.loads(line) for line in edged("selftest", "--json").out.splitlines()]
    assert {"header", "memory"} <= {line["check"] for line in still}
    assert {"files", "moves"}.isdisjoint(line["check"] for line in still)
    moving = edged("selftest", "--moves", "--json")
    said = [line["said"] for line in map(json.loads, moving.out.splitlines())]
    assert (moving.code, said[-1].startswith("front: ")) == (16, True)


def test_simulated_devices_are_drawn_as_nothing(config: Path, edged: Edged, tmp_path: Path) -> None:
    assert config.exists()
    out = tmp_path / "drawings"
    assert edged("wiring", out).code == 0
    assert [path.name for path in out.iterdir()] == ["door-front.svg"]
    assert "nothing is guarded" in (out / "door-front.svg").read_text()


def test_the_example_can_be_drawn(edged: Edged, tmp_path: Path) -> None:
    done = edged("wiring", tmp_path / "out", "--config", EXAMPLE, "--json")
    assert (done.code, done.data) == (0, {"drawing": str(tmp_path / "out/door-front.svg")})
