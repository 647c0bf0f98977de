"""Every bound of the virtual building, with its unit and its reason."""

LINE_BYTES = 16_384
"""Bytes in one line of the wire, without its newline (README.md). A QR picture is a tenth."""

BACKLOG_BYTES = 1_048_576
"""Bytes that wait for one slow peer. It is hung up beyond that: a witness never skips a line."""

CONNECTIONS = 64
"""Open connections a server. A building of eight doors needs 40; a leak shows early."""

SPAN_MS = 60_000
"""Longest time in an order or request, ms (README.md): the longest release that a driver has."""

OPENS_AFTER_MS = 5_000
"""Slowest bolt, ms. Motor locks need two seconds."""

NAME_CHARS = 64
"""Characters in a name of a door, reader, camera, relay or indicator."""

MESSAGE_LINES = 8
"""Lines on an indicator's display."""

MESSAGE_CHARS = 120
"""Characters in one of them."""

BLINKS = 100
"""Flashes in a signal: more than the driver may order, so that a wrong driver shows."""

RELAY_CHANNELS = 8
"""Channels on the board."""

LOCKERS = 160
"""Lockers of one bank: ten boards of sixteen on one line."""

BUS_BOARDS = 32
"""Boards at one bus: what an RS-485 driver of the common kind can feed."""

BOARD_LOCKS = 48
"""Locks at one board; the largest of the makes has so many."""

TTY_READ_BYTES = 4_096
"""Bytes taken from a pseudo-terminal at once: the kernel's own buffer."""

CAMERA_SIDE_PX = (64, 1_920)
"""Shortest and longest side of a camera's picture, pixels."""

CAMERA_FPS = 60
"""Pictures a second. Encoding one takes milliseconds of a core that the daemon needs too."""

SHOWN_SIDE_PX = 4_096
"""Longest side of a picture that is held before a camera, pixels: a small file can unpack
to gigabytes."""

HTTP_HEAD_BYTES = 8_192
"""Bytes in the head of a request to a camera."""

HTTP_HEAD_MS = 5_000
"""Time for that head to arrive, ms."""
