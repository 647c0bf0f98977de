"""Limits of the console, each with its unit and its reason."""

from typing import Final

SESSION_IDLE_S: Final = 3_600
"""A page that nobody uses for so long asks for the password again: a phone left on a counter."""

SESSION_S: Final = 12 * 3_600
"""The longest session: a shift."""

CODE_SESSION_S: Final = 3_600
"""The longest session by a staff code: of who has left since, no longer than a walk takes."""

SESSIONS: Final = 32
"""Sessions at once; the oldest goes. More staff than that do not watch one device."""

PASSWORD_CHARS: Final = (10, 200)
"""A password: long enough that guessing at the allowed rate is hopeless."""

GUESSES: Final = 5
"""Wrong passwords in `GUESS_WINDOW_S`, from one address, before it has to wait."""

GUESSES_OF_ALL: Final = 50
"""The same for all addresses together: somebody with many of them."""

GUESS_WINDOW_S: Final = 300

BODY_BYTES: Final = 8 * 1024
"""A form."""

STREAMS: Final = 24
"""Pages and displays that are told live, at once."""

STREAM_QUIET_S: Final = 15.0
"""A stream that is quiet says something so often, by which a browser that is gone is noticed; and
so old the overview gets at most."""

RETRY_S: Final = 1.0
"""Until the daemon that hung up is tried again."""

EVENTS_KEPT: Final = 60
"""Newest events that a page begins with."""

COMMISSIONING_S: Final = 15 * 60
"""How long test buttons work after they were turned on."""

CERTIFICATE_DAYS: Final = 820
"""A self-made certificate's life: what phones accept at most is 825."""

CERTIFICATE_LEFT_DAYS: Final = 30
"""It is made anew at a start when less is left."""

SCREEN_MS: Final = 6_000
"""How long a display shows what came of a code: long enough to read two lines twice."""

READING_MS: Final = 3_000
"""How long it says that it reads, when nothing comes of it."""

LOGIN_SCREEN_MS: Final = 30_000
"""How long a display says what comes next in a login: as long as the daemon waits for it."""

RESULT_CHARS: Final = 64
"""The word that says what came of an order, as it comes back in an address."""

TICKS_A_FEED: Final = 100
"""Of the server's loop, ten a second, for one word to the watchdog: a third of what it waits."""

LOGIN_PREFIX: Final = "EDGED-LOGIN:"
"""Before the digits of a login where they are shown as a picture, as the daemon knows it."""

WALK_STREAMS: Final = 8
"""Pages that watch a walk, at once: a phone, a desk, and those that were just left."""

WALK_ANSWER_S: Final = 15.0
"""For a walk to answer; of these it waits two for something new."""

WALK_BYTES: Final = 256 * 1024
"""What a walk says of itself: two hundred steps with their reasons are a tenth of it."""

WALK_LOOKS: Final = 100
"""Looks for a walk that was begun, `WALK_LOOK_S` apart: a slow computer needs five seconds."""

WALK_LOOK_S: Final = 0.1
