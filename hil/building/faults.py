"""What goes wrong between a device and its host, whatever it is (spec/hardware.md 11)."""

from dataclasses import dataclass


@dataclass
class LineFaults:
    """What goes wrong from now on. All may be changed at any time; fresh ones are none."""

    echo: bool = False
    """The adapter sends back whatever the host sends, even if the device is mute."""
    mute: bool = False
    """The device hears nothing and answers nothing; a scanner still reads codes."""
    noise_before: bytes = b""
    noise_after: bytes = b""
    wrong_checksum: bool = False
    cut_bytes: int = 0
    """So many bytes are missing at the end of each answer."""
    duplicate: bool = False
    late_ms: int = 0

    def spoil(self, frame: bytes) -> bytes:
        """What arrives of an answer; its last byte is its checksum's, if it has one."""
        if self.wrong_checksum:
            frame = frame[:-1] + bytes((frame[-1] ^ 0xFF,))
        frame = frame[: len(frame) - self.cut_bytes]
        return self.noise_before + frame * (1 + self.duplicate) + self.noise_after


@dataclass
class Faults(LineFaults):
    """Those of a board at a bus, too."""

    deaf_answers: bool = False
    """The board acts, and its answers are lost."""
    wrong_address: bool = False
    """Answers name the next board."""
    refuse: int = 0
    """Every write is refused with this code; 0 = none."""
    stuck_on: frozenset[int] = frozenset()
    """Relays (1..8) whose contacts are welded: they obey, and stay on."""
