"""A Honeywell scanner with serial commands, as its documents describe it.

Bytes, codes and the time go in, bytes come out; it owns no port and no clock.

Source: spec/hardware.md 7.1, 11; the vendor's guides for prefix, query and storage characters.
Nothing here comes from the driver.
"""

from collections import deque

from hil.building.scanner_faults import Answers, Faults

COMMAND_GAP_MS = 1_000  # silence after which half a command is forgotten
ACK, ENQ, NAK = b"\x06", b"\x05", b"\x15"
ALL_CODES = "99"  # in a suffix: of every symbology
FACTORY = {"CBRENA": "1", "TRGMOD": "0", "SUFBK2": ""}
ALLOWED = {"CBRENA": ("0", "1"), "TRGMOD": ("0", "3")}


class Honeywell:
    """One scanner. `settings` are what it works by; `saved` what it comes back with.

    Whoever owns it calls `feed` with what the host sent, `scan` with what is held before it
    (and stays there until it is read), and `tick` no later than `due_ms`; all return what goes
    to the host, oldest first.
    """

    def __init__(self) -> None:
        self.settings = dict(FACTORY)
        self.saved = dict(FACTORY)
        self.saves = 0
        self.triggered = False
        self.faults = Faults()
        self._answers = Answers()
        self._shown: deque[bytes] = deque()
        self._heard = b""
        self._heard_ms = 0

    def due_ms(self) -> int | None:
        """When `tick` has something to do, or None."""
        return self._answers.due_ms()

    def tick(self, now_ms: int) -> list[bytes]:
        """Let the time come to `now_ms`."""
        return self._answers.take_due(now_ms)

    def lose_power(self) -> None:
        """Its power goes and comes back."""
        self.settings = dict(self.saved)
        self.triggered = False
        self._heard = b""
        self._shown.clear()

    def show_setting(self, name: str, value: str) -> bool:
        """Hold a setting code before it: it is obeyed, and kept over loss of power."""
        self.settings[name] = self.saved[name] = value
        return True

    def scan(self, text: bytes, _: int) -> list[bytes]:
        """Hold a code before it."""
        self._shown.append(text)
        return self._look()

    def feed(self, data: bytes, now_ms: int) -> list[bytes]:
        """Take what the host sent and return what comes back at once."""
        back = self.tick(now_ms)
        if self.faults.echo:
            back.append(data)
        if self.faults.mute:
            return back
        if now_ms - self._heard_ms > COMMAND_GAP_MS:
            self._heard = b""
        self._heard_ms = now_ms
        self._heard += self.faults.on_the_way_in(data)
        while (command := self._next_command()) is not None:
            if command in (b"\x16T\r", b"\x16U\r"):
                self.triggered = command[1:2] == b"T"
                back += self._look()
            else:
                back += self._answers.send(
                    self.faults, self._menu(command[3:].decode("latin-1")), now_ms
                )
        return back

    def _look(self) -> list[bytes]:
        """Read what is held before it, as far as its trigger allows."""
        read = []
        while self._shown and (self.triggered or self.settings["TRGMOD"] != "0"):
            self.triggered = False
            read.append(self._shown.popleft() + self._suffix())
        return read

    def _suffix(self) -> bytes:
        block = self.settings["SUFBK2"]
        return bytes.fromhex(block.removeprefix(ALL_CODES)) if block else b""

    def _next_command(self) -> bytes | None:
        """Take the next whole command off the front, past what is none."""
        while (start := self._heard.find(b"\x16")) >= 0:
            self._heard = self._heard[start:]
            if len(self._heard) < 3:
                return None
            kind = self._heard[1:3]
            ends = [at for at in map(self._heard.find, (b".", b"!")) if at >= 0]
            if kind in (b"T\r", b"U\r"):
                end = 3
            elif kind != b"M\r":
                self._heard = self._heard[1:]
                continue
            elif ends:
                end = min(ends) + 1
            else:
                return None
            command, self._heard = self._heard[:end], self._heard[end:]
            return command
        self._heard = b""
        return None

    def _menu(self, command: str) -> bytes:
        """Obey one menu command, such as `trgmod?.`; its answer is itself, with a status."""
        storage = command[-1].encode()
        name, value = command[:6].upper(), command[6:-1].upper()
        if name not in self.settings:
            return (name + value).encode("latin-1") + ENQ + storage
        if value == "?":
            return (name + self.settings[name]).encode() + ACK + storage
        if value not in ALLOWED.get(name, (value,)):
            return (name + value).encode("latin-1") + NAK + storage
        self.settings[name] = value
        if storage == b".":
            self.saved[name] = value
            self.saves += 1
        return (name + value).encode() + ACK + storage
