"""The rules alone, asked what an earlier release's were: worlds that are drawn, no device."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from hil.releases.played import ROOT, NotPlayed, said_by

SCRIPT: Final = ROOT / "tests" / "hil" / "answers.py"
_PIECE: Final = 200
"""Rows at a time: seconds, and some MB."""

Answered = tuple[Any, Any, Any]
"""What was asked, what the earlier release says, and what this one says."""


def answered(base: Path, seed: int, rows: int) -> Iterator[Answered]:
    """Yield each question of so many rows (some sixty each) with both answers.

    Raises:
        NotPlayed: One of both failed, has no such questions, or was not asked the same.
    """
    if not (base / "tests" / "oracle" / "engine.py").is_file():
        raise NotPlayed(f"{base}: the rules of this release can't be asked")
    for first, last in pairwise([*range(0, rows, _PIECE), rows]):
        drawn = said_by(ROOT, SCRIPT, "--rows", str(first), str(last), "--seed", str(seed))
        before, after = (said_by(code, SCRIPT, given=drawn).splitlines() for code in (base, ROOT))
        for was, now in zip(map(json.loads, before), map(json.loads, after), strict=True):
            for (question, old), (same, new) in zip(was, now, strict=True):
                if question != same:
                    raise NotPlayed(f"{question} was to be asked, and {same} was")
                yield question, old, new
