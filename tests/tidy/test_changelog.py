"""CHANGELOG.md is one that Keep a Changelog would know."""

import re
import tomllib

from tests.tidy.house import ROOT

LINES = (ROOT / "CHANGELOG.md").read_text().splitlines()
VERSION = re.compile(r"## \[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d{2}-\d{2}")
SECTIONS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_it_starts_with_what_is_not_released() -> None:
    assert LINES[0] == "# Changelog"
    assert next(line for line in LINES if line.startswith("## ")) == "## [Unreleased]"


def test_versions_fall() -> None:
    titles = [line for line in LINES if line.startswith("## ")][1:]
    versions = [match.groups() for match in map(VERSION.fullmatch, titles) if match]
    assert len(versions) == len(titles)
    numbers = [tuple(map(int, version)) for version in versions]
    assert numbers == sorted(set(numbers), reverse=True)


def test_sections_are_the_known_ones() -> None:
    assert {line[4:] for line in LINES if line.startswith("### ")} <= SECTIONS


def test_a_released_version_is_the_project_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    released = [line for line in LINES if VERSION.fullmatch(line)]
    assert not released or released[0].startswith(f"## [{project['version']}]")
