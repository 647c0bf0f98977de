"""A batch of the audit: from the broker's bytes to records that one signature covers. Pure."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import zstandard

from hil.cloud import dsse, limits, payloads
from hil.cloud.payloads import Checkpoint
from hil.cloud.spelling import Rejected, canonical, no_fraction

GENESIS: Final = bytes(32)
"""What the first record names as the hash of the one before."""

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_DECODE: Final = json.JSONDecoder().raw_decode
_WHOLE: Final = json.JSONDecoder(parse_float=no_fraction, parse_constant=no_fraction).decode


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its number, its bytes, their SHA-256, that of the one before in hex."""

    seq: int
    data: bytes
    hash: bytes
    prev: str

    def follows(self, seq: int, head: bytes) -> bool:
        """Say whether it comes right after record `seq` with this hash."""
        return self.seq == seq + 1 and self.prev == head.hex()


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in their order without a hole, and what the device signed for the last one.

    `payload`: the checkpoint's bytes, which the cloud signs too; `frame`: all of it as it came.
    """

    checkpoint: Checkpoint
    payload: bytes
    frame: bytes
    records: Sequence[Record]


def unpack(frame: bytes, tenant: str, device: str, key: bytes) -> Batch:
    """Open a batch and verify all of it that can be verified without what came before.

    Raises:
        Rejected: It is not one, or not one that this device signed.
    """
    envelope, *lines = lines_of(frame)
    payload = payloads.verified(dsse.read(envelope), "checkpoint", tenant, device, key)
    checkpoint = payloads.read(Checkpoint, payload)
    records = [read_record(line) for line in lines]
    if not all(after.follows(before.seq, before.hash) for before, after in pairwise(records)):
        raise Rejected("broken chain")
    first, last = records[0], records[-1]
    if (last.seq, last.hash.hex()) != (checkpoint.seq, checkpoint.head):
        raise Rejected("checkpoint of other records")
    if first.seq == 1 and first.prev != GENESIS.hex():
        raise Rejected("broken chain")
    return Batch(checkpoint, payload, frame, records)


def read_record(data: bytes) -> Record:
    """Read a record's place in the chain, and nothing else of it: a drain's time goes here.

    Raises:
        Rejected: It does not say its place.
    """
    try:
        body, end = _DECODE(text := data.decode("ascii"))
        seq, prev = body["seq"], body["prev"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Rejected("not a record") from error
    if type(seq) is not int or seq < 1 or type(prev) is not str or end != len(text):
        raise Rejected("not a record")
    if not _HASH.fullmatch(prev):
        raise Rejected("not a record")
    return Record(seq, data, hashlib.sha256(data).digest(), prev)


def body_of(data: bytes) -> dict[str, Any]:
    """Read what a record says.

    Raises:
        Rejected: It is not in its one spelling.
    """
    try:
        body = _WHOLE(data.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise Rejected("not a record") from error
    if not isinstance(body, dict) or canonical(body) != data:  # so no key stands twice
        raise Rejected("not in its one spelling")
    return body


def lines_of(frame: bytes) -> list[bytes]:
    """Unpack a batch: the checkpoint's envelope, then the records.

    Raises:
        Rejected: It is no batch.
    """
    try:
        if zstandard.frame_content_size(frame) > limits.BATCH_BYTES:
            raise Rejected("batch too large")
        unpacked = zstandard.ZstdDecompressor().decompress(
            frame, max_output_size=limits.BATCH_BYTES, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise Rejected("not a zstd frame") from error
    *lines, rest = unpacked.split(b"\n")
    if rest or not 2 <= len(lines) <= limits.BATCH_RECORDS + 1:
        raise Rejected("not a batch")
    return lines
