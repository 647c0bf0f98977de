"""From the parts of a signed manifest to a file of rules, in the worker: all of it, or nothing.

The order is the contract's: every part's size and hash, the rules' own checks, the fingerprint,
and the requests that the set brings with the answers that it has to give (its vectors).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, assert_never

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from zstandard import ZstdDecompressor, ZstdError, frame_content_size

from cloud_link.shapes import Malformed, canonical, plain
from cloud_link.wire import Manifest, Part
from edged.cloud import limits
from edged.core import access, seating
from edged.errors import RulesFaulty
from edged.readers.scene import with_places
from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet
from edged.store import rules
from policy.model import Decision, Device, Member, Rules, Scene, Side, Usage, UsageKey

BASE: Final = "base"
VECTORS: Final = "vectors"
MEMBERS: Final = "members/"


class Unfit(Exception):
    """A set of parts is no rule set for this device; the text names what is wrong."""


class Expected(BaseModel):
    """What a vector's answer has to be."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    verdict: str
    reason: str


class Vector(BaseModel):
    """A request that comes with the rules, and its answer (cloud_link/README.md)."""

    model_config = Expected.model_config

    member: str
    device: str
    at: str
    used: list[str] = Field(max_length=limits.VECTOR_KEYS)
    expect: Expected


@dataclass(frozen=True, slots=True)
class Store:
    """Where parts are kept: whole ones by their hash, growing ones beside them.

    None is waited for until it is on the disk: hundreds of syncs would hold up the entries beside
    them. A power cut may leave anything under a whole one's name, so each is looked at before it
    counts as held, once in a run; what is not whole is fetched again. `sound`: those that were.
    """

    folder: Path
    sound: set[str] = field(default_factory=set)

    def growing(self, sha256: str) -> Path:
        """Name the file of a part that is being fetched."""
        return self.folder / f"{sha256}.growing"

    def whole(self, sha256: str) -> Path:
        """Name the file of a part that is held."""
        return self.folder / f"{sha256}.zst"

    def missing(self, manifest: Manifest) -> list[str]:
        """Return the hashes of the parts that are not held."""
        return [one.sha256 for one in manifest.parts if not self._holds(one)]

    def keep(self, part: Part) -> None:
        """Keep what has grown, which was seen to be this part."""
        self.growing(part.sha256).replace(self.whole(part.sha256))
        self.sound.add(part.sha256)

    def unpack(self, part: Part) -> bytes:
        """Unpack a part that is held, never further than it may be large. Raises Unfit."""
        try:
            frame = self.whole(part.sha256).read_bytes()
            if frame_content_size(frame) != part.bytes:  # what it says is what it takes in memory
                raise Unfit(f"{part.name}: does not have its size")
            data = ZstdDecompressor().decompress(frame, max_output_size=part.bytes)
        except (OSError, ZstdError) as error:
            raise Unfit(f"{part.name}: {error}") from None
        if len(data) != part.bytes or hashlib.sha256(data).hexdigest() != part.sha256:
            raise Unfit(f"{part.name}: does not have its hash")
        return data

    def sweep(self, *manifests: Manifest) -> None:
        """Delete what none of these names."""
        named = {part.sha256 for manifest in manifests for part in manifest.parts}
        self.sound.intersection_update(named)
        for path in self.folder.glob("*"):
            if path.name.partition(".")[0] not in named:
                path.unlink()

    def _holds(self, part: Part) -> bool:
        if part.sha256 not in self.sound:
            try:
                self.unpack(part)
            except Unfit:
                return False
            self.sound.add(part.sha256)
        return True


def laid_out(manifest: Manifest) -> Mapping[str, Part]:
    """Return the parts by name: one base, and members in a power of two of parts. Raises Unfit."""
    by_name = {part.name: part for part in manifest.parts}
    names = [name for name in by_name if name.startswith(MEMBERS)]
    count = len(names)
    if len(by_name) < len(manifest.parts):
        raise Unfit("parts: a name stands twice")
    if BASE not in by_name:
        raise Unfit("parts: there is no base")
    if count & (count - 1) or {f"{MEMBERS}{n}" for n in range(count)} != set(names):
        raise Unfit("parts: members stand in 1, 2, 4 ... 4096 parts, numbered from 0")
    if sum(part.bytes for part in manifest.parts) > limits.SET_BYTES:
        raise Unfit(f"parts: more than {limits.SET_BYTES} bytes in all")
    return by_name


def home(member: str, count: int) -> int:
    """Return the number of the part in which a member stands: the first bits of its hash."""
    if count == 1:
        return 0
    first = int.from_bytes(hashlib.sha256(member.encode()).digest()[:4], "big")
    return first >> (32 - (count.bit_length() - 1))


def assemble(manifest: Manifest, store: Store) -> RuleSet:
    """Put a rule set together and check all of it.

    Raises:
        Unfit: It is not what the manifest says.
        RulesFaulty: The rules have faults.
    """
    by_name = laid_out(manifest)
    document = base(manifest, store.unpack(by_name[BASE]))
    held = [part for name, part in by_name.items() if name.startswith(MEMBERS)]
    found = rules_file.join(document, members(held, len(held), store), 0)
    if not isinstance(found, RuleSet):
        raise RulesFaulty([f"{one.path}: {one.message} ({one.code})" for one in found])
    if found.fingerprint != manifest.fingerprint:
        raise Unfit("fingerprint: is not that of the manifest")
    if VECTORS in by_name:
        check_vectors(found.rules, found.members, store.unpack(by_name[VECTORS]))
    return found


def build(manifest: Manifest, store: Store, folder: Path) -> Path:
    """Build a set's file in the folder of the rules; otherwise as `assemble`.

    Raises:
        RulesRefused, StoreFailed, OSError: As `edged.store.rules.build`.
    """
    return rules.build(assemble(manifest, store), folder, canonical(manifest))


def base(manifest: Manifest, data: bytes) -> dict[str, Any]:
    """Read the base, which has to be that of the manifest. Raises Unfit."""
    try:
        document = rules_file.load(data)
    except ValueError as error:
        raise Unfit(f"base: {error}") from None
    for name, said in (("version", manifest.version), ("tenant", manifest.tenant)):
        if document.get(name) != said:
            raise Unfit(f"base: {name} is not that of the manifest")
    if "members" in document:
        raise Unfit("base: members have parts of their own")
    return document


def number(part: Part) -> int:
    """Return the number of a part of members."""
    return int(part.name.removeprefix(MEMBERS))


def members(held: Sequence[Part], count: int, store: Store) -> Iterator[tuple[str, Any]]:
    """Give the members of some of `count` parts; each has to stand where its id says.

    Raises Unfit.
    """
    total = 0
    for part in held:
        try:
            documents = plain(store.unpack(part))
        except Malformed as error:
            raise Unfit(f"{part.name}: {error}") from None
        total += len(documents)
        if total > limits.MEMBERS:
            raise Unfit(f"members: more than {limits.MEMBERS}")
        for name, document in documents.items():
            if home(name, count) != number(part):
                raise Unfit(f"{part.name}: a member stands in the wrong part")
            yield name, document


def check_vectors(found: Rules, members: Mapping[str, Member], data: bytes) -> None:
    """Let the rules answer their own vectors. Raises Unfit: they don't answer as they should."""
    try:
        vectors = plain(b'{"vectors":' + data + b"}")["vectors"]
        if not isinstance(vectors, list) or len(vectors) > limits.VECTORS:
            raise Unfit(f"vectors: a list of at most {limits.VECTORS}")
        for number, said in enumerate(vectors):
            _check(f"vectors[{number}]", Vector.model_validate(said), found, members)
    except (Malformed, ValidationError):
        raise Unfit("vectors: are none") from None


def _check(where: str, vector: Vector, found: Rules, members: Mapping[str, Member]) -> None:
    device, member = found.devices.get(vector.device), members.get(vector.member)
    if device is None or member is None:
        raise Unfit(f"{where}: asks about a device or member that is not in the rules")
    try:
        at = datetime.fromisoformat(vector.at)
        used = Usage.of(map(_key, vector.used))
    except ValueError:
        raise Unfit(f"{where}: at or used can't be read") from None
    if at.tzinfo is None:
        raise Unfit(f"{where}: at has no zone")
    decision = _decide(found, device, member, Scene(at, used))
    if (decision.verdict.value, decision.reason.value) != (
        vector.expect.verdict,
        vector.expect.reason,
    ):
        raise Unfit(f"{where}: the answer is {decision.verdict} {decision.reason}")


def _decide(found: Rules, device: Device, member: Member, scene: Scene) -> Decision:
    held = seating.held(member, device.store, lambda _store, _seat: None)
    placed = with_places(scene, found, device, member, held)
    request = access.Request(found, device, member, None, placed, held)
    match device.side:
        case Side.IN:
            return access.decide_entry(request)
        case Side.OUT:
            return access.decide_exit(request)
        case other:
            assert_never(other)


def _key(text: str) -> UsageKey:
    """Read a usage key as it is spelt: owner/band/date, the store behind if any."""
    owner, band, day, *store = text.split("/")
    if len(store) > 1:
        raise ValueError(text)
    return UsageKey(owner, band, date.fromisoformat(day), *store)
