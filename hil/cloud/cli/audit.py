"""`audit`: the cloud's copy of what happened."""

from typing import Annotated

import typer
from sqlalchemy import Connection

from hil.cloud import archive
from hil.cloud.cli.common import HERE, AsJson, FolderPath, Refused, opened, table

app = typer.Typer(no_args_is_help=True, help=__doc__)

Only = Annotated[str | None, typer.Option("--device", help="Of this device only.")]


@app.command()
def verify(*, device: Only = None, path: FolderPath = HERE, as_json: AsJson = False) -> None:
    """Walk every copy from its first record to its cosigned head; exit status 1 for a fault."""
    rows = []
    with opened(path, reading=True) as (_, db):
        for newest in archive.heads(db, device):
            broken = archive.verify(db, newest)
            fault = None if broken is None else f"{broken.seq}: {broken.why}"
            who = {name: newest[name] for name in ("device", "epoch", "first", "seq")}
            rows.append({**who, "head": newest["hash"].hex(), "fault": fault})
    table(rows, ("device", "epoch", "first", "seq", "head", "fault"), as_json=as_json)
    if any(row["fault"] for row in rows):
        raise Refused("a copy is not as it was written")


@app.command()
def show(
    device: Annotated[str, typer.Argument(help="The device's name.")],
    *,
    count: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 20,
    path: FolderPath = HERE,
) -> None:
    """Print a device's newest records as they were written, one a line."""
    with opened(path, reading=True) as (_, db):
        for data in _newest(db, device, count):
            typer.echo(data.decode("ascii"))


def _newest(db: Connection, device: str, count: int) -> list[bytes]:
    mine = archive.heads(db, device)
    if not mine:
        return []
    after = mine[-1]["seq"] - count
    return [data for _, data in archive.records(db, device, mine[-1]["epoch"], after)]
