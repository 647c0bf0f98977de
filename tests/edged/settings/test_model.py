import os
import re
import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from edged import limits
from edged.settings.devices import LineScanner, RelayLock, SimReader
from edged.settings.file import SettingsFault, SettingsRefused, load, require
from edged.settings.model import Settings
from tests.edged.settings_files import GOOD, faults, good

EXAMPLE = Path(__file__).parents[3] / "config" / "edged.example.toml"


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edged.toml"


def test_the_example_is_right() -> None:
    loaded = require(EXAMPLE)
    assert loaded.device == "S1-FRONT"
    assert isinstance(loaded.doors["front"].lock, RelayLock)
    assert isinstance(loaded.doors["front"].readers["front-in"], LineScanner)


def test_the_example_shows_every_setting() -> None:
    shown = set(re.findall(r"^(?:# )?(\w+) = ", EXAMPLE.read_text(), re.MULTILINE))
    inside = {
        "clock",
        "cloud",
        "console",
        "counters",
        "doors",
        "lockers",
        "store_pepper",
    }  # tables, and a secret
    assert Settings.model_fields.keys() - inside <= shown


def test_what_is_not_said_has_a_default(file: Path) -> None:
    loaded = good(file)
    assert loaded.state_dir == Path("/var/lib/edged")
    assert loaded.control_socket == Path("/run/edged/control.sock")
    assert loaded.clock.trust == "kernel"
    assert loaded.language == ("ja", "en")
    assert loaded.store_pepper is None
    assert loaded.doors["back"].max_pulse_ms == 20_000


def test_a_device_gives_its_drivers_arguments(file: Path) -> None:
    front, back = good(file).doors["front"], good(file).doors["back"]
    socket = Path("/run/b.sock")
    assert front.lock.arguments() == {"socket": socket, "door": "front"}
    assert front.contact is not None
    assert front.contact.arguments() == {"socket": socket, "door": "front", "line": "contact"}
    reader = front.readers["front-in"]
    assert isinstance(reader, SimReader)
    assert reader.arguments() == {"socket": socket, "reader": "front-in"}
    assert reader.indicator is not None
    assert reader.indicator.arguments() == {"socket": socket, "indicator": "front-in"}
    assert back.lock.arguments() == {
        "port": "/dev/relay",
        "baud": 9600,
        "address": 1,
        "channel": 1,
    }
    assert back.readers["back-in"].arguments() == {
        "port": "/dev/scanner",
        "baud": 9600,
        "terminator": "\r",
    }


def test_settings_do_not_change(file: Path) -> None:
    for name in Settings.model_fields:
        with pytest.raises(ValueError, match="frozen"):
            setattr(good(file), name, None)


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ('device = "S1-FRONT"', "", "device", "is missing"),
        ('device = "S1-FRONT"', "device = 7", "device", "should be a valid string"),
        ('device = "S1-FRONT"', 'device = "S1 FRONT"', "device", "pattern"),
        ('device = "S1-FRONT"', 'device = "S1\\u001b"', "device", "pattern"),
        ('device = "S1-FRONT"', 'device = "S1"\ncolour = "red"', "colour", "is not a setting"),
        ('device = "S1-FRONT"', 'device = "S1"\n_secrets_dir = "/x"', "_secrets_dir", "not a"),
        ('device = "S1-FRONT"', 'device = "S1"\nstate_dir = "x"', "state_dir", "absolute path"),
        ('device = "S1-FRONT"', 'device = "S1"\nlanguage = ["xx"]', "language.0", "'ja'"),
        ('device = "S1-FRONT"', 'device = "S1"\nlanguage = []', "language", "at least one"),
        ('device = "S1-FRONT"', 'device = "S1"\nlanguage = ["ja","ja"]', "language", "twice"),
        ('device = "S1-FRONT"', 'device = "S1"\nclock.trust = "me"', "clock.trust", "'kernel'"),
        ('type = "strike"', 'type = "latch"', "doors.front.type", "'strike'"),
        (
            'type = "strike"',
            'type = "strike"\nmax_pulse_ms = 99',
            "doors.front.max_pulse_ms",
            "500",
        ),
        (
            'type = "strike"',
            'type = "strike"\nmax_pulse_ms = 60001',
            "doors.front.max_pulse_ms",
            "60000",
        ),
        (
            'type = "strike"',
            'type = "strike"\nmax_pulse_ms = 5e3',
            "doors.front.max_pulse_ms",
            "int",
        ),
        (
            'type = "strike"',
            'type = "strike"\nmax_pulse_ms = true',
            "doors.front.max_pulse_ms",
            "int",
        ),
        ('egress = "mechanical"', "", "doors.back.egress", "a magnet needs a way out"),
        ('egress = "mechanical"', 'egress = "software"', "doors.back.egress", "'mechanical'"),
        ('kind = "waveshare_relay", ', "", "doors.back.lock", "needs a kind"),
        ('"waveshare_relay"', '"magic"', "doors.back.lock", "'waveshare_relay'"),
        ("channel = 1", "channel = 0", "doors.back.lock.channel", "greater than"),
        ("channel = 1", "channel = 1, address = 248", "doors.back.lock.address", "247"),
        ("channel = 1", "channel = 1, speed = 1", "doors.back.lock.speed", "is not a setting"),
        ("channel = 1", "channel = 1, optional = 1", "doors.back.lock.optional", "boolean"),
        ('port = "/dev/relay", ', "", "doors.back.lock.port", "is missing"),
        ('"/dev/relay"', '"ttyUSB0"', "doors.back.lock.port", "absolute path"),
        ('line = "contact"', 'line = "fire"', "doors.front.contact.line", "'contact'"),
        (
            'kind = "serial_line"',
            'kind = "serial_line"\nterminator = ""',
            "doors.back.readers.back-in.terminator",
            "at least 1",
        ),
        (
            'kind = "serial_line"',
            'kind = "gm65"\nmode = "manual"',
            "doors.back.readers.back-in.mode",
            "'continuous'",
        ),
        (
            'kind = "serial_line"',
            'kind = "ssi"\nmode = "sense"',
            "doors.back.readers.back-in.mode",
            "is not a setting",
        ),
        (
            'reader = "front-in"',
            'reader = ""',
            "doors.front.readers.front-in.reader",
            "pattern",
        ),
        (
            'indicator = "front-in"',
            "indicator = 1",
            "doors.front.readers.front-in.indicator.indicator",
            "string",
        ),
        (
            'kind = "serial_line"\nport = "/dev/scanner"',
            f'kind = "camera"\nsocket = "/{"s" * 107}"',
            "doors.back.readers.back-in.socket",
            "at most 107 bytes",
        ),
        (
            'kind = "serial_line"\nport = "/dev/scanner"',
            'kind = "keyboard_wedge"\npath = "/dev/input/x"\nusb_id = "0C2E:0200"',
            "doors.back.readers.back-in.usb_id",
            "pattern",
        ),
        (
            'kind = "serial_line"\nport = "/dev/scanner"',
            'kind = "keyboard_wedge"\npath = "event3"',
            "doors.back.readers.back-in.path",
            "absolute path",
        ),
        (
            "[doors.back.readers.back-in]",
            "[doors.back.readers.'a b']",
            'doors.back.readers."a b"',
            "pattern",
        ),
    ],
)
def test_a_fault_names_its_key(file: Path, old: str, new: str, key: str, message: str) -> None:
    assert old in GOOD
    found = faults(file, GOOD.replace(old, new, 1))
    assert found.keys() == {key}
    assert message in found[key]


def test_every_fault_is_named_at_once(file: Path) -> None:
    text = GOOD.replace('device = "S1-FRONT"', "device = 1").replace('egress = "mechanical"', "")
    text = text.replace("channel = 1", "channel = 99").replace("allow_simulated = true", "x = 1")
    assert faults(file, text).keys() == {
        "device",
        "x",
        "doors.back.egress",
        "doors.back.lock.channel",
        "doors.front.lock.kind",
        "doors.front.contact.kind",
        "doors.front.exit_button.kind",
        "doors.front.readers.front-in.kind",
        "doors.front.readers.front-in.indicator.kind",
    }


@pytest.mark.parametrize(
    ("reader", "arguments"),
    [
        ('kind = "gm65"\nmode = "sense"', {"baud": 9600, "mode": "sense"}),
        ('kind = "gm65"\nbaud = 115200', {"baud": 115200, "mode": "continuous"}),
        ('kind = "honeywell"', {"baud": 9600}),
        ('kind = "ssi"\nbaud = 115200', {"baud": 115200}),
    ],
)
def test_a_scanner_that_can_be_talked_to(
    file: Path, reader: str, arguments: dict[str, object]
) -> None:
    text = GOOD.replace('kind = "serial_line"', reader)
    settings = good(file, text).doors["back"].readers["back-in"]
    assert settings.arguments() == {"port": "/dev/scanner", **arguments}
    shared = text.replace("/dev/scanner", "/dev/relay")
    assert "shares port /dev/relay" in str(faults(file, shared))


@pytest.mark.parametrize("value", ["false", "1", '"true"'])
def test_a_simulated_device_needs_a_plain_yes(file: Path, value: str) -> None:
    found = faults(file, GOOD.replace("allow_simulated = true", f"allow_simulated = {value}"))
    assert "allow_simulated = true" in found["doors.front.lock.kind"]


def test_a_reader_is_at_one_door(file: Path) -> None:
    text = GOOD.replace("[doors.back.readers.back-in]", "[doors.back.readers.front-in]")
    assert "already" in faults(file, text)["doors.back.readers.front-in"]


@pytest.mark.parametrize(
    ("lock", "shared"),
    [
        ('{ kind = "waveshare_relay", port = "/dev/relay", channel = 1 }', True),
        ('{ kind = "waveshare_relay", port = "/dev/relay", address = 1, channel = 1 }', True),
        ('{ kind = "waveshare_relay", port = "/dev/relay", channel = 2, baud = 1200 }', True),
        ('{ kind = "waveshare_relay", port = "/dev/scanner", channel = 2 }', True),
        ('{ kind = "waveshare_relay", port = "/dev/relay", channel = 2 }', False),
        ('{ kind = "waveshare_relay", port = "/dev/relay", address = 2, channel = 1 }', False),
        ('{ kind = "waveshare_relay", port = "/dev/relay2", channel = 1 }', False),
        ('{ kind = "sim", socket = "/run/b.sock", door = "front" }', True),
        ('{ kind = "sim", socket = "/run/b.sock", door = "side" }', False),
    ],
)
def test_two_devices_are_never_in_one_place(file: Path, lock: str, shared: bool) -> None:
    text = f'{GOOD}\n[doors.side]\ntype = "strike"\nlock = {lock}\n[doors.side.readers.side-in]\n'
    file.write_text(f'{text}kind = "camera"\nsocket = "/run/eye.sock"\n')
    found = load(file)
    if shared:
        assert isinstance(found, list)
        assert [fault for fault in found if "shares" in fault.message] == found
        assert {fault.key for fault in found} <= {"doors.side.lock", "doors.back.readers.back-in"}
    else:
        assert isinstance(found, Settings)


def test_two_readers_are_never_at_one_keyboard(file: Path) -> None:
    wedge = '{ kind = "keyboard_wedge", path = "/dev/input/by-id/x" }'
    both = GOOD.replace("[doors.back.readers.back-in]", f"readers.a = {wedge}\nreaders.b = {wedge}")
    both = both.replace('kind = "serial_line"\nport = "/dev/scanner"\n', "")
    assert faults(file, both) == {
        "doors.back.readers.b": "shares path /dev/input/by-id/x with doors.back.readers.a"
    }
    assert isinstance(good(file, both.replace("by-id/x", "by-id/y", 1)), Settings)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"device = \n", "line 1"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"\xff", "not UTF-8"),
        (b"#" * (limits.SETTINGS_BYTES + 1), "more than 65536 bytes"),
        (b"a = " + b"[" * 50_000, "is not TOML"),
        (b"a = " + b"9" * 20_000, "is not TOML"),
    ],
)
def test_a_file_that_is_not_toml_is_one_fault(file: Path, data: bytes, message: str) -> None:
    file.write_bytes(data)
    found = load(file)
    assert isinstance(found, list)
    (fault,) = found
    assert fault.key == ""
    assert message in str(fault)
    assert str(fault).startswith(f"{file}: ")
    assert "\n" not in str(fault)


def test_a_missing_file_is_a_fault(file: Path) -> None:
    with pytest.raises(SettingsRefused, match="No such file"):
        require(file)


def _paths(table: object, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(table, dict):
        return [at]
    return [at, *(path for key in table for path in _paths(table[key], (*at, key)))]


@given(
    st.sampled_from([path for path in _paths(tomllib.loads(GOOD)) if path]),
    st.one_of(
        st.booleans(),
        st.integers(-(2**62), 2**62),
        st.floats(),
        st.text(st.characters(codec="utf-8"), max_size=9),
        st.just([]),
        st.just({}),
        st.just([{}]),
        st.just({"kind": {}}),
        st.just({"front-in": {"kind": "sim", "indicator": {"indicator": []}}}),
    ),
)
def test_whatever_stands_in_a_file_is_settings_or_faults(
    tmp_path_factory: pytest.TempPathFactory, path: tuple[str, ...], value: object
) -> None:
    document = tomllib.loads(GOOD)
    table = document
    for key in path[:-1]:
        table = table[key]
    table[path[-1]] = value
    file = tmp_path_factory.getbasetemp() / f"edged-{os.getpid()}.toml"
    file.write_text(tomli_w.dumps(document))
    found = load(file)
    assert isinstance(found, Settings) or all(isinstance(one, SettingsFault) for one in found)
    assert found
    if isinstance(found, Settings):
        assert all(door.type != "magnet" or door.egress for door in found.doors.values())
