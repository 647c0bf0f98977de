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

PROBED_BAUDS: Final = (9600, 115200, 57600, 38400, 19200)
"""Where an unknown scanner is looked for, the likeliest first."""

# serial scanners

TERMINATOR_BYTES: Final = 4
"""Scanners end a text with CR, LF, CR LF or TAB (spec/hardware.md 7.1); four leave room."""

SCAN_IDLE_MS: Final = 1_000
"""A text that stops for longer without its end was cut off (spec/hardware.md 7.1)."""

SCANNER_REPLY_MS: Final = 500
"""A scanner answers in 20 ms at 9600 baud; silence for this long means that no answer comes."""

SCANNER_ANSWER_MS: Final = 5_000
"""An answer waits behind the longest QR code, 4.5 s at 9600 baud; a line that never ends is
broken."""

SCANNER_TRIES: Final = 3
"""One lost answer is noise; three in a row are a scanner that is gone (spec/hardware.md 7.1)."""

SCANNER_PATROL_MS: Final = 10_000
"""How often a scanner is asked whether it is there and as it should be (spec/hardware.md 7.1)."""

ZONE_BYTES: Final = range(1, 5)
"""Bytes read from a GM65's zones at once; two are the most that belong together."""

MENU_BYTES: Final = 64
"""One answer of a Honeywell scanner to a question about one setting; the longest asked for, the
suffixes of all symbologies, may have eleven characters of four digits."""

PACKET_BYTES: Final = 4_400
"""The longest SSI packet: GM67's form for long codes, and the longest QR code of 4296 characters
in it."""

PACKET_GAP_MS: Final = 300
"""Silence within an SSI packet after which it was cut off: scanners give up after 200 ms."""

RESENT_MS: Final = 6_000
"""How long an SSI scanner goes on to send a packet again: twice, after 2 s each."""

WAKE_MS: Final = 50
"""What an SSI scanner that sleeps needs before it listens (spec/hardware.md 7.1)."""

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

CONNECT_MS: Final = 3_000
"""A TCP converter in the same building takes a connection in milliseconds; one lost packet is
sent again after a second."""

KEEPALIVE_S: Final = 15
"""A converter that was cut off is noticed after so long at most, even if nobody asks it."""

# locker boards

LOCKERS: Final = range(1, 161)
"""Channels of one bank: ten boards of sixteen locks on one bus (spec/hardware.md 2)."""

LOCK_REPLY_MS: Final = 1_000
"""A lock board answers within a second (spec/hardware.md 2.1); one that looks at the lock before
it answers an order needs its pulse and as much again (4.1, 4.2)."""

LOCK_STALE_MS: Final = 1_000
"""An answer that comes later than this after its time is lost in any adapter or converter."""

LOCK_POLL_MS: Final = 250
"""Between two looks at all doors of one board: a person needs longer to take something out."""

HOOK_MS: Final = 2_500
"""A hook opens 20 to 300 ms after the order, a motor's after a second; a board that is busy
meanwhile is asked again after one lost answer (spec/hardware.md 2.1, 1.1)."""

HOOK_LOOK_MS: Final = 50
"""Between two looks at one hook that is about to open."""

KERONG_BOARDS: Final = range(10)
"""Addresses of KERONG boards on one chain, by their rotary switch (spec/hardware.md 2)."""

KERONG_LOCKS: Final = range(1, 17)
"""Locks of one KERONG CU board; a CU12 has twelve of them (spec/hardware.md 2.1)."""

KERONG_6X_LOCKS: Final = range(1, 49)
"""Locks of one KERONG board with the 6x frame (spec/hardware.md 2.2)."""

WINNSEN_STATIONS: Final = range(256)
"""Addresses of Winnsen boards: a byte on the wire, a DIP switch on the board."""

WINNSEN_LOCKS: Final = range(1, 17)
"""Locks of one Winnsen station (spec/hardware.md 3)."""

BOARDS_8A: Final = range(1, 100)
"""Addresses of 8A/80 boards (spec/hardware.md 4.1); 0 is not said to be one."""

LOCKS_8A: Final = range(1, 33)
"""Locks of one 8A/80 board: 8 to 32 of them; 0 is all (spec/hardware.md 4.1)."""

WKLY_BOARDS: Final = range(32)
"""Addresses of WKLY boards (spec/hardware.md 4.2)."""

WKLY_LOCKS: Final = range(1, 25)
"""Locks of one WKLY board (spec/hardware.md 4.2)."""

LOCK_PULSE_MS: Final = range(100, 3_001)
"""A coil at a relay board: solenoids need 300 to 500 ms and burn when held, motors a second
(spec/hardware.md 1.1)."""

WINNSEN_SCANNED: Final = range(5)
"""Stations that are asked when a bus is commissioned (spec/hardware.md 3)."""

SCANNED_8A: Final = range(1, 33)
"""Addresses that are asked then: what a DIP switch can say (spec/hardware.md 4.1)."""

SCANNED_LOCKS_8A: Final = range(1, 25)
"""Locks that are read then: those of the usual board."""

MODBUS_SCANNED: Final = range(1, 17)
"""Addresses that are asked then; silence costs half a second each."""

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

INPUT_LOOK_MS: Final = 20
"""Between two looks at an input whose edges are not believed any more: a press counts that lasts
for its debounce and two of these."""

INPUT_EVENTS: Final = 256
"""Changes of one input that wait to be reported; of more the oldest are dropped."""

SIM_LOOK_MS: Final = 5
"""Between two looks at a simulated input, which raises no event."""
