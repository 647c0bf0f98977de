"""NetworkManager by its own command, `nmcli`: no secret is ever on a command line."""

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Final, Protocol

from edged import limits
from edged.cloud.files import write_whole
from edged.errors import NetworkRefused, NotFound

TRIAL: Final = Path("/run/NetworkManager/system-connections")
"""Profiles that are gone with the power."""
KEPT: Final = Path("/etc/NetworkManager/system-connections")
_TYPES: Final = {"ethernet": "802-3-ethernet", "wifi": "802-11-wireless"}


class Manager(Protocol):
    """What keeps the connections. Every method raises NetworkRefused: it does not do it."""

    async def active(self, kind: str, interface: str | None) -> str | None:
        """Name the connection that is up, by its UUID: of this kind, and at this interface."""

    async def try_out(self, kind: str, profile: str, uuid: str) -> None:
        """Bring a profile up that a power cut undoes."""

    async def keep(self, kind: str, profile: str) -> None:
        """Keep the profile that is on trial, in place of the one that was kept before."""

    async def back(self, kind: str, uuid: str | None) -> None:
        """Delete the profile that is on trial, and bring this connection up again."""


class NetworkManager:
    """Implements `Manager`. Raises NotFound: it is not installed."""

    def __init__(self) -> None:
        if shutil.which("nmcli") is None:
            raise NotFound("nmcli: NetworkManager is not installed")

    async def active(self, kind: str, interface: str | None) -> str | None:
        """See Manager."""
        fields = ("--terse", "--fields", "UUID,TYPE,DEVICE", "connection", "show", "--active")
        for line in (await _nmcli(*fields)).splitlines():
            uuid, what, device = line.split(":", 2)
            if what == _TYPES[kind] and interface in {None, device}:
                return uuid
        return None

    async def try_out(self, kind: str, profile: str, uuid: str) -> None:
        """See Manager."""
        await _load(TRIAL / _name(kind), profile)
        await _up(uuid)

    async def keep(self, kind: str, profile: str) -> None:
        """See Manager."""
        await _load(KEPT / _name(kind), profile)
        await _forget(kind)  # the same connection stays up, by the file that is kept

    async def back(self, kind: str, uuid: str | None) -> None:
        """See Manager."""
        await _forget(kind)
        if uuid is not None:
            await _up(uuid)


async def _load(file: Path, profile: str) -> None:
    await asyncio.to_thread(write_whole, file, profile.encode())
    await _nmcli("connection", "load", str(file))


async def _up(uuid: str) -> None:
    await _nmcli("--wait", str(limits.NETWORK_UP_S), "connection", "up", "uuid", uuid)


async def _forget(kind: str) -> None:
    (TRIAL / _name(kind)).unlink(missing_ok=True)
    await _nmcli("connection", "reload")


def _name(kind: str) -> str:
    return f"edged-{kind}.nmconnection"


async def _nmcli(*words: str) -> str:
    """Ask it. What it says of a refusal names connections and devices, and no secret."""
    asked = await asyncio.create_subprocess_exec(
        "nmcli",
        *words,
        env={**os.environ, "LC_ALL": "C"},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = (said.decode(errors="replace").strip() for said in await asked.communicate())
    if asked.returncode:
        said = (err or out or f"exit code {asked.returncode}").splitlines()[0]
        raise NetworkRefused(f"NetworkManager: {said}")
    return out
