"""Every limit of commissioning and of the doctor, with its unit and its reason."""

from typing import Final

# --- the doctor ---
FSYNC_TIMES: Final = 60
"""Writes that are timed: enough for the slowest of them to mean something, a second on a fair
card."""
FSYNC_BYTES: Final = 4_096
"""One page: what the commit of an entry writes at least."""
FSYNC_P99_MS: Final = 50
"""An entry waits for one commit, and is to take less than this (ARCHITECTURE, Budget)."""
FSYNC_FAIL_MS: Final = 1_000
"""Slower than this people walk away, or scan again."""
FREE_BYTES: Final = 100 * 1024 * 1024
"""Less room than a day of the busiest journal and a set of rules built beside the old one."""
FREE_SOON_BYTES: Final = 1024 * 1024 * 1024
"""A month of a busy store."""
MEMORY_BYTES: Final = 64 * 1024 * 1024
"""Less free memory than a set of rules needs while it is built."""
MEMORY_SOON_BYTES: Final = 128 * 1024 * 1024
"""The daemon's whole budget once more (ARCHITECTURE, Budget)."""
CONNECT_S: Final = 5.0
"""For one connection: a broker far away answers within one."""
ALERT_S: Final = 1.0
"""For a broker's word that it does not trust our certificate: a round trip or two."""

# --- the self-test ---
MOVE_S: Final = 90.0
"""From an order until the door is at rest: the longest pulse with its extended time."""
BOND_S: Final = 6.0
"""After that: the lock's sensor, a lost line or a broken contact is an alarm within this."""

# --- the walk ---
INSTALLER_S: Final = 60.0
"""For a person at a door to do what was asked: from the ladder to the button and back."""
DAEMON_S: Final = 120.0
"""For the daemon to be started by hand; its unit gives a start as long."""
OPENS_S: Final = 20.0
"""For a board to say that a locker opened: ten boards at a bus are asked in turn, some twice."""
FROZEN_S: Final = 20
"""How long the daemon may be frozen: systemd stops it hard after 30 s (WatchdogSec)."""
LOOK_S: Final = 0.2
"""Between two looks at doors and daemon: five requests a second, half of what a client may."""
ANSWER_CHARS: Final = 500
"""An answer or a reason: a paragraph."""
IDLE_S: Final = 15 * 60.0
"""A walk on the pages that nobody answers for so long ends; it can be gone on with."""
PAGES: Final = 16
"""Connections of pages to a walk at once: a phone, a desk, and what they left hanging."""
PAGE_WAIT_S: Final = 2.0
"""The longest that a page waits for something new before it is told that there is nothing; so long
the stream of a page that was left goes on."""
PAGE_LINE_BYTES: Final = 64 * 1024
"""A request or an answer at a walk's socket: two hundred steps with their reasons fit."""
REPORT_CHARS: Final = 24_000
"""Characters of a report in one answer of the control socket, escaped twice at worst."""
STATE_BYTES: Final = 1024 * 1024
"""The walk's file: two hundred steps with their reasons are a tenth of it."""
