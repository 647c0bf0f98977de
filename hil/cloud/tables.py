"""What the cloud remembers: one schema for SQLite and PostgreSQL. Tables only ever gain columns."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA = MetaData()

counter = Table(  # "usage": the newest position of the stream; "rules": the newest version
    "counter",
    SCHEMA,
    Column("name", String(16), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

trust = Table(
    "trust",
    SCHEMA,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("envelope", LargeBinary, nullable=False),
)

device = Table(
    "device",
    SCHEMA,
    Column("name", String(64), primary_key=True),
    Column("key", LargeBinary, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("rules", BigInteger),  # the version that it is to have, if not everybody's
    Column("added_at", String(24), nullable=False),
)

presence = Table(  # what a device last said of itself; `seen_at` is by the cloud's clock
    "presence",
    SCHEMA,
    Column("device", ForeignKey("device.name"), primary_key=True),
    Column("boot", String(16), nullable=False),
    Column("session", BigInteger, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("link", String(8), nullable=False),
    Column("seen_at", String(24), nullable=False),
    Column("epoch", String(16), nullable=False),
    Column("usage", BigInteger, nullable=False),  # the position that it has reached
    Column("report", Text, nullable=False),
)

start = Table(  # the last report of each start of a device
    "start",
    SCHEMA,
    Column("device", ForeignKey("device.name"), primary_key=True),
    Column("boot", String(16), primary_key=True),
    Column("session", BigInteger, nullable=False),
    Column("n", BigInteger, nullable=False),
)

audit = Table(  # records `first` to `last`: a batch as it came, less its first `known` records
    "audit",
    SCHEMA,
    Column("device", String(64), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("known", BigInteger, nullable=False),
    Column("frame", LargeBinary, nullable=False),
)

head = Table(  # the newest cosigned record of an epoch; `first`: where what is known begins
    "head",
    SCHEMA,
    Column("device", String(64), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("learned", BigInteger, nullable=False),  # how far the cloud has read in it
    Column("ack", LargeBinary, nullable=False),
    Column("at", String(24), nullable=False),
)

usage = Table(  # the stream of what was used up: an entry, or its event withdrawn
    "usage",
    SCHEMA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("owner", String(128), nullable=False),
    Column("day", String(10), nullable=False),
    Column("band", String(64), nullable=False),
    Column("store", String(64), nullable=False),
    Column("event", String(64), nullable=False),
    UniqueConstraint("event", "withdrawn", "owner", "day", "band", "store"),
    Index("usage_of_owner", "owner", "day"),
)

locker = Table(
    "locker",
    SCHEMA,
    Column("device", String(64), primary_key=True),
    Column("locker", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("occupancy", String(64)),
    Column("member", String(64)),
    Column("start", String(32)),
    Column("end", String(32)),
    Column("product", String(64)),
)

seat = Table(
    "seat",
    SCHEMA,
    Column("device", String(64), primary_key=True),
    Column("store", String(64), primary_key=True),
    Column("seat", String(64), primary_key=True),
    Column("member", String(64), nullable=False),
    Column("product", String(64), nullable=False),
    Column("io", String(8)),
    Column("since", String(32), nullable=False),
)

part = Table(
    "part",
    SCHEMA,
    Column("sha256", String(64), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("frame", LargeBinary, nullable=False),
)

ruleset = Table(
    "ruleset",
    SCHEMA,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("fingerprint", String(64), nullable=False),
    Column("issued_at", String(24), nullable=False),
    Column("confirm_s", BigInteger, nullable=False),
    Column("content_of", BigInteger),  # the version that it brings back
    Column("parts", Text, nullable=False),  # the manifest's, as JSON
)

command = Table(
    "command",
    SCHEMA,
    Column("id", String(36), primary_key=True),
    Column("device", ForeignKey("device.name"), nullable=False),
    Column("verb", String(64), nullable=False),
    Column("release", Boolean, nullable=False),
    Column("by", String(64), nullable=False),
    Column("issued_at", String(24), nullable=False),
    Column("expires_at", String(24), nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("sent", Boolean, nullable=False),
    Column("result", String(64)),
    Column("answer", Text),  # the whole payload
    Index("command_of_device", "device", "sent"),
)

alarm = Table(
    "alarm",
    SCHEMA,
    Column("device", String(64), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("detail", String(256), primary_key=True),
    Column("since", String(24), nullable=False),
)

claim = Table(  # `request`: the one that used it up
    "claim",
    SCHEMA,
    Column("device", String(64), primary_key=True),
    Column("serial", String(64), nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("expires_at", String(24), nullable=False),
    Column("request", String(32)),
)

enrolment = Table(  # who asks to be admitted; `answer`: the admission, once it is granted
    "enrolment",
    SCHEMA,
    Column("request", String(32), primary_key=True),
    Column("device", String(64), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("csr", LargeBinary, nullable=False),
    Column("seen_at", String(24), nullable=False),
    Column("answer", LargeBinary),
)

renewal = Table(
    "renewal",
    SCHEMA,
    Column("device", String(64), primary_key=True),
    Column("request", String(32), primary_key=True),
    Column("at", String(24), nullable=False),
    Column("answer", LargeBinary, nullable=False),
)
