"""`python -m hil.evidence run NAME ...`: show a claim anew; `table`: write README's table."""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).parents[2]
CLAIMS = Path(__file__).with_name("claims.toml")
RESULTS = Path(__file__).with_name("results")
README = ROOT / "README.md"
BEGIN, END = "<!-- evidence: made by python -m hil.evidence table -->", "<!-- /evidence -->"

Row = Mapping[str, Any]
_LAST_LINES: Final = 20  # of a command that failed: it may have taken an hour to come to them


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence, the command that shows it, and the code that it is about."""

    name: str
    says: str
    command: Sequence[str]
    about: Sequence[str]
    show: str
    goal: str = ""


def claims() -> list[Claim]:
    """Read all of them."""
    return [Claim(name, **table) for name, table in tomllib.loads(CLAIMS.read_text()).items()]


def run(claim: Claim) -> Row:
    """Run a claim's command, and keep what it said with where and when.

    Raises:
        ValueError: It failed, or said nothing that can be kept.
    """
    began = time.monotonic()
    command = [sys.executable if word == "python" else word for word in claim.command]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-_LAST_LINES:])
        raise ValueError(f"{claim.name}: ended with {done.returncode}\n{last}")
    changed = bool(_git("status", "--porcelain", "--", *claim.about))
    return keep(claim, done.stdout, _git("rev-parse", "HEAD"), changed=changed, began=began)


def keep(
    claim: Claim, said: str, commit: str, *, changed: bool = False, began: float | None = None
) -> Row:
    """Keep what a claim's command said, here and now, or on this machine at a commit before.

    Raises:
        ValueError: It said nothing that can be kept, or the commit is not known here.
    """
    rows = _objects(said)
    if not rows:
        raise ValueError(f"{claim.name}: its command said nothing")
    result = {
        "claim": claim.name,
        "shown": claim.show.format(**_given(rows)),
        "command": " ".join(claim.command),
        "commit": commit,
        "code": _code(claim, commit),
        "changed": changed,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "took_s": None if began is None else round(time.monotonic() - began),
        "machine": f"{os.cpu_count()} x {_processor()}, Python {platform.python_version()}",
        "rows": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{claim.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


def _given(rows: Sequence[Row]) -> dict[str, Any]:
    """Give what `show` may name: the last object's own, sums and the most over all, the least.

    `least` is of the numbers within a member of the last object, as counts by their names are.
    """
    numbers = {
        name: [row[name] for row in rows if isinstance(row.get(name), int | float)]
        for name in rows[-1]
    }
    return {
        **rows[-1],
        "rows": rows,
        "count": len(rows),
        "sums": {name: sum(found) for name, found in numbers.items()},
        "most": {name: max(found, default=0) for name, found in numbers.items()},
        "least": {
            name: min(within.values())
            for name, within in rows[-1].items()
            if isinstance(within, dict)
            and within
            and all(isinstance(one, int | float) for one in within.values())
        },
    }


def _objects(text: str) -> list[Row]:
    """Read what a command wrote: one JSON object, an array of them, or one a line."""
    try:
        said = json.loads(text)
        return said if isinstance(said, list) else [said]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def _git(*arguments: str) -> str:
    """Ask git. Raises ValueError with what it said when it failed."""
    command = ["/usr/bin/env", "git", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip())
    return done.stdout.strip()


def _code(claim: Claim, commit: str) -> list[str]:
    """Name the state of a claim's code at a commit: git's hash of each path.

    It outlives the commit, which a history that is written anew, or cloned in part, may not have.
    """
    return [_git("rev-parse", f"{commit}:{path}") for path in claim.about]


def kept(claim: Claim) -> Row | None:
    """Return what a claim's command last said, None: it was not run yet."""
    path = RESULTS / f"{claim.name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def is_old(claim: Claim, result: Row) -> bool:
    """Tell whether the code that the claim is about has changed, or may have, since then."""
    return bool(result.get("code") != _code(claim, "HEAD"))


def table() -> str:
    """Spell README's table."""
    lines = ["| claim | shown | by | when |", "| --- | --- | --- | --- |"]
    for claim in claims():
        result = kept(claim)
        if result is None:
            shown, when = "not shown yet", ""
        else:
            old = ", the code has changed since" if is_old(claim, result) else ""
            shown, when = result["shown"], f"{result['at'][:10]}{old}"
        goal = f" ({claim.goal})" if claim.goal else ""
        lines.append(f"| {claim.says}{goal} | {shown} | `{' '.join(claim.command)}` | {when} |")
    return "\n".join(lines)


def write(text: str) -> None:
    """Put the table where README has its marks."""
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main() -> int:
    """Run claims, or write the table; 0 if all was shown."""
    parser = argparse.ArgumentParser(prog="python -m hil.evidence", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="run the commands of claims and keep what they say")
    running.add_argument("names", nargs="*", help="default: all")
    keeping = commands.add_parser("keep", help="keep what a claim's command said before")
    keeping.add_argument("name")
    keeping.add_argument("said", type=Path, help="what it wrote on standard output")
    keeping.add_argument("--commit", required=True, help="the commit that it ran on")
    commands.add_parser("table", help="write README's table from what is kept")
    arguments = parser.parse_args()
    if arguments.command == "table":
        write(table())
        return 0
    if arguments.command == "keep":
        (claim,) = (one for one in claims() if one.name == arguments.name)
        commit = _git("rev-parse", "--verify", arguments.commit)
        print(keep(claim, arguments.said.read_text(), commit)["shown"])
        return 0
    failed = 0
    wanted = [one for one in claims() if not arguments.names or one.name in arguments.names]
    for n, claim in enumerate(wanted, start=1):
        print(f"[{n}/{len(wanted)}] {claim.name}: {' '.join(claim.command)}", flush=True)
        try:
            print(f"    {run(claim)['shown']}", flush=True)
        except ValueError as error:
            failed += 1
            print(f"    FAILED: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
