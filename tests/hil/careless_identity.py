"""Planted: a file is emptied before it is filled."""

import os
from pathlib import Path

from edged.cloud import files, trusting
from edged.identity import course, slots
from hil.crash import stubborn_identity


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)


def work(folder: Path, said: str) -> bool:
    """Work with that."""
    for module in (files, trusting, course, slots):
        vars(module)["write_whole"] = _write
    return stubborn_identity.work(folder, said)
