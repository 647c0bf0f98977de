"""What goes wrong at a serial scanner's line, whatever it speaks (spec/hardware.md 11)."""

from dataclasses import dataclass

from hil.building.faults import LineFaults


@dataclass
class Faults(LineFaults):
    """What goes wrong at any line, and with commands and answers counted from now on."""

    garbled: int = 0
    """So many commands come in with a wrong last byte. One byte alone is none."""
    lost: int = 0
    """So many answers are lost on the way."""

    def on_the_way_in(self, command: bytes) -> bytes:
        """What the scanner hears of what the host sent."""
        if not self.garbled or len(command) < 2:
            return command
        self.garbled -= 1
        return command[:-1] + bytes((command[-1] ^ 0xFF,))


class Answers:
    """The way of answers to the host, with its faults. None overtakes another that is late."""

    def __init__(self) -> None:
        self._late: list[tuple[int, bytes]] = []

    def due_ms(self) -> int | None:
        """When the next late answer goes out, or None."""
        return min((at for at, _ in self._late), default=None)

    def take_due(self, now_ms: int) -> list[bytes]:
        """The late answers whose time has come, oldest first."""
        ready = [answer for at, answer in self._late if at <= now_ms]
        self._late = [(at, answer) for at, answer in self._late if at > now_ms]
        return ready

    def send(self, faults: Faults, answer: bytes, now_ms: int) -> list[bytes]:
        """What of an answer goes out now."""
        if faults.lost:
            faults.lost -= 1
            return []
        answer = faults.spoil(answer)
        before_ms = self._late[-1][0] if self._late else now_ms
        at_ms = max(now_ms + faults.late_ms, before_ms)
        if at_ms > now_ms:
            self._late.append((at_ms, answer))
            return []
        return [answer]
