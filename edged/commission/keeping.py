"""Where a walk stands, kept in the state directory: a break, or a power cut, begins no step anew.

A file of another format, or of other settings, is no walk that can be gone on with.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edged.cloud.files import write_whole
from edged.commission import limits
from edged.commission.words import Kind, Outcome, Step, Verdict
from edged.core.events import stamp_text

ENVELOPE, PAGE = "acceptance.json", "acceptance.html"
"""The report's files, in `report_folder` or where else it was asked for."""
_FORMAT: Final = "edged-walk/1"


class Done(BaseModel):
    """A step that has ended, and when, in UTC."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    kind: Annotated[Kind, Field(strict=False)]
    subject: str
    verdict: Annotated[Verdict, Field(strict=False)]
    why: str
    at: str


class _File(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    format: str
    settings: str
    began: str
    boot: str
    done: list[Done]


@dataclass(slots=True)
class Walk:
    """What has ended of a walk. `settings`: the SHA-256 of the file that it is about, in hex.

    `boot`: the start of the computer before the power cut; empty: not asked for yet.
    """

    path: Path
    settings: str
    began: str
    boot: str = ""
    done: dict[Step, Done] = field(default_factory=dict)

    @classmethod
    def resume(cls, state_dir: Path, config: Path, now: datetime, *, anew: bool) -> Self:
        """Go on with the walk that was broken off, if it is about these settings; or begin one."""
        path = report_folder(state_dir) / "walk.json"
        walk = cls(path, hashlib.sha256(config.read_bytes()).hexdigest(), stamp_text(now))
        kept = None if anew else _read(path)
        if kept is not None and (kept.format, kept.settings) == (_FORMAT, walk.settings):
            walk.began, walk.boot = kept.began, kept.boot
            walk.done = {Step(one.kind, one.subject): one for one in kept.done}
        return walk

    def end(self, step: Step, outcome: Outcome, now: datetime) -> None:
        """Keep how a step ended; it is on the disk when this returns. Raises OSError."""
        self.done[step] = Done(
            kind=step.kind,
            subject=step.subject,
            verdict=outcome.verdict,
            why=outcome.why,
            at=stamp_text(now),
        )
        self.keep()

    def note_boot(self, boot: str) -> None:
        """Keep before which start of the computer the power cut is to be. Raises OSError."""
        self.boot = boot
        self.keep()

    def keep(self) -> None:
        """Write the file. Raises OSError."""
        told = _File(
            format=_FORMAT,
            settings=self.settings,
            began=self.began,
            boot=self.boot,
            done=list(self.done.values()),
        )
        write_whole(self.path, told.model_dump_json(indent=1).encode())


def report_folder(state_dir: Path) -> Path:
    """Name where reports go that are asked for nowhere else."""
    return state_dir / "commission"


def _read(path: Path) -> _File | None:
    try:
        with path.open("rb") as file:
            return _File.model_validate_json(file.read(limits.STATE_BYTES))
    except (OSError, ValidationError):
        return None
