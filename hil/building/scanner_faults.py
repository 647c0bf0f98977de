"""What goes wrong at a serial scanner's line, whatever it speaks (spec/hardware.md 11)."""

from dataclasses import dataclass


@dataclass
class Faults:
    """What goes wrong from now on. All may be changed at any time; fresh ones are none."""

    echo: bool = False
    """The adapter sends back whatever the host sends, even if the scanner is mute."""
    mute: bool = False
    """The scanner hears nothing and answers nothing; it still reads codes."""
    lost: int = 0
    """So many answers, from now on, are lost on the way."""
    noise_before: bytes = b""
    noise_after: bytes = b""
    wrong_checksum: bool = False
    cut_bytes: int = 0
    """So many bytes are missing at the end of each answer."""
    duplicate: bool = False
    late_ms: int = 0


class Answers:
    """The way of answers to the host, with its faults. Those that are late keep their order."""

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
        if faults.late_ms:
            self._late.append((now_ms + faults.late_ms, answer))
            return []
        return [answer]
