"""What the computer under the daemon says about itself, where it is a Raspberry Pi.

A file that isn't there says nothing: it is another computer, or another kernel.

Source: spec/hardware.md 6.4 (released outputs); the kernel's raspberrypi-hwmon (`rpi_volt`) and
the firmware's get_throttled: bits 0 to 3 are now, 16 to 19 since the start (vcgencmd's page).
"""

from pathlib import Path
from typing import Final

from edged import limits
from edged.alarms.raised import Alarms
from edged.clock import Clock
from edged.core.alarm_words import AlarmName

_PI_5: Final = "brcm,bcm2712"
_STRICT: Final = "persist_gpio_outputs=n"
_UNDER_VOLTAGE_NOW: Final = 1
_THROTTLED: Final = {0: "under-voltage", 1: "a lower clock", 2: "throttled", 3: "too hot"}
_SINCE_START: Final = 16
"""The same bits again, so many places higher: it was so at some time since the start."""


class Board:
    """Looks after the computer, and raises alarms as the source `board`.

    `drives_locks`: a lock stands on a line of the header, so it matters what happens to a line
    whose process has died. `root`: where its files are.
    """

    def __init__(self, alarms: Alarms, *, drives_locks: bool, root: Path = Path("/")) -> None:
        self._alarms = alarms
        self._drives_locks = drives_locks
        self._root = root

    async def run(self, clock: Clock) -> None:
        """Look, for ever."""
        while True:
            self.look()
            await clock.sleep_ms(limits.HEALTH_MS)

    def look(self) -> None:
        """Raise and clear what the computer says now; what it doesn't say is no alarm."""
        weak = under_voltage(self._root)
        self._alarms.change("board", AlarmName.UNDER_VOLTAGE, raised=weak is True)
        persist = self._drives_locks and outputs_persist(self._root) is True
        self._alarms.change("board", AlarmName.OUTPUTS_PERSIST, raised=persist)


def under_voltage(root: Path = Path("/")) -> bool | None:
    """Whether the computer's power is too weak right now; None: it doesn't say."""
    for monitor in sorted(root.glob("sys/class/hwmon/hwmon*")):
        if _read(monitor / "name") == "rpi_volt":
            alarm = _read(monitor / "in0_lcrit_alarm")
            return None if alarm is None else alarm != "0"
    flags = _throttled(root)
    return None if flags is None else bool(flags & _UNDER_VOLTAGE_NOW)


def throttled(root: Path = Path("/")) -> tuple[frozenset[str], frozenset[str]] | None:
    """What holds the computer back now, and what did since its start; None: it doesn't say."""
    flags = _throttled(root)
    if flags is None:
        return None
    now = frozenset(word for bit, word in _THROTTLED.items() if flags >> bit & 1)
    since = (word for bit, word in _THROTTLED.items() if flags >> (bit + _SINCE_START) & 1)
    return now, frozenset(since)


def _throttled(root: Path) -> int | None:
    said = _read(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    try:
        return None if said is None else int(said, 16)
    except ValueError:
        return None


def outputs_persist(root: Path = Path("/")) -> bool | None:
    """Whether an output stays as it is when its process has died; None: it doesn't say.

    The running kernel's word counts, then what it was booted with, then what it will be.
    """
    tree = root / "sys/firmware/devicetree/base"
    module = "pinctrl_rp1" if _PI_5 in (_read(tree / "compatible") or "") else "pinctrl_bcm2835"
    said = _read(root / "sys/module" / module / "parameters/persist_gpio_outputs")
    if said is not None:
        return said == "Y"
    arguments = _read(tree / "chosen/bootargs")
    if arguments is not None and _STRICT in arguments:
        return False
    config = _read(root / "boot/firmware/config.txt")
    if config is None:
        return None
    asked = (line.split("#")[0].strip() for line in config.splitlines())
    return not any(
        line.startswith("dtparam=") and "strict_gpiod" in line.removeprefix("dtparam=").split(",")
        for line in asked
    )


def _read(file: Path) -> str | None:
    try:
        return file.read_text(errors="replace").strip("\n\0 ")
    except OSError:
        return None
