"""Every limit of the line keeper: its unit is in its name, its reason beside it."""

from typing import Final

LINES: Final = range(28)
"""Lines of the 40-pin header, by their BCM numbers."""

PULSE_MS: Final = range(1, 60_001)
"""One pulse of a lock: that of drivers.api.Lock."""

HOLD_MS: Final = 3_000
"""A magnet lets go this long after its last hold: a dead daemon holds nobody in for long."""

SILENCE_MS: Final = 3_000
"""A daemon that says nothing for so long is hung, and every line goes to rest. It speaks every
`BEAT_MS`, so two words may be late; a busy machine that is later than this is not to be trusted
with a door either."""

BEAT_MS: Final = 1_000
"""The daemon speaks this often: three chances within `HOLD_MS` and within `SILENCE_MS`."""

ORDER_AGE_MS: Final = 1_000
"""An order that waited longer in the socket (the keeper was stopped) is refused: who asked has
given it up as lost after `ANSWER_MS`, and a door that opens later opens for somebody else."""

ANSWER_MS: Final = 1_000
"""The keeper answers in less than a millisecond; the rest is for a busy machine."""

BLINKS: Final = range(1, 101)
"""Flashes of one pattern: a signal of ten seconds at ten flashes a second."""

PATTERN_MS: Final = 10_000
"""The longest pattern, all its flashes together: that of drivers.api.Signal."""

FIRE_POLL_MS: Final = 20
"""Between two looks at the fire input: a dozen within the shortest debounce."""

LATCH_MS: Final = 200
"""How long the lines wait for the latch's file: a good card writes it in 20 ms, a bad one never."""

LATCH_RETRY_MS: Final = 1_000
"""Between two attempts to write it: a full disk fills no log."""

DEBOUNCE_MS: Final = range(2_001)
"""How long an input has to stay before it counts; the longest in use is 500 ms
(spec/hardware.md 6.3)."""

START_MS: Final = 10_000
"""From the start of the keeper to its first answer: 50 ms of Python, or some seconds on a small
Pi that boots; in an emulated machine it took six."""

END_MS: Final = 2_000
"""The keeper puts the lines to rest and ends within milliseconds; after this it is killed."""

REST_MS: Final = 5_000
"""The command that puts the lines to rest: a Python start and a write a line, on a busy Pi."""

PLAN_BYTES: Final = 4_096
"""A plan has one short line for each line of the header."""

BACKLOG: Final = 64
"""Messages taken in one turn before the lines are seen to again: all that sixteen doors, their
lights and their beats can send in a second."""
