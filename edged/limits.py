"""Every limit of the daemon, with its unit and its reason. Each package has its own list."""

from datetime import timedelta

# --- settings ---
SETTINGS_BYTES = 65_536
"""A settings file; a device with every door and reader below needs a quarter of it."""
SECRET_CHARS = (16, 4_096)
"""Shortest secret that is worth its name, and longest that is still a secret and not a file."""
NAME_CHARS = 64
"""A door's or reader's name: that of an id in the rules (edged/rulebook/fields.py)."""
PATH_CHARS = 4_096
"""Linux's PATH_MAX."""
SOCKET_PATH_BYTES = 107
"""Linux's sun_path without its closing zero; a longer path can't be bound."""
DOORS = 16
"""Doors of one device: two relay boards of eight channels."""
READERS_PER_DOOR = 8
"""Both sides, a camera and a scanner each, and as much again."""
AMOUNT = 10**12
"""The largest payment that a counter may report, in the currency's smallest unit: a slip of the
hand is more likely than a million million won."""
COUNTERS = 8
"""Readers without a door: a desk has one or two, a kiosk hall a handful."""
PULSE_MS = (500, 60_000)
"""Shortest pulse a door needs to open, longest that a lock takes (drivers.api.Lock)."""
LOCKER_BANKS = 8
"""Banks of lockers of one device: a board chain each, on as many serial ports."""
LOCKERS = 160
"""Lockers of one bank (drivers.limits): ten boards of sixteen."""
BOARDS_PER_BANK = 10
"""Boards of one bank: the longest chain that a maker speaks of (spec/hardware.md 2)."""
STAGGER_MS = (100, 10_000)
"""Between two pulses when a bank is released: a board draws up to 3 A for one of 500 ms
(spec/hardware.md 1.1); ten seconds are for a weak supply, and 160 lockers take half an hour."""
BUS_BAUDS = (9_600, 19_200, 38_400, 57_600, 115_200)
"""What boards at a bus can be set to (drivers.limits)."""
KERONG_ADDRESS, KERONG_LOCKS = 9, 16
"""The highest of each of one KERONG board (drivers.limits); likewise those below."""
KERONG_6X_LOCKS = 48
"""What its status has bits for."""
WINNSEN_STATION, WINNSEN_LOCKS = 255, 16
"""A byte on the wire, and its mask."""
ADDRESS_8A, LOCKS_8A = 99, 32
"""Two digits, and the largest board of the kind."""
WKLY_ADDRESS, WKLY_LOCKS = 31, 24
"""What its one unofficial driver says."""
WAVESHARE_LOCKS = 8
"""Relays of the board."""
LOCKER_PULSE_MS = (100, 3_000)
"""A coil at a relay board (drivers.limits)."""
BAUD = (1_200, 921_600)
"""What serial scanners and relay boards can be set to."""
MODBUS_ADDRESS = (1, 247)
"""Unit addresses of the Modbus serial line specification; 0 is everybody."""
RELAY_CHANNEL = (1, 32)
"""The largest board of the family has 32 relays."""
GPIO_LINE = (0, 27)
"""Lines of the 40-pin header, by their BCM numbers."""
DEBOUNCE_MS = (1, 2_000)
"""Some debounce, so that a noisy wire can't flood the daemon; the longest in use is 500 ms."""
TERMINATOR_CHARS = 4
"""CR LF is two; more than four is a mistake."""

# --- log ---
LOG_TEXT_CHARS = 2_000
"""One value in a log line; the longest honest one is a path."""
LOG_ITEMS = 100
"""Members of one list or table in a log line: the frames of a deep traceback."""
LOG_KEYS = 256
"""Names of values that are kept as they are spelled; our own are about a hundred."""
LOG_DEPTH = 8
"""Tables within tables; a traceback needs six."""

# --- commands ---
YEARS = (2_000, 2_199)
"""Years that can be asked about: those of dates in a rules file (edged/rulebook/fields.py)."""

# --- control socket ---
CONTROL_LINE_BYTES = 65_536
"""One request or answer; the largest is the list of what is wrong with a rules file."""
CONTROL_CONNECTIONS = 16
"""A console, a few terminals, and room for somebody's mistake."""
CONTROL_IDLE_S = 60.0
"""A connection that asks nothing for so long is closed; its place is needed."""
CONTROL_REQUEST_S = 300.0
"""The longest verb builds a rule set of 100,000 members on a slow card."""
CONTROL_WRITE_S = 10.0
"""A client that takes nothing for so long is gone or stuck."""
CONTROL_BURST = 20
"""Requests at once on one connection before it is slowed down: a page of a console."""
CONTROL_REQUESTS_PER_S = 10.0
"""Lasting rate on one connection; people and consoles stay far below."""
WATCH_EVENTS = 256
"""Events kept for one slow watcher: a busy minute of sixteen doors."""
ANSWERS_SHOWN = 8
"""Devices that a console's question why is answered for: each answer has some 2 KB of checks."""
RECORDS_SHOWN = 30
"""Records that one answer lists, of 700 bytes each; a page of a console."""
BOOKINGS_SHOWN = 150
"""Bookings that one answer lists; with the longest names that is most of a line."""
INQUIRY_KEPT_S = 60.0
"""How long an answer is good that had to look at every member."""
LOCKERS_SHOWN = 100
"""Lockers that one answer lists; with the longest ids that is most of a line."""
LOCKERS_KNOWN_S = 5.0
"""How long somebody who asks for the lockers waits for the journal: a start takes less."""
FAULTS_SHOWN = 100
"""Faults that one answer lists; who has more will not read them at once."""

# --- clock ---
# --- replays ---
SPENT_KEPT = timedelta(days=3)
"""How long after its issue a code that works once is remembered: none lives longer than a day
(policy.limits.CODE_TTL), and the rest is for clocks that are wrong."""
USES_KEPT = 10_000
"""Uses of codes kept in memory for when the disk fails: a busy day of one door, 2 MB."""

CARD_WAITS_MS = 30_000
"""How long a staff card waits for the PIN beside it: who looks for the keys twice has time."""

# --- records ---
EVENT_IDS_AHEAD = 64
"""Event ids that are made at a time: 1 KB, and a busy hour of one door."""
WAITING_RECORDS = 10_000
"""Records kept in memory while the disk fails: some megabytes, a busy day of one door."""
RECORD_RETRY_MS = 1_000
"""Between two attempts to write while the disk fails."""
RECORDS_AT_ONCE = 100
"""Records handed to the journal together: who comes in meanwhile still finds room there
(edged.store.limits.WAITING), and waits for milliseconds."""

TALLY_BURST = 20
"""Changes of one alarm, or presses of one button, that are recorded one by one within a window;
people make a few a minute, a loose wire hundreds."""
TALLY_WINDOW_MS = 60_000
"""Milliseconds of such a window."""

ALARM_CAUSE_CHARS = 200
"""What an alarm says of its cause; a driver's own words are shorter."""

# --- the loops ---
SCHEDULE_LOOK_MS = 5_000
"""Between two looks at the hours of a door that may stand open: people are as exact as that."""
SOUND_MS = (3_000, 2_500)
"""How long the alarm output sounds each time, and how often it is asked to while an alarm is up."""
SETTINGS_NAMED = 100
"""Settings that a record names, of those that changed; the fingerprint is of all."""
READER_MAILBOX = 256
"""Scans that wait at one reader: those of 1,000 bad codes a second while a slow commit takes a
quarter of a second. A good code behind all of them waited 6 ms on an x86 machine."""
GATE_MAILBOX = 64
"""Events that wait at one door; people make a few a second."""
BANK_MAILBOX = 64
"""Orders and opened doors that wait at one locker bank; people make a few a minute."""
BANK_LOOK_S = 60.0
"""The longest a bank sleeps while a locker's end lies ahead: the clock may be set meanwhile."""
SWITCH_S = 0.001
"""How long a thread may keep the interpreter from the loop, for which a door waits: Python's own
5 ms are more than a scan takes."""
COLLECT_AFTER = 5_000
"""Objects made since the last look for garbage in circles. Python's own 700 is a look for every few
grants; the circles that wait meanwhile are about a megabyte."""
TOLD_AT_ONCE_S = 1.0
"""What a start waits for the disk to tell which fire held before, so that no bolt is thrown for a
moment, until it serves the exit buttons without."""
COMMIT_S = 10.0
"""The longest a record may take; a card that needs more is broken."""
LOOKUP_S = 1.0
"""The longest a leaving member is looked up, which takes microseconds: the next who leaves at the
same reader waits behind it."""
REOPEN_MS = (250, 10_000)
"""First and longest wait before a lost device is tried again."""
HEALTH_MS = 10_000
"""Between two looks; a third of the watchdog's patience (systemd/edged.service)."""
AHEAD_LOOK_MS = 60_000
"""Between two looks whether timetables are missing: how long new rules go without them."""
AHEAD_PAUSE_MS = 50
"""Between two plans: each takes the loop for some milliseconds of a small computer."""
AHEAD = timedelta(hours=1)
"""Before a day begins its timetables are made; 50 ms each, so an hour is plenty."""
TIME_KEPT_EVERY = timedelta(seconds=60)
"""How often the time is kept on disk: a power cut loses no more of it."""

# --- the cloud ---
PRUNE_EVERY_MS = 3_600_000
"""Between two looks for records that need not be kept any more; they are kept for a month."""
TRIAL_LOOK_MS = 1_000
"""Between two looks whether a trial of rules is over; it is given in seconds."""
FROZEN_MS = 24 * 3_600_000
"""Without a fresh word of the cloud for so long, its rules are frozen (cloud_link/README.md)."""
ACKS_MS = 250
"""For so long acknowledgements wait to be written, in one commit: while a backlog goes up twenty
and more come in a second, each a sync that somebody at a door may wait behind."""
ACKS = 64
"""Acknowledgements that wait for that; where more come, the disk is slow or fails, and the oldest
go: the newest says all that they did."""
LINK_AGAIN_MS = 60_000
"""Before a link that failed by its own fault is begun anew; its memory may be what failed."""
ENROL_AGAIN_MS = 3_000
"""Between requests to be enrolled: somebody stands there and waits, or has just adopted it."""
RENEWAL_LOOK_MS = 60_000
"""Between two looks whether the certificate is to be renewed; that has weeks."""
APART_NICE = 10
"""How far a process of heavy work stands back: whoever is at a door has the processor first. It has
a ninth of the daemon's weight then; with 19 it came to no end on a busy machine."""
CERTIFICATE_LAST = 6
"""The share of a certificate's life, one part of so many, in which its end is near: it is renewed
when a third is left, so that has failed for as long as is left now."""
CERTIFICATE_NEAR = timedelta(days=30)
"""The longest that an end is near: a technician comes to every door within a month."""
SSID_BYTES = 32
"""IEEE 802.11, 9.4.2.2."""
PSK_CHARS = (8, 63)
"""IEEE 802.11i, H.4.1: a pass-phrase."""
DNS_SERVERS = 3
"""A resolver asks no more of them (resolv.conf(5))."""
NETWORK_PRIORITY = 100
"""Of a profile of ours, before those that the system came with (0)."""
NETWORK_UP_S = 45
"""For a connection to come up: association and DHCP take seconds, a bad antenna some tries."""
NETWORK_REACH_S = 60.0
"""For the broker to answer over it, unless told: whoever changes it may wait to be let in again."""
NETWORK_AGAIN_MS = 1_000
"""Between tries to reach it."""
DIAGNOSTIC_RECORDS = 50
"""Newest records in the answer to `diagnostics`: 35 KB beside a status of 20 KB."""
BUFFER_DAYS = 3_650
"""The most days of room for records that are spoken of: nobody plans for more."""

# --- what people are shown ---
MEMBER_LINE_COLUMNS = 64
"""Half-width columns of a line for a member: a display of 128 x 64 pixels has four rows of 16."""
