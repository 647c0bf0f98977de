"""Limits of the eye and of its reader in the daemon. Each has its unit and its reason."""

from typing import Final

# The wire between them.
TEXT_BYTES: Final = 512
"""Bytes of one text: four times the longest code (spec/credentials.md), far under a QR's 2953."""
LINE_BYTES: Final = 1024
"""Bytes of one line with its newline: 512 bytes are 684 in base64, the rest is room."""
BEAT_S: Final = 1.0
"""Seconds between two signs of life."""
SILENCE_S: Final = 3.0
"""Seconds without a line after which the daemon takes the eye for lost: three beats."""
READERS: Final = 4
"""Connections at the eye's socket: the daemon, its successor during a restart, two to spare."""

# What is reported.
TEXTS_PER_FRAME: Final = 4
"""Texts taken from one picture: two phones side by side are real, a poster full is an attack."""
REPEAT_S: Final = 0.3
"""Seconds between two reports of one text in view; the daemon tells presentations apart."""
REMEMBERED: Final = 16
"""Texts remembered for `REPEAT_S`; more at once are not reported, which bounds the reports to
53 a second whatever is shown."""

# The camera.
FRAME_PIXELS: Final = 1920 * 1080
"""Pixels of a picture: a door needs 640x480; more is a mistake or a decompression bomb."""
JPEG_BYTES: Final = 2 * 1024 * 1024
"""Bytes of one JPEG: 8 bits a pixel at `FRAME_PIXELS`, well above any camera's quality."""
HEADER_BYTES: Final = 1024
"""Bytes of one header line in a multipart stream."""
HEADER_LINES: Final = 32
"""Header lines of one part."""
CAMERA_S: Final = 5.0
"""Seconds that a camera may take to accept, or to go on sending."""
CAMERA_SIZE: Final = (640, 480)
"""Pixels asked of a local camera: what the decoders were measured with. The width is a multiple
of 64, so that no camera pads its rows."""
FRAMES_PER_S: Final = 15
"""Pictures asked of a local camera: what the decoders' cadence was measured with."""
CSI_CAMERAS: Final = range(2)
"""Cameras at the board's own connectors: no Raspberry Pi has more."""
FRAME_S: Final = 0.05
"""Seconds from one decoded picture to the next at least: 20 a second is more than a hand needs."""
MISS_PAUSE_S: Final = 0.05
"""Seconds of rest after a read that gave nothing: a lost V4L2 device says so at once, for ever
(spec/hardware.md 7.4)."""
MISSES: Final = 20
"""Reads in a row that may give nothing before the camera is reopened: about one second."""
REOPEN_S: Final = 0.25
"""Seconds before a lost camera is opened again, at first; doubled for each failure."""
REOPEN_MOST_S: Final = 8.0
"""Seconds to which the wait before a reopening grows."""
PICTURE_S: Final = 2.0
"""Seconds without a picture after which the eye says that its camera is gone."""
FROZEN_S: Final = 30.0
"""Seconds of one and the same picture, to the bit, before the camera is taken for frozen and
opened again: a sensor has noise."""
CAMERA_HUNG_S: Final = 15.0
"""Seconds that one read may take before the process ends itself: the driver hangs. More than the
10 after which OpenCV gives a V4L2 read up."""

# The eye's own life.
POLL_S: Final = 0.1
"""Seconds that the loop waits for a picture before it looks after its readers."""
HUNG_S: Final = 5.0
"""Seconds that one turn of the loop may take before the process ends itself: a decoder hangs.
Fifty times the slowest look at the largest picture; the daemon noticed after `SILENCE_S`."""
