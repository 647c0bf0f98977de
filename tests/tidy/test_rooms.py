"""What stands where, and that each room says what it is for."""

import re
from pathlib import Path

from tests.tidy.house import CODE, PACKAGES, ROOT, files, where

TOP_LEVEL = {"edged", "drivers", "policy", "cloud_link", "hil", "systemd", "config", "tests"} | {
    "pyproject.toml", "requirements.txt", "requirements-dev.txt",
    "requirements-bench.txt", "requirements-mutants.txt", "requirements-fuzz.txt",
    "Makefile", "README.md", "LICENSE", "CHANGELOG.md",
}  # fmt: skip
TARGET = re.compile(r"^([a-z0-9-]+):", re.MULTILINE)
TOLD = re.compile(r"`make ([a-z0-9-]+)")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
LEAKS = re.compile(
    r"(^|[^\w.])/(home|root|Users|wor[k]|tmp/pytest)(/|\b)"  # a machine's own folders
    r"|\b(p[y]pi\.org|pythonh[o]sted\.org|d[e]bian\.org|npm[j]s\.(org|com)|piwh[e]els\.org)"
)


def readmes() -> list[Path]:
    return list(files("", name="README.md"))


def test_only_what_belongs_stands_at_the_top() -> None:
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - {"build", "dist"} <= TOP_LEVEL


def test_every_room_has_a_readme() -> None:
    rooms = {path.parent for path in files(*PACKAGES, "hil", name="*.py")}
    rooms |= {ROOT / "tests", ROOT / "tests/tidy", ROOT / "systemd", ROOT / "config", ROOT}
    assert sorted(where(room) for room in rooms if not (room / "README.md").is_file()) == []


def test_every_package_is_typed() -> None:
    assert [name for name in PACKAGES if not (ROOT / name / "py.typed").is_file()] == []


def test_readmes_point_at_things_that_are_there() -> None:
    dead = [
        f"{where(path)}: {target}"
        for path in readmes()
        for target in LINK.findall(path.read_text())
        if not (path.parent / target).exists()
    ]
    assert dead == []


def test_readmes_name_make_targets_that_are_there() -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text()))
    told = {(where(path), name) for path in readmes() for name in TOLD.findall(path.read_text())}
    assert told  # the first README tells of `make run` and `make test`
    assert {(path, name) for path, name in told if name not in targets} == set()


def test_every_make_target_for_people_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    explained = set(re.findall(r"^([a-z0-9-]+):.*## ", makefile, re.MULTILINE))
    assert set(phony.split()) == explained


def test_no_machine_and_no_registry_is_named() -> None:
    text = {".py", ".md", ".toml", ".txt", ".json", ".sql", ".service", ".jsonl", ""}
    leaks = [
        f"{where(path, number)}: {line.strip()[:80]}"
        for path in files("")
        if path.suffix in text
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if LEAKS.search(line)
    ]
    assert leaks == []


def test_a_leak_would_be_seen() -> None:
    assert LEAKS.search("cd /" + "home/someone/edged")
    assert LEAKS.search("--index-url https://py" + "pi.org/simple")
    assert not LEAKS.search("a network/home/cloud drawing, /var/lib/edged")


def test_tests_mirror_the_code() -> None:
    rooms = {path.parent.name for path in files(*CODE, name="*.py")} | {"tidy", "e2e", "vectors"}
    folders = {path.parent.name for path in files("tests", name="test_*.py")} - {"tests"}
    assert folders <= rooms
