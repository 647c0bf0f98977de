"""What a settings file says of lockers and their boards."""

from pathlib import Path

import pytest

from tests.edged.settings_files import GOOD, faults, good


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edged.toml"


LOCKERS = """
[lockers.hall]
store = "S1"
numbers = { L1 = 1, L2 = 2 }
board = { kind = "sim", socket = "/run/b.sock", bank = "hall" }
[lockers.hall.readers.hall-in]
kind = "sim"
socket = "/run/b.sock"
reader = "hall-in"
"""


WALL = """
[lockers.wall]
store = "S1"
numbers = {{ {locker} = 1 }}
board = {{ kind = "sim", socket = "/run/b.sock", bank = "{bank}" }}
[lockers.hall.readers"""


def test_a_bank_of_lockers_is_wired(file: Path) -> None:
    hall = good(file, GOOD + LOCKERS).lockers["hall"]
    assert hall.board.arguments() == {"socket": Path("/run/b.sock"), "bank": "hall"}
    assert (hall.numbers, list(hall.readers)) == ({"L1": 1, "L2": 2}, ["hall-in"])


@pytest.mark.threat("J4")
@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("L2 = 2", "L2 = 0", "lockers.hall.numbers.L2", "greater than or equal to 1"),
        ("L2 = 2", "L2 = 161", "lockers.hall.numbers.L2", "less than or equal to 160"),
        ("L2 = 2", "L2 = 1", "lockers.hall.numbers.L2", "is that of locker L1 already"),
        ("L1 = 1, L2 = 2", "", "lockers.hall.numbers", "at least 1 item"),
        ('store = "S1"', "", "lockers.hall.store", "is missing"),
        ("readers.hall-in]", "readers.front-in]", "lockers.hall.readers.front-in", "door front"),
        (
            "[lockers.hall.readers",
            WALL.format(locker="L1", bank="wall"),
            "lockers.wall.numbers.L1",
            "locker L1 is that of bank hall already",
        ),
        (
            "[lockers.hall.readers",
            WALL.format(locker="L3", bank="hall"),
            "lockers.wall.board",
            "with lockers.hall.board",
        ),
    ],
)
def test_what_is_wrong_with_a_bank_is_named(
    file: Path, old: str, new: str, key: str, said: str
) -> None:
    found = faults(file, GOOD + LOCKERS.replace(old, new))
    assert list(found) == [key]
    assert said in found[key]


def test_a_simulated_bank_guards_nothing(file: Path) -> None:
    found = faults(file, (GOOD + LOCKERS).replace("allow_simulated = true", ""))
    assert "lockers.hall.board.kind" in found
    assert "lockers.hall.readers.hall-in.kind" in found


BUS = """
[lockers.hall]
store = "S1"
numbers = { L1 = 1, L17 = 17, L20 = 20, L21 = 21 }
board = { kind = "kerong", port = "tcp://10.0.0.9:5000", baud = 9600, hook_closed_bit = 1 }
more_boards = [
  { kind = "winnsen", port = "tcp://10.0.0.9:5000", locks = 4 },
  { kind = "board_8a", port = "/dev/ttyUSB9", address = 2, hook_closed_bit = 0 },
  { kind = "wkly", port = "/dev/ttyUSB9", address = 2 },
  { kind = "kerong_6x", port = "/dev/ttyUSB8", hook_closed_bit = 0 },
]
[lockers.wall]
store = "S1"
numbers = { W1 = 1 }
board = { kind = "waveshare_lockers", port = "/dev/ttyUSB9", address = 2, pulse_ms = 300 }
"""


def test_the_boards_of_a_bank_count_on(file: Path) -> None:
    found = good(file, GOOD + BUS).lockers
    assert {first: board.kind for first, board in found["hall"].boards.items()} == {
        1: "kerong",
        17: "winnsen",
        21: "board_8a",
        45: "wkly",
        69: "kerong_6x",
    }
    assert found["hall"].board.arguments() == {
        "port": "tcp://10.0.0.9:5000",
        "baud": 9600,
        "address": 0,
        "locks": 16,
        "hook_closed_bit": 1,
    }
    assert found["hall"].stagger_ms == 500


PORT = "has to be tcp://host:port, or the path of a serial port"


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("L21 = 21", "L21 = 117", "lockers.hall", "numbers: L21 has channel 117 of 116"),
        (", hook_closed_bit = 1", "", "lockers.hall.board.hook_closed_bit", "is missing"),
        ("bit = 0", "bit = 2", "lockers.hall.more_boards.1.hook_closed_bit", "less than or equal"),
        ("2 },\n", "32 },\n", "lockers.hall.more_boards.2.address", "less than or equal"),
        ('"wkly"', '"kerong_6x"', "lockers.hall.more_boards.2.hook_closed_bit", "is missing"),
        ("USB8", "USB9", "lockers.hall.more_boards.3", "with boards at 9600 baud"),
        ("locks = 4", "locks = 17", "lockers.hall.more_boards.0.locks", "less than or equal"),
        ("baud = 9600", "baud = 9601", "lockers.hall.board.baud", "must be one of 9600"),
        ("pulse_ms = 300", "pulse_ms = 99", "lockers.wall.board.pulse_ms", "greater than"),
        ("baud = 9600, ", "", "lockers.hall.more_boards.0", "with boards at 19200 baud"),
        (
            'winnsen", port = "tcp://10.0.0.9:5000", locks = 4',
            'kerong", port = "tcp://10.0.0.9:5000", baud = 9600, hook_closed_bit = 1',
            "lockers.hall.more_boards.0",
            "with lockers.hall.board",
        ),
        ('"tcp://10.0.0.9:5000", baud', '"tcp://10.0.0.9", baud', "lockers.hall.board.port", PORT),
        ('"tcp://10.0.0.9:5000", baud', '"tcp://a:b", baud', "lockers.hall.board.port", PORT),
        ('"tcp://10.0.0.9:5000", baud', '"tcp://:5000", baud', "lockers.hall.board.port", PORT),
        ('"tcp://10.0.0.9:5000", baud', '"tcp://a:1/x", baud', "lockers.hall.board.port", PORT),
        ('"tcp://10.0.0.9:5000", baud', '"ttyUSB9", baud', "lockers.hall.board.port", "absolute"),
    ],
)
def test_what_is_wrong_with_a_board_is_named(
    file: Path, old: str, new: str, key: str, said: str
) -> None:
    found = faults(file, GOOD + BUS.replace(old, new, 1))
    assert key in found, found
    assert said in found[key]


@pytest.mark.threat("J4")
def test_a_relay_is_a_doors_or_a_lockers(file: Path) -> None:
    bank = BUS.replace("/dev/ttyUSB9", "/dev/relay")
    good(file, GOOD + bank)
    found = faults(file, GOOD + bank.replace("address = 2, pulse", "pulse"))
    assert "with doors.back.lock" in found["lockers.wall.board"]
