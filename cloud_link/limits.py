"""Limits of the link, each with its unit and its reason. The contract (README.md) names them."""

from typing import Final

NUMBER: Final = 2**53 - 1
"""Numbers of the contract: what every language's JSON keeps whole."""

NAME_CHARS: Final = 64
"""A tenant, a device or a store; two of them and the rest make a topic of 200 bytes."""

TEXT_CHARS: Final = 128
"""An id or a word; a UUID has 36."""

WORDS_CHARS: Final = 512
"""A reason in words."""

ROOTS: Final = 8
"""Root keys of a tenant; 3 is usual."""

KEYS: Final = 64
"""Keys of a trust document: a few for each role, old and new during a rotation."""

REFUSED: Final = 16
"""Refused rule sets that a report names, newest first."""

ALARMS: Final = 256
"""Alarms that a report names."""

PART_BYTES: Final = 16 * 1024 * 1024
"""One part of a rule set, unpacked: a base with every holiday is 1 MB."""

PIECE_BYTES: Final = 64 * 1024
"""One piece of a part: 4 of them under way fill a link for a second at 2 Mbit/s."""

PARTS: Final = 1026
"""Parts of a manifest: 1024 of members, the base, the vectors; more fill no envelope."""

USES: Final = 500
"""Entries of a usage message: 50 KB."""

LOCKERS: Final = 512
"""Lockers of a restore, each some 230 bytes of one envelope."""

SEATS: Final = 512
"""Seats of a restore; with the lockers they still fit an envelope."""

TOPIC_CHARS: Final = 256
"""A topic: two names, and 24 characters about them."""

ENVELOPE_BYTES: Final = 256 * 1024
"""An envelope: what a packet holds; a manifest of 1,026 parts has 180 KB."""

SIGNATURES: Final = 8
"""Signatures of an envelope: as many as there may be roots."""

PACKET_BYTES: Final = 256 * 1024
"""A packet that the broker may send: more than the largest of the contract."""

INCOMING: Final = 64
"""Messages that wait to be read, 16 MB at the worst; more are dropped and counted."""

RECEIVE_MAXIMUM: Final = 16
"""Messages without a receipt, either way; below what brokers allow (mosquitto: 20)."""

KEEPALIVE_S: Final = 20
"""A broker notices a dead device within one and a half of these."""

SESSION_EXPIRY_S: Final = 7 * 24 * 3600
"""A broker keeps what waits for a device that is away: as long as commands may be late."""

CONNECT_S: Final = 20
"""For the name, the connection, TLS and the broker's greeting, each."""

RECEIPT_MS: Final = 10_000
"""A sender waits this long for a receipt, and then no longer: it would have proved nothing."""

BACKOFF_FIRST_MS: Final = 1_000
"""The bound of the first wait before connecting; it doubles."""

BACKOFF_MOST_MS: Final = 60_000
"""The bound of the longest: a link is back within a minute of the network."""

PULSE_MS: Final = 60_000
"""Between asking for pulses: what was lost or withheld is known within this."""

FRESH_MS: Final = 10_000
"""A pulse is fresh, and a nonce answers a command, for this long after the asking."""

HALF_OPEN_MS: Final = 3 * PULSE_MS
"""Without a fresh pulse for this long the connection leads nowhere."""

REPORT_MS: Final = 60_000
"""Between reports in which nothing changed."""

NONCES: Final = 16
"""Nonces that may still be answered; one is given every few seconds at most."""

LOOK_MS: Final = 1_000
"""Between looks at whether a report has something new to say."""

FAREWELL_MS: Final = 1_000
"""For a clean goodbye; who stops waits for no broker."""

REJECTS_MS: Final = 1_000
"""Rejects are recorded in sums, one a reason and second at the most."""

REJECT_PAUSE_MS: Final = 5
"""After each reject: who floods us with forgeries takes no more than 200 a second from the loop."""

BATCH_RECORDS: Final = 200
"""Records of a batch: 17 times faster than one by one, and more win nothing (measured)."""

BATCH_BYTES: Final = 1024 * 1024
"""A batch, unpacked."""

BATCH_PACKED_BYTES: Final = 240 * 1024
"""A batch as it is sent: below what a broker has to take from us."""

CHECKPOINT_BYTES: Final = 4 * 1024
"""The first line of a batch, at most."""

BATCHES_WAITING: Final = 4
"""Batches without an acknowledgement: the cloud's next work is under way while it works."""

PACE_MS: Final = 5
"""Between batches: with it a drain costs the scans beside it nothing (measured)."""

GATHER_MS: Final = 50
"""After a record, before it goes up: its door moves first, and what follows from it goes along."""

ACK_MS: Final = 10_000
"""A batch without an acknowledgement for this long is sent again."""

HOLE_MS: Final = 1_000
"""The same, where the cloud says again what it had: it has a hole before this batch."""

COMMANDS_AT_ONCE: Final = 4
"""A command may wait for a board; the next is not to grow old behind it."""

COMMANDS: Final = 16
"""Commands that wait; a person sends a few."""

RELEASE_LIFE_MS: Final = 10_000
"""From a release's issue to its expiry, at most: nobody stands at a door that opens by itself."""

AHEAD_MS: Final = 2_000
"""Two synchronised clocks differ by less."""

LATE_MS: Final = 7 * 24 * 3600 * 1000
"""How long after its expiry a command counts that releases nothing: a device was away."""

RESULT_BYTES: Final = 180 * 1024
"""A result: what still fits an envelope, as base64 and with its signature."""

PIECES_AT_ONCE: Final = 4
"""Pieces under way: 256 KB, a second at 2 Mbit/s."""

WRITE_AFTER_S: Final = 0.001
"""Before what we say is written: a command that has just come is at the disk by then, and what is
said meanwhile goes along."""

PIECE_PACE_MS: Final = 20
"""Between the pieces that follow each other, so that scans have the loop: 12 MB/s at the most."""

PIECE_MS: Final = 10_000
"""A piece that did not come within this is asked for again."""

PIECE_TRIES: Final = 3
"""Then the set waits for the manifest to be sent again, and goes on where it was."""

WORK: Final = 16
"""Pages of usage, acknowledgements and the like that wait for the disk."""

CLAIM_CHARS: Final = 20
"""Letters and digits of a claim's code: 100 bits, which nobody guesses in the day that it lives."""

CSR_BYTES: Final = 4 * 1024
"""A certificate request: one of a P-256 key has 250."""

CERTIFICATE_CHARS: Final = 16 * 1024
"""A certificate with those between it and the authority, PEM: some 800 each."""

TRUSTS: Final = 16
"""Trust documents of an admission, from the first on: one a year and some."""

TRUST_BYTES: Final = 24 * 1024
"""One of them in its envelope: 64 keys have 10,000, three authorities 11,000."""

AUTHORITIES: Final = 3
"""Authorities of the broker that a trust document names: old and new, and one to spare."""

AUTHORITY_BYTES: Final = 2 * 1024
"""The certificate of one, DER: 500 on a curve, 1,400 by RSA of 4096 bits."""

RENEW_MS: Final = 600_000
"""A request for the next certificate that was not answered within this is sent again."""

RENEWAL_SPREAD: Final = 15
"""By one part in so many of a certificate's life renewals of a chain are spread."""
