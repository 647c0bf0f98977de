"""The acceptance report: what passed, what failed, what was skipped; signed by the device.

The signed document is an envelope of kind `acceptance` (DSSE, cloud_link/envelope.py); the page
for people is made from it, and names its fingerprint.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cloud_link.envelope import open_envelope, seal
from cloud_link.shapes import Malformed
from edged.commission.findings import Finding, Grade
from edged.commission.keeping import Done, Walk
from edged.commission.words import Kind, Step, Verdict
from edged.errors import Untrusted
from edged.settings.model import Settings

KIND: Final = "acceptance"
_FORMAT: Final = "edged-acceptance/1"
_WAYS_OUT: Final = frozenset({Kind.FROZEN, Kind.DARK})
"""Steps that nobody may skip: software is never the only way out (ARCHITECTURE, invariant 1)."""


class Look(BaseModel):
    """A finding of the doctor's, as the report keeps it."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    check: str
    grade: Annotated[Grade, Field(strict=False)]
    said: str
    todo: str


class Acceptance(BaseModel):
    """A report. `settings`: SHA-256 of the settings file; times are UTC; `by`: who walked."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    format: str
    device: str
    version: str
    settings: str
    simulated: bool
    began: str
    ended: str
    by: str
    accepted: bool
    missing: list[str]
    steps: list[Done]
    looks: list[Look]

    def count(self, verdict: Verdict) -> int:
        """Count the steps that ended so."""
        return sum(step.verdict is verdict for step in self.steps)


@dataclass(frozen=True, slots=True)
class Signed:
    """A report, its envelope and its page."""

    report: Acceptance
    envelope: bytes
    page: str


def draw_up(
    settings: Settings, walk: Walk, steps: Sequence[Step], looks: Sequence[Finding], by: str
) -> Acceptance:
    """Write the report of a walk. `steps`: all that the device has; those not done are missing.

    It is accepted if no step failed or is missing, and no way out was skipped.
    """
    done = [walk.done[step] for step in steps if step in walk.done]
    missing = [step.key for step in steps if step not in walk.done]
    return Acceptance(
        format=_FORMAT,
        device=settings.device,
        version=version("edged"),
        settings=walk.settings,
        simulated=settings.allow_simulated,
        began=walk.began,
        ended=max((one.at for one in done), default=walk.began),
        by=by,
        accepted=not missing and not any(map(_spoils, done)),
        missing=missing,
        steps=done,
        looks=[
            Look(check=one.check, grade=one.grade, said=one.said, todo=one.todo) for one in looks
        ],
    )


def _spoils(step: Done) -> bool:
    skipped = step.verdict is Verdict.SKIPPED and step.kind in _WAYS_OUT
    return skipped or step.verdict is Verdict.FAILED


def sign(report: Acceptance, key: Ed25519PrivateKey) -> Signed:
    """Seal a report with the device's key, and make its page."""
    payload = json.dumps(report.model_dump(mode="json"), sort_keys=True).encode()
    envelope = seal(KIND, payload, key)
    return Signed(report, envelope, _page(report, envelope))


def verify(data: bytes, public: bytes) -> Acceptance:
    """Read a report that the key `public` has signed. Raises Untrusted."""
    try:
        envelope = open_envelope(data)
        if envelope.kind != KIND:
            raise Untrusted("it is no acceptance report")
        if not envelope.signers([public]):
            raise Untrusted("this key did not sign it, or it was changed since")
        report = Acceptance.model_validate_json(envelope.payload)
    except (Malformed, ValidationError):
        raise Untrusted("it is no acceptance report") from None
    if report.format != _FORMAT:
        raise Untrusted(f"a report of another format: {report.format}")
    return report


def fingerprint(envelope: bytes) -> str:
    """Name an envelope: its SHA-256, in hex."""
    return hashlib.sha256(envelope).hexdigest()


def _page(report: Acceptance, envelope: bytes) -> str:
    loader = FileSystemLoader(Path(__file__).with_name("templates"))
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("acceptance.html")
    return page.render(
        report=report, counts={v: report.count(v) for v in Verdict}, seal=fingerprint(envelope)
    )
