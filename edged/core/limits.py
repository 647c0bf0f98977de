"""What bounds the state machines; each with its unit and its reason."""

from datetime import UTC, datetime, timedelta

REMEMBERED_TEXTS = 8
"""Texts a reader remembers: more than people show one reader at a time (spec/credentials.md)."""

GUESSES_FREE = 2
"""Wrong plain codes in a row that cost no time: people mistype (spec/credentials.md)."""

GUESS_DELAY_MS = (1_000, 30_000)
"""First and longest wait after more of them: with the longest, all PINs of six digits take a year,
and whoever has a right one waits no longer than at a slow lift."""

GUESSES_ALARM = 8
"""Wrong plain codes in a row that are an alarm: the wait is at its longest, and who mistypes has
asked somebody by then."""

GUESSES_QUIET_MS = 600_000
"""Milliseconds without a wrong one after which that alarm ends, and the next one is the first."""

RELEASE_MAX_MS = 60_000
"""Milliseconds of one release: the longest that any lock takes (spec/rules.md 6, row 38)."""

LOCK_LAG_MS = 500
"""Milliseconds that a lock may end a release after our count: it starts counting only when the
order has reached it, and a contact takes its time too. A door opened in between is not forced."""

PENDING_GRANTS = 16
"""Grants that wait for the door to open: far more than people who pass at one opening."""

HOLD_MS = 15_000
"""Milliseconds that a lock is told to stay released while a door stands open: what is left of it
is all that a daemon which died leaves behind (ARCHITECTURE, invariant 4)."""

HOLD_RENEW_MS = 5_000
"""Milliseconds between two such orders: two may be lost before the bolt falls."""

FORCED_AFTER_MS = 200
"""Milliseconds that a door is seen open before it is forced: a contact bounces for tens of them,
and a button in the handle may report after it; 400 must be noticed (EN 60839-11-1)."""

BOND_MS = 2_000
"""Milliseconds that a bolt has to take hold: a magnet needs a fraction of one second."""

SYNCED_ERROR = timedelta(milliseconds=500)
"""Error taken for a clock that was confirmed, when nothing tells it any more; NTP over DSL is far
better."""

DRIFT_PPM = 100.0
"""Drift of a crystal without its source: twice what Pi boards show over their temperatures."""

DRIFT_MARGIN = 2.0
"""By how much a measured drift is multiplied: it was another temperature then."""

DRIFT_OVER = timedelta(hours=1)
"""The shortest time over which a drift is measured: 100 ppm of it are
0.4 s, a slow link's error."""

DRIFT_BAD_PPM = 80.0
"""A measured drift beyond it is an alarm: the crystal is worse than what is reckoned with."""

BUILT_AFTER = datetime(2025, 1, 1, tzinfo=UTC)
"""No device was built before; an earlier clock was never set."""

FLOOR_SLACK = timedelta(minutes=2)
"""How far behind the last dated thing a clock may be before it is doubted."""

CLOCK_STEP = timedelta(seconds=5)
"""Difference between the two clocks' progress that is a step: leap seconds and reading
are less."""

NTP_STEP = timedelta(minutes=1)
"""What NTP may move a clock that it has set already, without the cloud's word: it slews, and steps
only what is far off."""

SOURCES_APART = timedelta(seconds=30)
"""How far NTP and the cloud may be apart beyond what each owns up to, before neither is
believed."""

CLOUD_FRESH = timedelta(minutes=10)
"""The cloud says the time once a minute; after ten without it the clock runs by itself."""

CLOUD_HOLDS = timedelta(days=30)
"""How long the cloud's last word is run on: by then a crystal may be 4 minutes off."""

LOGIN_MS = 120_000
"""Milliseconds that a login at the console waits for its digits: from a desk to the door."""

LOGIN_STAGE_MS = 30_000
"""Milliseconds from the digits to the code, and from the code to the digits: to find it on a phone.
For so long a staff code at that reader is for the console and opens no door."""

INSTALLER_MS = 3_600_000
"""Milliseconds that an installer is here after a login by a staff code: a walk takes less."""

LOGIN_GAP_MS = 1_500
"""Milliseconds without the digits before they are given once more: one presentation, one effect
(spec/credentials.md)."""
