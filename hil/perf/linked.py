"""One store with a cloud and a broker, every process real: measurements of the link stand on it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hil.chain.broker import Mosquitto
from hil.site.site import Site
from hil.stores.branch import BRANCH
from hil.stores.cloud import Cloud
from hil.stores.stores import Stores

PULSE_MS = 500


class _Straight(Stores):
    """A store whose daemon reaches the broker by no line that could be pulled."""

    def _link(self, store: str) -> dict[str, Any]:
        return {**super()._link(store), "port": self.broker.port}


@asynccontextmanager
async def linked(
    folder: Path,
    members: int,
    *,
    straight: bool = False,
    far: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[Stores, Site]]:
    """Put a store up whose rules name so many members, all of whom may come in.

    `straight`: nothing of ours lies between the daemon and the broker. `far`: where the cloud and
    the broker keep their files, if not beside the daemon's. `env`: added to the daemon's.
    """
    site = Site(folder / "s1", env=env or {})
    stores = (_Straight if straight else Stores)(folder, site, Site(folder / "s2"))
    del stores.sites[BRANCH]
    if far is not None:
        stores.cloud = Cloud(far / "cloud")
        stores.broker = Mosquitto(far / "broker", stores.cloud.certificates)
    stores.rules["plans"]["ALL"] = {"bands": [{"kind": "NOW"}]}
    stores.rules["members"] = {f"m{n}": member(n) for n in range(members)}
    for door in stores.rules["doors"].values():
        door["pulse_ms"] = PULSE_MS
    site.building["doors"]["front"]["opens_after_ms"] = 0
    async with stores as up:
        yield up, site


def member(number: int) -> dict[str, Any]:
    """Write a member who may come in."""
    contract = {"id": f"C{number}", "plan": "ALL", "start": "2025-01-01"}
    return {"handle": handle(number).hex(), "contracts": [contract]}


def handle(number: int) -> bytes:
    """Eight bytes that mean a member."""
    return b"c" + number.to_bytes(7, "big")


def rss_mb(pid: int) -> float:
    """Return what a process alone holds in memory now, MB."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024
