"""What the building makes of its configuration (hil/building/README.md)."""

import subprocess
import sys
from pathlib import Path

import pytest

from hil.building.config import ConfigFault, load
from hil.building.door import LockType

LEAST = """
socket = "building.sock"
log = "building.jsonl"
[doors.front]
lock = "strike"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "building.toml"
    path.write_text(text)
    return path


def test_the_example_in_the_readme_is_taken_as_it_stands(tmp_path: Path) -> None:
    readme = Path("hil/building/README.md").read_text()
    example = readme.split("```toml\n")[1].split("```")[0]

    config = load(written(tmp_path, example))

    assert config.doors["front"].lock is LockType.STRIKE
    assert list(config.feeds()) == [("relays.panel.channels.1", "front")]
    assert config.scanners["front-in"].terminator == "\r"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load(written(tmp_path, LEAST + '[scanners.in]\nlink = "in.tty"'))

    assert config.socket == tmp_path / "building.sock"
    assert config.log == tmp_path / "building.jsonl"
    assert config.scanners["in"].link == tmp_path / "in.tty"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("socket = ", "Invalid value"),
        ('log = "x"', "socket: Field required"),
        (LEAST + "jamed = true", "doors.front.jamed: Extra inputs are not permitted"),
        (LEAST + "opens_after_ms = -1", "doors.front.opens_after_ms: Input should be"),
        (LEAST + 'jammed = "yes"', "doors.front.jammed: Input should be a valid boolean"),
        (LEAST + '[doors.back]\nlock = "rope"', "doors.back.lock: Input should be"),
        (LEAST + '[doors."Front Door"]\nlock = "strike"', "doors.Front Door.[key]: String"),
        (LEAST + "[cameras.cam]\nfps = 0", "cameras.cam.fps: Input should be"),
        (LEAST + "[cameras.cam]\nwidth = 1980-01-01", "cameras.cam.width: Input should be"),
        (LEAST + "[lockers.hall]\ncount = 0", "lockers.hall.count: Input should be"),
        (
            LEAST + "[lockers.hall]\ncount = 2\njammed = [3]",
            "lockers.hall: jammed: there is no locker 3",
        ),
        (LEAST + '[scanners.in]\nlink = "a"\nfamily = "x"', "scanners.in.family: Input should"),
        (LEAST + '[scanners.in]\nlink = "building.sock"', "scanners.in.link: socket has the same"),
        (
            LEAST + '[relays.panel]\nlink = "p"\nchannels = { 9 = "front" }',
            "relays.panel.channels.9.[key]: Input should be less than or equal to 8",
        ),
        (
            LEAST + '[relays.panel]\nlink = "p"\nchannels = { 1 = "attic" }',
            "relays.panel.channels.1: there is no door 'attic'",
        ),
        (
            LEAST + '[relays.panel]\nlink = "p"\nchannels = { 1 = "front", 2 = "front" }',
            "relays.panel.channels.2: the coil of 'front' is already fed by relays.panel",
        ),
    ],
)
def test_a_fault_names_its_file_and_key(tmp_path: Path, text: str, problem: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(ConfigFault) as caught:
        load(path)

    assert str(caught.value).startswith(f"{path}: {problem}")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param([], "usage:", id="no file"),
        pytest.param(["absent.toml"], "absent.toml", id="a file that isn't there"),
        pytest.param(["wrong.toml"], "wrong.toml: socket: Field required", id="a wrong file"),
        pytest.param(["taken.toml"], "taken.tty: is not a link", id="somebody's file at a link"),
    ],
)
def test_a_building_that_cannot_be_put_up_exits_with_2(
    tmp_path: Path, arguments: list[str], problem: str
) -> None:
    (tmp_path / "wrong.toml").write_text("")
    (tmp_path / "taken.toml").write_text(LEAST + '[scanners.in]\nlink = "taken.tty"')
    (tmp_path / "taken.tty").write_text("precious")
    paths = [str(tmp_path / each) for each in arguments]

    ended = subprocess.run(
        [sys.executable, "-m", "hil.building", *paths],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert problem in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "taken.tty").read_text() == "precious"
