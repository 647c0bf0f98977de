"""NetworkManager itself, in a network of its own: a device, a cable, and a broker at its far end.

Needs root and Debian's network-manager, dbus and iproute2. They are no part of what `make test`
installs: on a machine that people work at NetworkManager would take its network over.
"""

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hil.byzantine.pki import Authority
from tests.drivers.rigs import until

NEEDED: Final = ("NetworkManager", "nmcli", "dbus-daemon", "ip", "unshare", "nsenter", "mosquitto")
PATH: Final = f"{os.environ['PATH']}:/usr/sbin:/sbin"
HERE: Final = os.geteuid() == 0 and all(shutil.which(name, path=PATH) for name in NEEDED)
PATIENCE_S: Final = 60.0
BROKER: Final = "10.9.0.1"

BUS: Final = """\
<busconfig><type>system</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_type="signal"/><allow send_type="method_return"/><allow send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="signal"/>
<allow receive_type="method_return"/><allow receive_type="error"/></policy></busconfig>
"""
MANAGER: Final = """\
[main]
plugins=keyfile
dhcp=internal
dns=none
rc-manager=unmanaged
auth-polkit=root-only
no-auto-default=*
"""
MOSQUITTO: Final = """\
listener 8884 {broker}
certfile {folder}/broker.crt
keyfile {folder}/broker.key
allow_anonymous true
log_type none
user root
"""
DEVICE: Final = """\
set -e
mount --make-rprivate /
mount -t sysfs -o ro sysfs /sys     # or it waits for udev, which knows nothing of this place
for place in etc run var/lib; do
    mkdir -p $0/$place /$place/NetworkManager
    mount --bind $0/$place /$place/NetworkManager
done
ip link set lo up
ip link add eth9 type veth peer name far9
exec NetworkManager --no-daemon --debug >$0/manager.log 2>&1
"""
FAR: Final = f"""\
ip link set lo up
ip address add {BROKER}/24 dev far9
ip link set far9 up
exec mosquitto -c $0/mosquitto.conf
"""


@dataclass
class Place:
    """The device's side: what stands in its files, and commands that run there."""

    folder: Path
    device: int = 0
    _running: list[Process] = field(default_factory=list)

    async def start(self, *words: str) -> int:
        """Start something that runs until `stop`; its process id."""
        self._running.append(
            await asyncio.create_subprocess_exec(
                *words, env=self._env, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
            )
        )
        return self._running[-1].pid

    async def stop(self) -> None:
        """Stop all that was started, the last first."""
        for process in reversed(self._running):
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    @property
    def _env(self) -> dict[str, str]:
        bus = f"unix:path={self.folder}/bus"
        return {**os.environ, "PATH": PATH, "DBUS_SYSTEM_BUS_ADDRESS": bus}

    async def run(self, *words: str) -> tuple[int, str, str]:
        """Run a command at the device; its exit code and what it said."""
        there = ("nsenter", f"--target={self.device}", "--net", "--mount", *words)
        process = await asyncio.create_subprocess_exec(
            *there, env=self._env, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def edged(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """Run `edged`; its exit code, what it says in JSON, and its complaints."""
        program = str(Path(sys.executable).with_name("edged"))
        code, out, err = await self.run(program, *words, "--json")
        return code, json.loads(out or "{}"), err

    def inside(self, *words: str) -> list[int]:
        """Name the processes at the device whose command line has these words."""
        there = Path(f"/proc/{self.device}/ns/mnt").readlink()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                said = (process / "cmdline").read_bytes().decode().split("\0")
                if set(words) <= set(said) and (process / "ns/mnt").readlink() == there:
                    found.append(int(process.name))
        return found

    async def address(self) -> str:
        """What address the cable's end has."""
        shown = (await self.run("ip", "-4", "-o", "address", "show", "dev", "eth9"))[1].split()
        return shown[3] if shown else ""

    def profiles(self, where: str) -> list[Path]:
        """Those of ours that lie there: `run` or `etc`."""
        return list(self.folder.glob(f"{where}/system-connections/edged-*"))


@asynccontextmanager
async def place(folder: Path) -> AsyncIterator[Place]:
    """Put it up in a folder; take all of it down at the end."""
    (folder / "bus.conf").write_text(BUS.format(folder=folder))
    (folder / "etc/system-connections").mkdir(parents=True)
    (folder / "etc/NetworkManager.conf").write_text(MANAGER)
    Authority(folder).issue("broker", [BROKER])
    (folder / "mosquitto.conf").write_text(MOSQUITTO.format(broker=BROKER, folder=folder))
    made = Place(folder)
    try:
        await made.start("dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork")
        await until((folder / "bus").exists)
        made.device = await made.start(
            "unshare", "--net", "--mount", "sh", "-c", DEVICE, str(folder)
        )
        far = await made.start("unshare", "--net", "sleep", "infinity")
        await _succeeds(made, "nmcli", "general", "status")
        await _succeeds(made, "ip", "link", "set", "far9", "netns", str(far))
        inside = ("nsenter", f"--target={far}", "--net")
        await made.start(*inside, "sh", "-ec", FAR, str(folder))
        yield made
    finally:
        await made.stop()


async def _succeeds(made: Place, *words: str) -> None:
    """Do it until it succeeds."""
    async with asyncio.timeout(PATIENCE_S):
        while (await made.run(*words))[0]:
            pass
