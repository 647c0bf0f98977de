"""A settings file that is right, and what loading another one gives."""

from pathlib import Path

from edged.settings.file import load, require
from edged.settings.model import Settings

GOOD = """
device = "S1-FRONT"
allow_simulated = true
[doors.front]
type = "strike"
lock = { kind = "sim", socket = "/run/b.sock", door = "front" }
contact = { kind = "sim", socket = "/run/b.sock", door = "front", line = "contact" }
exit_button = { kind = "sim", socket = "/run/b.sock", door = "front", line = "button" }
[doors.front.readers.front-in]
kind = "sim"
socket = "/run/b.sock"
reader = "front-in"
indicator = { kind = "sim", socket = "/run/b.sock", indicator = "front-in" }
[doors.back]
type = "magnet"
egress = "mechanical"
lock = { kind = "waveshare_relay", port = "/dev/relay", channel = 1 }
[doors.back.readers.back-in]
kind = "serial_line"
port = "/dev/scanner"
"""


def faults(file: Path, text: str) -> dict[str, str]:
    """Load a text that has to be wrong, and give its faults by key."""
    file.write_text(text)
    found = load(file)
    assert isinstance(found, list)
    assert {fault.file for fault in found} == {file}
    keys = [fault.key for fault in found]
    assert len(set(keys)) == len(keys)
    return {fault.key: fault.message for fault in found}


def good(file: Path, text: str = GOOD) -> Settings:
    file.write_text(text)
    return require(file)
