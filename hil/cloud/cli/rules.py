"""`rules`: publish a folder of readable files, to some devices first, then on or back."""

from pathlib import Path
from typing import Annotated

import typer

from hil.cloud import folder, rulefiles, rulesets, spelling
from hil.cloud.cli.common import HERE, AsJson, FolderPath, opened, table, tell

app = typer.Typer(no_args_is_help=True, help=__doc__)

To = Annotated[list[str] | None, typer.Option("--to", help="Only this device; may be given again.")]
Version = Annotated[int, typer.Argument(help="The version.")]
Confirm = Annotated[int, typer.Option(min=0, max=86_400, help="Time on trial, s; 0: none.")]


@app.command()
def publish(
    files: Annotated[Path, typer.Argument(help="The folder of .toml and .json files.")],
    *,
    to: To = None,
    confirm_s: Confirm = 0,
    path: FolderPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Publish the files as a new version, to everybody or to some devices first."""
    at = spelling.now()
    document, vectors = rulefiles.read(files, folder.load(path).settings.tenant)
    rulefiles.check({"version": 1, "issued_at": spelling.instant(at), **document})
    cut = rulesets.cut(document, vectors)
    with opened(path) as (_, db):
        version = rulesets.publish(db, cut, confirm_s, at)
        rulesets.give(db, version, to)
    _told(version, to, as_json=as_json)


@app.command()
def on(
    version: Version,
    *,
    to: To = None,
    path: FolderPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Give a version that some devices have to more of them, or to everybody."""
    with opened(path) as (_, db):
        rulesets.give(db, version, to)
    _told(version, to, as_json=as_json)


@app.command()
def rollback(
    version: Annotated[int, typer.Argument(help="The version whose content comes back.")],
    *,
    to: To = None,
    confirm_s: Confirm = 0,
    path: FolderPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Bring the content of an older version back, under a new one."""
    with opened(path, reading=True) as (_, db):
        cut = rulesets.cut(*rulesets.content(db, version))
    with opened(path) as (_, db):
        new = rulesets.publish(db, cut, confirm_s, spelling.now(), version)
        rulesets.give(db, new, to)
    _told(new, to, as_json=as_json)


@app.command()
def status(*, path: FolderPath = HERE, as_json: AsJson = False) -> None:
    """Show which version every device is to have, which it goes by, and what it refused."""
    with opened(path, reading=True) as (_, db):
        rows = rulesets.status(db)
    table(rows, ("device", "due", "version", "trial", "refused"), as_json=as_json)


def _told(version: int, to: list[str] | None, *, as_json: bool) -> None:
    whom = ", ".join(to) if to else "everybody"
    facts = {"version": version, "to": to}
    tell(facts, f"version {version}: to {whom}", as_json=as_json)
