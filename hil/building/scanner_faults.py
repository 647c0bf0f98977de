"""What goes wrong at a serial scanner's line, whatever it speaks (spec/hardware.md 11)."""

from dataclasses import dataclass


@dataclass
class Faults:
    """What goes wrong from now on. All may be changed at any time; fresh ones are none."""

    echo: bool = False
    """The adapter sends back whatever the host sends, even if the scanner is mute."""
    mute: bool = False
    """The scanner hears nothing and answers nothing; it still reads codes."""
    garbled: int = 0
    """So many commands, from now on, come in with a wrong last byte. One byte alone is none."""
    lost: int = 0
    """So many answers, from now on, are lost on the way."""
    noise_before: bytes = b""
    noise_after: bytes = b""
    wrong_checksum: bool = False
    cut_bytes: int = 0
    """So many bytes are missing at the end of each answer."""
    duplicate: bool = False
    late_ms: int = 0

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
        """What of an answer goes out now; its last byte is its checksum's, if it has one."""
        if faults.lost:
            faults.lost -= 1
            return []
        if faults.wrong_checksum:
            answer = answer[:-1] + bytes((answer[-1] ^ 0xFF,))
        answer = answer[: len(answer) - faults.cut_bytes]
        if faults.duplicate:
            answer += answer
        answer = faults.noise_before + answer + faults.noise_after
        before_ms = self._late[-1][0] if self._late else now_ms
        at_ms = max(now_ms + faults.late_ms, before_ms)
        if at_ms > now_ms:
            self._late.append((at_ms, answer))
            return []
        return [answer]
