"""The lock files: everything by hash, from nowhere in particular, and up to date."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.house import ROOT

RUNTIME, DEV = "requirements.txt", "requirements-dev.txt"
BENCH, MUTANTS = "requirements-bench.txt", "requirements-mutants.txt"
FUZZ = "requirements-fuzz.txt"
PINNED = re.compile(r"[a-z0-9-]+==\S+( ; .+)?( --hash=sha256:[0-9a-f]{64})+")


def entries(name: str) -> list[str]:
    """The entries of a lock file, a line each."""
    joined = (ROOT / name).read_text().replace("\\\n", " ")
    lines = (" ".join(line.split()) for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def locked(name: str) -> dict[str, Requirement]:
    found = (Requirement(entry.split(" --hash")[0]) for entry in entries(name))
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def asked() -> dict[str, list[str]]:
    """What pyproject.toml asks of each lock file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, groups = project["project"]["dependencies"], project["dependency-groups"]
    tested = runtime + groups["dev"]
    wider = {}
    for name, group in ((BENCH, "bench"), (MUTANTS, "mutants"), (FUZZ, "fuzz")):
        include, *more = groups[group]
        assert include == {"include-group": "dev"}
        wider[name] = tested + more
    return {RUNTIME: runtime, DEV: tested, **wider}


@pytest.mark.parametrize("name", [RUNTIME, DEV, BENCH, MUTANTS, FUZZ])
def test_everything_is_pinned_by_hash_and_names_no_place(name: str) -> None:
    assert entries(name)
    assert [entry for entry in entries(name) if not PINNED.fullmatch(entry)] == []
    assert "//" not in (ROOT / name).read_text()


@pytest.mark.parametrize(
    ("inner", "outer"), [(RUNTIME, DEV), (DEV, BENCH), (DEV, MUTANTS), (DEV, FUZZ)]
)
def test_what_runs_is_what_is_tested_and_measured(inner: str, outer: str) -> None:
    runs, tested = locked(inner), locked(outer)
    assert {name: str(pin.specifier) for name, pin in runs.items()} == {
        name: str(tested[name].specifier) for name in runs
    }


@pytest.mark.parametrize("name", [RUNTIME, DEV, BENCH, MUTANTS, FUZZ])
def test_the_lock_is_up_to_date(name: str) -> None:
    have = locked(name)
    stale = []
    for wanted in map(Requirement, asked()[name]):
        pin = have.get(canonicalize_name(wanted.name))
        version = str(pin.specifier).removeprefix("==") if pin else ""
        if not version or version not in wanted.specifier:
            stale.append(str(wanted))
    assert stale == [], "make lock"
