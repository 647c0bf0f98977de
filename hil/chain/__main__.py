"""`python -m hil.chain`: what devices cost a broker and a cloud, and how fast a queue is kept."""

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from hil.chain import drain as drains
from hil.chain import fleet as fleets

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

PATIENCE = "Rounds that each device does of either kind."


@app.command()
def fleet(
    *,
    devices: Annotated[int, typer.Option(min=1, max=5_000, help="Devices to connect.")] = 1_000,
    rounds: Annotated[int, typer.Option(min=1, max=100, help=PATIENCE)] = 3,
    period_s: Annotated[float, typer.Option(min=1, max=60, help="Length of a round, s.")] = 20,
    workers: Annotated[int, typer.Option(min=1, max=4, help="Workers of the cloud.")] = 1,
) -> None:
    """Connect simulated devices to one broker and one cloud; print what they cost, as JSON."""
    found = asyncio.run(fleets.measure(devices, rounds, period_s, workers))
    typer.echo(json.dumps(asdict(found)))


@app.command()
def drain(
    *,
    records: Annotated[int, typer.Option(min=200, max=1_000_000, help="Records.")] = 100_000,
) -> None:
    """Send queued records in batches, then one message each; print both times, as JSON."""
    batched, single = asyncio.run(drains.measure(records))
    ratios = {
        "wall": round(batched.wall_s / single.wall_s, 3),
        "cpu": round(batched.cpu_s / single.cpu_s, 3),
    }
    facts = {"records": records, "batched": asdict(batched), "single": asdict(single)}
    typer.echo(json.dumps({**facts, "ratio": ratios}))


def main() -> int:
    """Run one measurement; 2 if it can't be run here."""
    try:
        app(prog_name="python -m hil.chain")
    except (OSError, TimeoutError) as error:
        typer.echo(error, err=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
