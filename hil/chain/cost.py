"""What a process costs: its processor time and its memory, as the kernel counts them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time since its start, s, and resident memory, bytes."""

    cpu_s: float
    rss: int


def cost(pid: int) -> Cost:
    """Return what a process and its children cost until now.

    Raises:
        OSError: It is gone.
    """
    folder = Path(f"/proc/{pid}")
    fields = (folder / "stat").read_text("ascii").rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) * _TICK_S
    rss = int((folder / "statm").read_text("ascii").split()[1]) * _PAGE
    children = (folder / "task" / str(pid) / "children").read_text("ascii").split()
    below = [cost(int(child)) for child in children]
    return Cost(cpu_s + sum(c.cpu_s for c in below), rss + sum(c.rss for c in below))
