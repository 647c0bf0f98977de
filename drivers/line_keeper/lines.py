"""What each line is at at which instant: a pure function of what was ordered and the time.

A line is energised because an order is running, and for no other reason; every order carries its
end. So nothing has to happen for a line to come to rest, only time has to pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from drivers.line_keeper import limits
from drivers.line_keeper.protocol import Kind, Malformed, Request, Result, Use

_USES: Final = {
    Kind.PULSE: {Use.STRIKE, Use.MAGNET},
    Kind.END: set(Use),
    Kind.HOLD: {Use.MAGNET},
    Kind.SHOW: {Use.LAMP},
}
_FOR_NO_LINE: Final = {Kind.ALIVE, Kind.CLAIM, Kind.WATCH, Kind.FIRE, Kind.RESET}


@dataclass(frozen=True, slots=True)
class Line:
    """One claimed line. Instants are monotonic milliseconds; those that have passed count nothing.

    `flash_ms`: half a flash of the pattern from `shown_ms` to `until_ms`, 0: steady.
    """

    use: Use
    active_low: bool
    until_ms: int = 0
    held_until_ms: int = 0
    shown_ms: int = 0
    flash_ms: int = 0

    @property
    def rest_level(self) -> bool:
        """The level of the pin without power at what hangs on it."""
        return self.active_low

    def level(self, now_ms: int, *, latched: bool) -> bool:
        """The level of the pin at `now_ms`."""
        return self.energised(now_ms, latched=latched) != self.active_low

    def energised(self, now_ms: int, *, latched: bool) -> bool:
        """Whether there is to be power at `now_ms`; no magnet has any while the latch is set."""
        ordered = now_ms < self.until_ms
        match self.use:
            case Use.STRIKE:
                return ordered
            case Use.MAGNET:
                return now_ms < self.held_until_ms and not ordered and not latched
            case Use.LAMP:
                if not ordered or self.flash_ms == 0:
                    return ordered
                return (now_ms - self.shown_ms) // self.flash_ms % 2 == 0

    def due_ms(self, now_ms: int) -> int | None:
        """The next instant at which the level may change, None: never."""
        instants = [self.until_ms, self.held_until_ms]
        if self.flash_ms and now_ms < self.until_ms:
            flashes = (now_ms - self.shown_ms) // self.flash_ms + 1
            instants.append(self.shown_ms + flashes * self.flash_ms)
        return min((at_ms for at_ms in instants if at_ms > now_ms), default=None)


@dataclass(frozen=True, slots=True)
class Lines:
    """All claimed lines. `silent_ms`: when the daemon will have been silent for too long."""

    silent_ms: int
    lines: Mapping[int, Line] = field(default_factory=lambda: MappingProxyType({}))

    def claimed(self, number: int, line: Line) -> "Lines":
        """With a line more."""
        return replace(self, lines=MappingProxyType({**self.lines, number: line}))


def pass_time(state: Lines, now_ms: int) -> Lines:
    """Drop every order of a daemon that fell silent: what it asked for is not resumed."""
    if now_ms < state.silent_ms:
        return state
    resting = {n: Line(line.use, line.active_low) for n, line in state.lines.items()}
    return replace(state, lines=MappingProxyType(resting))


def due_ms(state: Lines, now_ms: int) -> int | None:
    """The next instant at which something may change by itself, None: never."""
    due = [state.silent_ms, *(line.due_ms(now_ms) for line in state.lines.values())]
    return min((at_ms for at_ms in due if at_ms is not None and at_ms > now_ms), default=None)


def take(state: Lines, request: Request, now_ms: int) -> tuple[Lines, Result]:
    """Take a request at `now_ms`, as far as it is about claimed lines. Pure.

    An order counts from when it was asked, not from when it was read, and so does what every
    request says beside: that the daemon is alive.

    Raises:
        Malformed: It was asked in the future.
    """
    if request.asked_ms > now_ms:
        raise Malformed("asked in the future")
    silent_ms = max(state.silent_ms, request.asked_ms + limits.SILENCE_MS)
    state = replace(pass_time(state, now_ms), silent_ms=silent_ms)
    if request.kind in _FOR_NO_LINE:
        return state, Result.DONE
    if now_ms - request.asked_ms > limits.ORDER_AGE_MS:
        return state, Result.STALE
    line = state.lines.get(request.line)
    if line is None or line.use not in _USES[request.kind]:
        return state, Result.UNKNOWN_LINE
    return state.claimed(request.line, _ordered(line, request)), Result.DONE


def _ordered(line: Line, request: Request) -> Line:
    asked_ms, until_ms = request.asked_ms, request.asked_ms + request.a
    match request.kind:
        case Kind.HOLD:
            return replace(line, held_until_ms=until_ms)
        case Kind.SHOW if request.b:
            flash_ms = max(1, request.a // (2 * request.b))
            until_ms = asked_ms + 2 * request.b * flash_ms  # ends dark, whatever was rounded
            return replace(line, until_ms=until_ms, shown_ms=asked_ms, flash_ms=flash_ms)
        case Kind.SHOW:
            return replace(line, until_ms=until_ms, flash_ms=0)
        case Kind.PULSE:
            return replace(line, until_ms=until_ms)
        case _:
            return replace(line, until_ms=0)
