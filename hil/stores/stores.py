"""Two stores, the cloud that counts for both, and the broker between: all put up in one folder."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from hil.chain.broker import Mosquitto, free_port
from hil.chain.line import now
from hil.site import rules as samples
from hil.site.site import Site
from hil.stores.branch import BRANCH, make_branch
from hil.stores.cloud import Cloud
from hil.stores.line import Line
from hil.stores.mischief import MessageLine, Mischief

RULES_S = 180.0
"""How long the worker that builds rules may take on a busy machine."""
_AGAIN_S = 0.1


class Stores:
    """The two stores of one tenant. Change what `sites` and `rules` say before `async with`.

    Store S1 is the usual site, S2 a branch with one door, `south`. Both have one set of rules, from
    the cloud; a use counts for the store that it was at.

    Args:
        folder: Where everything is; its path must be short, sockets live in it.
        main: S1, not up yet; its folder lies in `folder`.
        branch: Becomes S2.
        workers: Processes of the cloud.
        tell: Is told what is up, while everything is put up.
        mischief: What becomes of messages on the lines.
    """

    def __init__(
        self,
        folder: Path,
        main: Site,
        branch: Site,
        *,
        workers: int = 1,
        tell: Callable[[str], None] = lambda _: None,
        mischief: Mischief | None = None,
    ) -> None:
        self.folder = folder
        self._tell = tell
        self._mischief = mischief
        self.rules = make_branch(main, branch)
        self.sites = {samples.STORE: main, BRANCH: branch}
        self.cloud = Cloud(folder / "cloud", workers)
        self.broker = Mosquitto(folder / "broker", self.cloud.certificates)
        self.lines: dict[str, Line] = {}
        self._up = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Put everything up; return when both stores decide by the cloud's rules.

        Raises:
            DidNotStart: One of the programs, with what it said.
            TimeoutError: The rules did not come.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.broker.port = free_port()
            names = [site.settings["device"] for site in self.sites.values()]
            await self.cloud.create(samples.TENANT, self.broker.port, names)
            self._tell("a cloud with keys of its own, and certificates for everybody")
            self._up.push_async_callback(self.broker.stop)
            await self.broker.start()
            self._up.push_async_callback(self.cloud.stop)
            version = await self.cloud.publish(self.rules)
            await self.cloud.start()
            self._tell("the broker, and the cloud at it; rules for both stores are published")
            for store in self.sites:
                self.lines[store] = await self._up.enter_async_context(self._line(store))
                await self._open(store)
            for store, site in self.sites.items():
                await self.has_rules(site, version)
                self._tell(f"store {store} has its rules from the cloud")
        except BaseException:
            await self._up.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything, the daemons first."""
        await self._up.aclose()

    @property
    def month(self) -> str:
        """This month of both stores, YYYY-MM."""
        return f"{samples.service_date(now()):%Y-%m}"

    async def pin(self, site: Site) -> None:
        """Pin the tenant's trust on a device, and tell the cloud the device's key."""
        (told,) = await site.told("trust", "pin", str(self.cloud.trust))
        key = told["device_key"]
        await self.cloud.run("device", "add", site.settings["device"], "--key", key)

    async def has_rules(self, site: Site, version: int) -> None:
        """Wait until a site decides by the rules of a version. Raises TimeoutError."""
        async with asyncio.timeout(RULES_S):
            while True:
                rules = (await site.told("status"))[0]["rules"]
                if rules is not None and rules["version"] == version:
                    return
                await asyncio.sleep(_AGAIN_S)

    async def counts(self, owner: str, member: str) -> dict[str, int]:
        """Say how often a contract was used this month, as the cloud and each store know it."""
        of_month = self.month
        asked = {"cloud": self.cloud.run("usage", "show", "--month", of_month)} | {
            store: site.told("usage", member, "--month", of_month)
            for store, site in self.sites.items()
        }
        told = await asyncio.gather(*asked.values())
        return {
            who: sum(row["count"] for row in rows if row["owner"] == owner)
            for who, rows in zip(asked, told, strict=True)
        }

    async def _open(self, store: str) -> None:
        """Put a store up."""
        site = self.sites[store]
        site.settings["cloud"] = self._link(store)
        site.rules = self.rules
        site.write()
        self._up.push_async_callback(site.stop)
        ready = await site.start_building()
        for url in ready["cameras"].values():
            await site.start_eye(url)
        await self.pin(site)
        await site.start_daemon()
        self._tell(f"store {store}: a building, and its daemon, which trusts the cloud")

    def _line(self, store: str) -> Line:
        port, device = self.broker.port, self.sites[store].settings["device"]
        if self._mischief is None:
            return Line(port)
        return MessageLine(port, self.cloud.certificates, device, self._mischief)

    def _link(self, store: str) -> dict[str, Any]:
        device, folder = self.sites[store].settings["device"], self.cloud.certificates
        return {
            "host": "127.0.0.1",
            "port": self.lines[store].port,
            "tenant": samples.TENANT,
            "ca_file": str(folder / "ca.crt"),
            "certificate_file": str(folder / f"{device}.crt"),
            "key_file": str(folder / f"{device}.key"),
        }
