"""The header in the settings: its lines, its simulated pins, and magnets' ways out."""

from pathlib import Path

import pytest

from tests.edged.settings_files import GOOD, faults, good


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return tmp_path / "edged.toml"


@pytest.mark.parametrize(
    ("table", "key", "message"),
    [
        ('fire = { kind = "gpio" }', "fire.line", "is missing"),
        ('fire = { kind = "gpio", line = 28 }', "fire.line", "27"),
        ('fire = { kind = "gpio", line = 5, debounce_ms = 0 }', "fire.debounce_ms", "1"),
        ('fire = { kind = "gpio", line = 5, pull = "left" }', "fire.pull", "'up'"),
        ('fire = { kind = "gpio", line = 5, normally = "ajar" }', "fire.normally", "'open'"),
        ('fire = { kind = "relay", line = 5 }', "fire", "'gpio', 'sim'"),
        ('gpio = { kind = "sim" }', "gpio.file", "is missing"),
        ('gpio = { kind = "sim", file = "pins" }', "gpio.file", "absolute path"),
        ('gpio = { kind = "header", chip = 4 }', "gpio.chip", "is not a setting"),
    ],
)
def test_a_fault_at_the_header_names_its_key(
    file: Path, table: str, key: str, message: str
) -> None:
    found = faults(file, f"{table}\n{GOOD}")
    assert message in found[key]


def test_simulated_pins_need_a_plain_yes_too(file: Path) -> None:
    text = f'gpio = {{ kind = "sim", file = "/run/pins" }}\n{GOOD}'
    assert not good(file, text).drives_locks
    found = faults(file, text.replace("allow_simulated = true", ""))
    assert "allow_simulated = true" in found["gpio.kind"]


def test_a_line_of_the_header_is_used_once(file: Path) -> None:
    tamper = 'type = "strike"\ntamper = { kind = "gpio", line = 5 }'
    text = 'fire = { kind = "gpio", line = 5 }\n' + GOOD.replace('type = "strike"', tamper)
    found = faults(file, text)
    assert found == {"doors.front.tamper": "shares GPIO line 5 with fire.line"}


def test_the_lines_of_one_device_are_not_the_same(file: Path) -> None:
    key = "doors.front.readers.front-in.indicator"
    sim = '{ kind = "sim", socket = "/run/b.sock", indicator = "front-in" }'
    found = faults(file, GOOD.replace(sim, '{ kind = "gpio", red = 6, green = 6 }'))
    assert found == {key: f"shares GPIO line 6 with {key}.red"}


@pytest.mark.parametrize(
    "lock",
    [
        'kind = "gpio", line = 17',
        'kind = "waveshare_relay", port = "/dev/relay", channel = 1',
        'kind = "sim", socket = "/run/b.sock", door = "back"',
    ],
)
def test_a_magnet_needs_a_way_out_whatever_drives_it(file: Path, lock: str) -> None:
    text = GOOD.replace('kind = "waveshare_relay", port = "/dev/relay", channel = 1', lock)
    assert good(file, text).doors["back"].egress == "mechanical"
    found = faults(file, text.replace('egress = "mechanical"', ""))
    assert "a magnet needs a way out" in found["doors.back.egress"]
    found = faults(file, text.replace('egress = "mechanical"', 'egress = ""'))
    assert "'mechanical'" in found["doors.back.egress"]
