"""What goes wrong between a board and its host (spec/hardware.md 11)."""

from dataclasses import dataclass


@dataclass
class Faults:
    """What goes wrong from now on. All may be changed at any time; fresh ones are none."""

    echo: bool = False
    """The adapter sends back whatever the host sends, even if the board is mute."""
    mute: bool = False
    """The board hears nothing and answers nothing."""
    deaf_answers: bool = False
    """The board acts, and its answers are lost."""
    noise_before: bytes = b""
    noise_after: bytes = b""
    wrong_address: bool = False
    """Answers name the next board."""
    wrong_checksum: bool = False
    cut_bytes: int = 0
    """So many bytes are missing at the end of each answer."""
    duplicate: bool = False
    late_ms: int = 0
    refuse: int = 0
    """Every write is refused with this code; 0 = none."""
    stuck_on: frozenset[int] = frozenset()
    """Relays (1..8) whose contacts are welded: they obey, and stay on."""
