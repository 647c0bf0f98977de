"""What an earlier release wrote by the middle of a time, and what it decided in the rest of it."""

import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from hil.releases.played import play, take_over
from hil.releases.recorded import Decided
from hil.releases.shadow import read


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording: of which commit, and what it decided in [first_s, last_s)."""

    commit: str
    first_s: int
    last_s: int
    decided: Decided


_NEEDED = ("store.json", "acts.jsonl", "kept.json", "edged.toml", "state")


def keep(file: Path, commit: str, base: Path, store: Path, part_s: tuple[int, int]) -> Kept:
    """Let a release play a store that is prepared, and keep what it wrote before `part_s`.

    Raises:
        NotPlayed: It failed.
    """
    first_s, last_s = part_s
    play(base, store, 0, first_s)
    rest = store.with_name("rest")
    take_over(store, rest)
    play(base, rest, first_s, last_s)
    kept = Kept(commit, first_s, last_s, read(rest, first_s, last_s))
    said = {"commit": commit, "first_s": first_s, "last_s": last_s, "decided": kept.decided}
    (store / "kept.json").write_text(json.dumps(said))
    _leave_out_before(store / "acts.jsonl", first_s)
    with tarfile.open(file, "w:xz") as recording:
        for name in _NEEDED:
            recording.add(store / name, name, filter=_nobodys)
    return kept


def unpack(file: Path, folder: Path) -> Kept:
    """Put what was kept into a folder, as the release left it; the store can be played on."""
    with tarfile.open(file) as recording:
        recording.extractall(folder, filter="data")
    said = json.loads((folder / "kept.json").read_text())
    said["decided"] = {second: tuple(bodies) for second, bodies in said["decided"].items()}
    return Kept(**said)


def _leave_out_before(acts: Path, first_s: int) -> None:
    """What the state has already need not be done again."""
    whole = acts.with_suffix(".whole")
    shutil.move(acts, whole)
    lines = whole.read_text().splitlines(keepends=True)
    acts.write_text("".join(line for line in lines if json.loads(line)[0] >= first_s))


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out whose the files are, and when: the same recording is the same bytes."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member
