"""New rules are on trial until the cloud has heard that they work; else those before come back.

The files lie beside the rules, not in the journal: rules that crash the daemon have to be taken
back before anything reads them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from cloud_link.limits import REFUSED
from edged.cloud.files import write_whole
from edged.store import rules

log = structlog.get_logger()

CRASHES: Final = 2
"""Runs that ended unclean during a trial, after which the rules before come back."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Rules that are not confirmed yet; `previous` is the file of those before, None: none.

    `open_runs`: runs with these rules that have not ended cleanly, the one at work included.
    `replaced`: the trial that was on, while these are swapped in; it goes on if they are not.
    """

    version: int
    confirm_s: int
    previous: str | None
    open_runs: int = 1
    replaced: "Trial | None" = None


def read(folder: Path) -> Trial | None:
    """Return the trial in a folder of rules, if one is on; one that is damaged is none.

    Raises:
        OSError: The disk does not tell.
    """
    try:
        said = json.loads(_file(folder).read_bytes())
        replaced = said.pop("replaced", None)
        before = None if replaced is None else Trial(**replaced)
        trial = Trial(**said, replaced=before)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        log.error("trial_not_read", problem=repr(error))
        return None
    if before is not None and rules.active_version(folder) == before.version:
        return before
    return trial


def begin(folder: Path, trial: Trial) -> None:
    """Write a trial down, before its rules are activated."""
    said = asdict(trial)
    if trial.replaced is None:
        del said["replaced"]  # which a release before this one does not know
    write_whole(_file(folder), json.dumps(said).encode())


def end(folder: Path) -> None:
    """End a trial: its rules stay."""
    _file(folder).unlink(missing_ok=True)


def confirm(folder: Path, version: int) -> bool:
    """End the trial of this version, unless it was taken back, be it in part; whether it ended."""
    if rules.active_version(folder) != version:
        return False
    end(folder)
    return True


def revert(folder: Path, why: str) -> None:
    """Give the rules on trial up: those before are active again, and the refusal is kept."""
    trial = read(folder)
    if trial is None:
        return
    rules.revert(folder, trial.previous)
    refuse(folder, trial.version, why)
    end(folder)


def run_begins(folder: Path) -> None:
    """Count a start; after too many that ended unclean the rules on trial are given up.

    A disk that takes nothing stops no door: it is told, and nothing was counted.
    """
    try:
        _begin_run(folder)
    except OSError as error:
        log.error("trial_not_counted", problem=str(error))


def _begin_run(folder: Path) -> None:
    trial = read(folder)
    if trial is None:
        return
    if rules.active_version(folder) != trial.version:  # the power went before they were activated
        end(folder)
    elif trial.open_runs >= CRASHES:
        revert(folder, f"the daemon ended {trial.open_runs} times without being asked to")
    else:
        begin(folder, replace(trial, open_runs=trial.open_runs + 1))


def run_ends(folder: Path) -> None:
    """Take back the count of a run that ended as asked."""
    try:
        trial = read(folder)
        if trial is not None:
            begin(folder, replace(trial, open_runs=max(0, trial.open_runs - 1)))
    except OSError as error:
        log.error("trial_not_counted", problem=str(error))


def refused(folder: Path) -> Sequence[Mapping[str, object]]:
    """Return what was refused or given up, `version` and `why`, the newest first."""
    try:
        found = json.loads((folder / "refused.json").read_bytes())
        return tuple({"version": int(one["version"]), "why": str(one["why"])} for one in found)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.error("refused_not_read", problem=repr(error))
        return ()


def refuse(folder: Path, version: int, why: str) -> None:
    """Keep that a version was refused, and why."""
    others = [one for one in refused(folder) if one["version"] != version]
    kept = [{"version": version, "why": why}, *others][:REFUSED]
    write_whole(folder / "refused.json", json.dumps(kept).encode())


def _file(folder: Path) -> Path:
    return folder / "trial.json"
