"""Every bound of the reference cloud, with its unit and its reason."""

ENVELOPE_BYTES = 262_144
"""Bytes in one envelope, by the contract."""

SIGNATURES = 8
"""Signatures in one envelope, by the contract."""

BATCH_BYTES = 1_048_576
"""Bytes in one unpacked batch, by the contract: a small frame can unpack to gigabytes."""

BATCH_RECORDS = 200
"""Records in one batch, by the contract."""

PART_BYTES = 16_777_216
"""Bytes in one unpacked part of a rule set, by the contract."""

PIECE_BYTES = 65_536
"""Bytes in one piece of a part, by the contract."""

MEMBER_PARTS = 1_024
"""Parts that the members are dealt to, by the contract."""

PART_MEMBERS = 512
"""Members that one part is to have at most: a change of one member sends some 20 KB again."""

USAGE_ENTRIES = 500
"""Entries in one message of use, by the contract."""

RESTORED = 512
"""Lockers, and seats, that one message can restore, by the contract."""

RELEASE_S = 10
"""Life of a command that releases something, s, by the contract."""

COMMAND_DAYS = 7
"""Days for which a command that releases nothing may still come, by the contract."""

HOLD_MS = 2_000
"""How long a batch waits for the one before it, ms: it is in another worker's hands. The device
sends again after 10 s."""

HELD = 256
"""Batches that one worker holds so, each up to 1 MiB unpacked."""

STUDY_STRETCHES = 5
"""Stretches of records that are read in one transaction, up to 200 records each: in a drain, the
next batch waits for it."""

STUDY_MS = 1_000
"""How long reading may be put off while batches come in, ms: other stores wait for it."""

QUIET_MS = 50
"""Pause after which a drain is taken to be over, ms: the next window of batches is there sooner."""

GROUP = 64
"""Messages that share one transaction: a commit costs as much as verifying ten of them, and the
answer to the first waits for the last."""

INBOX = 2_048
"""Messages that wait in a worker. What comes on top is dropped: its device sends it again."""

IN_FLIGHT = 32
"""Messages that a worker has under way to the broker without its acknowledgement."""

POLL_MS = 100
"""How often a worker looks for what the command line or another worker has put into the
database, ms. It is how long an order waits at most."""

USAGE_PER_S = 200
"""Messages of use that a worker sends a second: with so many devices each hears once a second what
the others counted, with ten times as many once in ten."""

ABSENT_S = 180
"""Silence after which a device is absent, s: three reports that did not come."""

REJECT_WORDS = 64
"""Different reasons for not taking a message that one worker counts apart."""

BUSY_MS = 10_000
"""How long SQLite waits for another worker's transaction, ms."""

RETRY_MS = (100, 30_000)
"""First and longest wait before a worker tries the broker again, ms; in between it doubles."""

SESSION_S = 604_800
"""How long a broker keeps a worker's subscriptions, s: a week."""

CERTIFICATE_DAYS = 825
"""Life of a certificate of the test authority, days."""

NAME_CHARS = 64
"""Characters in the name of a tenant or a device, by the contract."""

WEBHOOK_MS = 5_000
"""How long a notice may take to be taken by its URL, ms."""

NOTICES = 1_024
"""Notices that wait for a slow URL; further ones are counted and dropped: the audit has them."""

WORKERS = 32
"""Worker processes of one cloud on one machine."""

CLAIM_CHARS = 20
"""Letters and digits of a claim, by the contract."""

CLAIM_HOURS = 24
"""Hours that a claim lives, by the contract: an installer's day."""

WAITING = 64
"""Devices that wait to be adopted at one time: an installer has a few, strangers many."""

WAITING_S = 3_600
"""Seconds after which a device that asks no more is forgotten: one that waits asks every 10 s."""

DEVICE_DAYS = 90
"""Life of a device's certificate, days: a stolen one ends, a closed season is outlived."""
