"""Planted: the link to the active rules is taken away before there is another."""

from pathlib import Path

from edged.store import rules
from hil.crash import stubborn_rules


def _link(folder: Path, name: str) -> None:
    (folder / rules.ACTIVE).unlink(missing_ok=True)
    (folder / rules.ACTIVE).symlink_to(name)


def work(folder: Path, said: str) -> bool:
    """Work with that."""
    vars(rules)["_link"] = _link
    return stubborn_rules.work(folder, said)
