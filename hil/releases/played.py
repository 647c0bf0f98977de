"""A store in a folder, and releases that play it, each in a process with its own code."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

from hil.releases.month import acts
from hil.releases.store import store

ROOT: Final = Path(__file__).parents[2]
"""The code of this release."""


class NotPlayed(Exception):
    """A release did not come to the end; the text is its own."""


def checkout(commit: str, folder: Path) -> Path:
    """Put the code of a commit into a folder. Raises NotPlayed: there is no such commit."""
    command = ["/usr/bin/env", "git", "archive", commit]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise NotPlayed(done.stderr.decode())
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as code:
        code.extractall(folder, filter="data")
    return folder


def prepare(folder: Path, seed: int, days: int, people: int) -> None:
    """Write a store, and what happens there (`month.acts`)."""
    folder.mkdir(parents=True)
    (folder / "store.json").write_text(json.dumps(store(seed)))
    with (folder / "acts.jsonl").open("w", encoding="utf-8") as lines:
        for act in acts(seed, days, people):
            lines.write(json.dumps(act) + "\n")


def take_over(before: Path, after: Path) -> None:
    """Make a folder that goes on with what another holds."""
    shutil.copytree(before, after, symlinks=True)


def play(code: Path, folder: Path, first_s: int, last_s: int) -> None:
    """Let a release play a part of what happens. Raises NotPlayed."""
    script = Path(__file__).with_name("player.py")
    said = said_by(code, script, str(folder), str(first_s), str(last_s)).strip()
    if not Path(said).is_relative_to(code):
        raise NotPlayed(f"{code} was to play, and {said} did")


def said_by(code: Path, script: Path, *arguments: str, given: str = "") -> str:
    """Run a script with a release's code; give its output. Raises NotPlayed: its errors."""
    done = subprocess.run(
        [sys.executable, "-P", str(script), *arguments],
        env={**os.environ, "PYTHONPATH": str(code)},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotPlayed(done.stderr)
    return done.stdout
