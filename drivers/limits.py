"""Every limit of the drivers: its unit is in its name, its reason beside it."""

from typing import Final

SCAN_BYTES: Final = 512
"""One text of a reader. No code that counts is half as long; longer ones are cut, then refused."""

RELEASE_MS: Final = range(1, 60_001)
"""One order to release a bolt. A longer opening is a row of orders, so it ends when they stop."""

READ_BYTES: Final = 4096
"""One read from a pipe: what the kernel holds for a terminal at most (spec/hardware.md 1.2)."""

WRITE_MS: Final = 500
"""A frame of eight bytes leaves in 9 ms at 9600 baud; a port that takes none is stuck."""

BAUDS: Final = (9600, 19200, 38400, 57600, 115200)
"""What the supported scanners and boards can be set to (spec/hardware.md 4.4, 7.1)."""

# serial scanners

TERMINATOR_BYTES: Final = 4
"""Scanners end a text with CR, LF, CR LF or TAB (spec/hardware.md 7.1); four leave room."""

SCAN_IDLE_MS: Final = 1_000
"""A text that stops for longer without its end was cut off (spec/hardware.md 7.1)."""

# keyboard wedges

KEY_EVENTS: Final = 64
"""Events of one read: the kernel keeps at least so many for a keyboard; a key takes six."""

# Modbus relay boards

BOARDS: Final = range(1, 248)
"""Modbus addresses of one device each; 0 is everybody and 248..255 are reserved."""

RELAYS: Final = range(1, 9)
"""Relays of one board, counted from 1 as on its housing."""

PULSE_STEP_MS: Final = 100
"""The board counts its timed pulses in these (spec/hardware.md 4.4)."""

PULSE_STEPS: Final = range(1, 0x8000)
"""What the board takes as the length of a timed pulse (spec/hardware.md 4.4)."""

REPLY_MS: Final = 500
"""An exchange takes 20 ms at 9600 baud; the rest is for slow adapters and a busy machine."""

READ_TRIES: Final = 3
"""One lost frame is noise on the wire; three in a row are a board that is gone."""

BUS_GAP_MS: Final = 20
"""Silence between exchanges: longer than any frame (9 ms), so a second copy has come in."""

POLL_MS: Final = 500
"""A board that was not heard for this long is asked whether it is there."""

# locker boards

LOCKERS: Final = range(1, 161)
"""Channels of one bank: ten boards of sixteen locks on one bus (spec/hardware.md 2)."""

# indicators

SIGNAL_MS: Final = range(100, 10_001)
"""How long an indicator shows one signal: seen by a person, gone before the next one."""

# the virtual building

LINE_BYTES: Final = 16_384
"""One line at the building's socket, both ways (hil/building/README.md)."""

REPORTS: Final = 64
"""Reports of the building that wait here; more wait in the socket."""

ANSWER_MS: Final = 2_000
"""The building answers in about a millisecond; the rest is for a busy test machine."""

HOLD_MS: Final = 3_000
"""A magnet lets go this long after its last hold: a dead daemon holds nobody in for long."""

HOLD_EVERY_MS: Final = 1_000
"""Three chances to renew a hold before it runs out."""

# inputs of the header

INPUT_CHECK_MS: Final = 1_000
"""An input that reports nothing for so long is read, to notice one that has gone deaf
(spec/hardware.md 6.3)."""

INPUT_LAG_MS: Final = 500
"""How much later than its debounce a change may be reported: lgpio's thread on a busy Pi was seen
150 ms late."""

INPUT_EVENTS: Final = 256
"""Changes of one input that wait to be reported; of more the oldest are dropped."""

SIM_LOOK_MS: Final = 5
"""Between two looks at a simulated input, which raises no event."""
