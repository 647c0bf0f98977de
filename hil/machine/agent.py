"""In the machine: the header's world, and hands at the keyboard. One file, the system's Python.

It speaks JSON, an object a line, at a virtual serial port (README.md). It belongs to the bench:
nothing of edged is in it, and edged knows nothing of it.
"""

import base64
import ctypes
import json
import os
import select
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

PORT: Final = Path("/dev/virtio-ports/edged.bench")
LINES: Final = Path("/etc/bench/lines.json")
CONTROL: Final = "/run/edged/control.sock"
CONFIG: Final = Path("/sys/kernel/config/gpio-sim/pi")
TRACE: Final = Path("/sys/kernel/tracing")
DOUBT: Final = Path("/etc/bench/doubt")
"""There while nobody confirms the time, over a power cut too."""
TIMEX: Final = struct.Struct("=I4xqqqqi164x")
"""adjtimex(2): modes, offset, freq, maxerror, esterror, status, and the rest."""
STATUS_AND_ERRORS, UNSYNCED, ERROR_US = 0x1C, 0x40, 100_000
COUNT: Final = 54
LOOK_S: Final = 0.1
"""Between two looks at all lines: a line that was let go tells the kernel's tracepoint nothing."""

Message = dict[str, Any]


def make_chip() -> None:
    """Put up one simulated chip with a Raspberry Pi 4's label, its lines at rest."""
    if CONFIG.exists():
        return
    bank = CONFIG / "bank0"
    bank.mkdir(parents=True)
    (bank / "num_lines").write_text(str(COUNT))
    (bank / "label").write_text("pinctrl-bcm2711")
    (CONFIG / "live").write_text("1")
    header = Header()
    for line, level in json.loads(LINES.read_text()).items():
        header.pull(int(line), level=level)
    (TRACE / "buffer_percent").write_text("0")  # whoever waits is woken by the first row
    (TRACE / "events/gpio/gpio_value/filter").write_text("get == 0")
    (TRACE / "events/gpio/gpio_value/enable").write_text("1")


def tell_time(*, confirmed: bool) -> None:
    """Have the kernel take its clock for synchronised, or not, as an NTP daemon would."""
    status = 0 if confirmed else UNSYNCED
    told = TIMEX.pack(STATUS_AND_ERRORS, 0, 0, ERROR_US, ERROR_US, status)
    if ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(told)) < 0:
        raise OSError("adjtimex")


class Header:
    """The chip as the world outside it has it. `make_chip` has been run."""

    def __init__(self) -> None:
        device = (CONFIG / "dev_name").read_text().strip()
        chip = (CONFIG / "bank0/chip_name").read_text().strip()
        self._lines = Path("/sys/devices/platform", device, chip)
        labels = Path("/sys/class/gpio").glob("gpiochip*/label")
        (label,) = [one for one in labels if one.read_text().strip() == "pinctrl-bcm2711"]
        self.first = int(label.with_name("base").read_text())

    def pull(self, line: int, *, level: bool) -> None:
        """Be the world at a line: what it is at while nobody drives it."""
        (self._lines / f"sim_gpio{line}/pull").write_text("pull-up" if level else "pull-down")

    def level(self, line: int) -> bool:
        """Look at a line."""
        return (self._lines / f"sim_gpio{line}/value").read_text() == "1\n"


class Agent:
    """What answers at the port. Everything that it sends is one line."""

    def __init__(self) -> None:
        self._port = os.open(PORT, os.O_RDWR)
        self._sending = threading.Lock()
        self._header = Header()
        self._watched: set[int] = set()
        self._seen: dict[int, bool] = {}
        self._driven: dict[int, list[bool]] = {}
        self._callers: dict[int, socket.socket] = {}

    def send(self, message: Message) -> None:
        """Send one object."""
        data = json.dumps(message).encode() + b"\n"
        with self._sending:
            while data:
                data = data[os.write(self._port, data) :]

    def run(self) -> None:
        """Say hello, and do what is asked until the machine ends."""
        threading.Thread(target=self._tell_lines, daemon=True).start()
        self._greet()
        with os.fdopen(os.dup(self._port), "rb") as port:
            for line in port:
                self._take(json.loads(line))

    def _greet(self) -> None:
        self.send({"hello": Path("/proc/sys/kernel/random/boot_id").read_text().strip()})

    def _take(self, asked: Message) -> None:
        match asked:
            case {"hello": _}:
                self._greet()  # it called so soon that nobody saw who was there before hang up
            case {"pull": int(line), "level": bool(level)}:
                self._header.pull(line, level=level)
            case {"watch": list(lines)}:
                self._watched = set(lines)
                self._seen.clear()
            case {"call": int(caller), "text": str(text)}:
                self._call(caller, text)
            case _:
                threading.Thread(target=self._answer, args=(asked,), daemon=True).start()

    # --- lines

    def _tell_lines(self) -> None:
        """Tell every level that the kernel was told to drive, however short, and look at all lines.

        One thread does both, and looks when it has read all of the trace: what it saw before is
        never told after what came of it, as if the line had moved back.
        """
        pipe = os.open(TRACE / "trace_pipe", os.O_RDONLY | os.O_NONBLOCK)
        waiting, begun = select.poll(), b""
        waiting.register(pipe, select.POLLIN)
        while True:
            waiting.poll(LOOK_S * 1_000)
            try:
                while data := os.read(pipe, 65_536):
                    *rows, begun = (begun + data).split(b"\n")
                    for row in rows:
                        self._take_row(row.decode())
            except BlockingIOError:
                pass
            for line in sorted(self._watched):
                self._tell(line, self._header.level(line))

    def _take_row(self, row: str) -> None:
        words = row.partition("gpio_value: ")[2].split()
        if len(words) == 3:
            line, level = int(words[0]) - self._header.first, words[2] == "1"
            self._driven.setdefault(line, []).append(level)
            self._tell(line, level)

    def _tell(self, line: int, level: bool) -> None:
        if line in self._watched and self._seen.get(line) != level:
            self._seen[line] = level
            self.send({"line": line, "level": level})

    # --- the daemon's socket

    def _call(self, caller: int, text: str) -> None:
        """Pass on what a client of the control socket says; nothing: it hung up."""
        called = self._callers.get(caller)
        if called is None:
            called = socket.socket(socket.AF_UNIX)
            try:
                called.connect(CONTROL)
            except OSError:
                self.send({"call": caller, "text": ""})
                return
            self._callers[caller] = called
            threading.Thread(target=self._hear, args=(caller, called), daemon=True).start()
        try:
            if text:
                called.sendall(text.encode())
            else:
                called.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the daemon has hung up, or was killed: who hears it says so

    def _hear(self, caller: int, called: socket.socket) -> None:
        with called, called.makefile() as lines:
            try:
                for line in lines:
                    self.send({"call": caller, "text": line})
            except OSError:
                pass
        del self._callers[caller]
        self.send({"call": caller, "text": ""})

    # --- the keyboard

    def _answer(self, asked: Message) -> None:
        try:
            said = self._do(asked)
        except (OSError, sqlite3.Error) as error:
            said = {"error": str(error)}
        self.send({"id": asked["id"], **said})

    def _do(self, asked: Message) -> Message:
        match asked:
            case {"run": list(command)}:
                done = subprocess.run(
                    command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
                )
                return {"code": done.returncode, "said": done.stdout.decode(errors="replace")}
            case {"put": str(path), "text": str(text), "mode": int(mode)}:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                with Path(path).open("w") as file:
                    file.write(text)
                    os.fchmod(file.fileno(), mode)
                    os.fsync(file.fileno())
                return {}
            case {"driven": int(line)}:
                return {"levels": self._driven.get(line, [])}
            case {"database": str(path)}:
                with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                    return {"data": base64.b64encode(database.serialize()).decode()}
            case _:
                return {"error": "what?"}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["chip"]:
            make_chip()
            tell_time(confirmed=not DOUBT.exists())
        case ["time", word]:
            tell_time(confirmed=word == "confirmed")
        case _:
            Agent().run()
