"""Counting what comes too often to be recorded one by one: a contact that flaps fills no disk."""

from edged import limits


class Tally:
    """One kind of event at one place. `left` were not recorded one by one since `take_left`."""

    def __init__(self) -> None:
        self.left = 0
        self._began_ms: int | None = None
        self._count = 0

    def allows(self, now_ms: int) -> bool:
        """Count an event at `now_ms` (monotonic); False: it is only counted."""
        if self._began_ms is None or now_ms - self._began_ms >= limits.TALLY_WINDOW_MS:
            self._began_ms, self._count = now_ms, 0
        self._count += 1
        allowed = self._count <= limits.TALLY_BURST
        self.left += not allowed
        return allowed

    def take_left(self) -> int:
        """Give how many were only counted, and begin anew."""
        left, self.left = self.left, 0
        return left
