"""Inside the guest: what an installer types, in its order, and what has to come of it.

The people of the virtual building are the witnesses: somebody gets in before and after each step.
"""

import asyncio
import hashlib
import json
import os
import signal
import stat
import struct
import tomllib
from pathlib import Path

import tomli_w

from hil.chain.town import town
from hil.package.enrolling import GuestSite, UnitDaemon, commission, provision
from hil.package.hands import (
    Broken,
    check,
    is_active,
    kill_all,
    run,
    said_by,
    say,
    timed,
    unit,
    until,
)
from hil.people import People
from hil.site.site import Site, Table

FOLDER = Path("/run/site")
PACKAGES = Path("/opt/rig/packages")
STATE = Path("/var/lib/edged")
SETTINGS = Path("/etc/edged")
PINS = FOLDER / "pins"
DROP_IN = Path("/etc/systemd/system/edged.service.d/pins.conf")
SLOTS, LINES = 128, 28  # drivers/line_keeper/README.md: simulated pins
STRIKE = 17
PULSE_MS = 15_000
AS_CONSOLE = (
    *("setpriv", "--reuid=edged-console", "--regid=edged-console"),
    *("--groups=edged-console,edged", "--"),
)
METRICS = """
import ssl, urllib.request
calm = ssl._create_unverified_context()
print(urllib.request.urlopen("https://127.0.0.1:8443/metrics", context=calm).read().decode())
"""
HIDDEN = {
    str(STATE / "journal.db"): "the journal",
    "/etc/edged/secrets/store_pepper": "the pepper",
    "/run/edged/lines": "the plan of the lines",
}
CONTROLLERS = Path("/sys/fs/cgroup/cgroup.controllers")
CAPTIVE = """[Service]
Type=oneshot
Restart=no
WatchdogSec=0
EnvironmentFile=
LoadCredential=
ExecStart=
ExecStart=/usr/bin/python3 -
ExecStopPost=
StandardInput=file:/opt/rig/hil/package/captive.py
"""
MAY = {
    "eye-front": set[str](),
    "edged-console": {"opened the door by the control socket"},
}
"""What a program has by right: the console gives staff's orders, which the daemon records."""
TOO_NEW = "journal.db: schema version"

Record = dict[str, object]


def package(which: str) -> str:
    """Find one of the packages: old, new or future."""
    (path,) = (PACKAGES / which).glob("*.deb")
    return str(path)


def journal() -> list[Record]:
    """Read every record of the audit, by the package's own program."""
    said = run("edged", "audit", "show", "--json", "--count", "10000")
    return [json.loads(line) for line in said.splitlines()]


def level(line: int) -> bool:
    """Look at a simulated pin."""
    slots = struct.unpack(f"{SLOTS}Q", PINS.read_bytes()[line * SLOTS * 8 :][: SLOTS * 8])
    return slots[0] > 0 and bool(slots[1 + (slots[0] - 1) % (SLOTS - 1)] & 1)


def a_site() -> GuestSite:
    """Give a site of simulated devices, and a strike at a simulated header."""
    site = GuestSite(FOLDER, edged=["edged"])
    site.daemon = UnitDaemon()
    sim = {"kind": "sim", "socket": str(site.building_socket)}
    site.building = {
        "socket": "building.sock",
        "log": "building.jsonl",
        "doors": {"front": {"lock": "strike"}},
    }
    front = site.settings["doors"]["front"]
    front["readers"] = {name: {**sim, "reader": name} for name in front["readers"]}
    lock = {"kind": "gpio", "line": STRIKE}
    back = {"type": "strike", "lock": lock, "readers": {"back-in": {**sim, "reader": "back-in"}}}
    site.settings |= {
        "state_dir": str(STATE),
        "runtime_dir": "/run/edged",
        "console": {"user": "edged-console"},
        "gpio": {"kind": "sim", "file": str(PINS)},
        "doors": {"front": front, "back": back},
    }
    store = site.rules["doors"]["front"]["store"]
    site.rules["doors"] = {
        "front": site.rules["doors"]["front"],
        "back": {"store": store, "pulse_ms": PULSE_MS},
    }
    del site.rules["devices"]["studio-in"]
    site.rules["devices"]["back-in"] = {"store": store, "door": "back", "side": "IN"}
    return site


class Story:
    """What happens to one device."""

    def __init__(self, site: Site, people: People) -> None:
        self._site = site
        self._people = people

    async def gets_in(self, when: str) -> None:
        """Let a member come."""
        mark = self._people.last
        await self._people.scan("front-in", self._site.code("eun"))
        try:
            await self._people.lapse("front", 60, after=mark)
        except TimeoutError:
            raise Broken(f"nobody gets in {when}") from None
        say(f"ok      a member gets in {when}")

    def prepare(self) -> None:
        """Give settings to a device that has none."""
        (SETTINGS / "edged.toml").write_bytes(Path(self._site.config).read_bytes())
        run("edged", "check-config")
        PINS.write_bytes(bytes(SLOTS * LINES * 8))
        run("chown", "edged:edged", str(PINS))
        DROP_IN.parent.mkdir()
        DROP_IN.write_text(f"[Service]\nReadWritePaths={FOLDER}\n")

    def looks_well(self) -> None:
        """See as what it runs."""
        check("it is up and has said so itself", is_active())
        (pid,) = unit("edged.service", "MainPID")
        status = Path("/proc", pid, "status").read_text()
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        check("it is nobody's root", not facts["Uid"].startswith("0"), facts["Uid"])
        check("without capabilities", int(facts["CapEff"], 16) == 0)
        check("and filtered", (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2"))

    def grow(self, back: Table) -> None:
        """Wire one more door."""
        self._site.settings["doors"]["back"] = back
        self._site.write()
        (SETTINGS / "edged.toml").write_bytes(Path(self._site.config).read_bytes())
        timed("systemctl restart edged, with one more door", "systemctl", "restart", "edged")

    def hang(self) -> None:
        """Stop the daemon's process, as if it hung."""
        pid, restarts = unit("edged.service", "MainPID", "NRestarts")
        os.kill(int(pid), signal.SIGSTOP)
        until(
            "a daemon that hangs is killed and started anew",
            lambda: unit("edged.service", "NRestarts") != [restarts] and is_active(),
        )
        check("by the watchdog", "Watchdog timeout" in said_by())

    def kill(self) -> None:
        """Kill all of the daemon in the middle of a pulse."""
        (restarts,) = unit("edged.service", "NRestarts")
        run("edged", "door", "open", "back")
        until("the strike at the header is released", lambda: level(STRIKE))
        kill_all()
        until("all is killed: the strike rests", lambda: not level(STRIKE), PULSE_MS / 2_000)
        check("before a new daemon could have done it", not is_active())
        until(
            "and the daemon is up again",
            lambda: unit("edged.service", "NRestarts") != [restarts] and is_active(),
        )

    async def becomes(self, which: str, version: str) -> None:
        """Install another package over this one: the journal goes on."""
        before = journal()
        timed(f"dpkg -i {which}", "dpkg", "-i", package(which))
        await self._goes_on(which, version, before)

    async def comes_back(self, which: str, version: str) -> None:
        """Go back to a release that does not know the schema, and forward again."""
        before = journal()
        timed("dpkg -i old, over the schema of the future", "dpkg", "-i", package("old"))
        until("it refuses the journal in words", lambda: TOO_NEW in said_by())
        say(f"        {next(line for line in said_by().splitlines() if TOO_NEW in line)}")
        until("with exit code 7", lambda: "status=7/" in said_by())
        left = digest()
        (restarts,) = unit("edged.service", "NRestarts")
        until("and again", lambda: unit("edged.service", "NRestarts") != [restarts])
        check("it leaves the journal as it was", digest() == left)
        timed(f"dpkg -i {which}", "dpkg", "-i", package(which))
        await self._goes_on(which, version, before)

    async def _goes_on(self, which: str, version: str, before: list[Record]) -> None:
        until("it is up", is_active)
        ended, began = unit(
            "edged.service", "InactiveEnterTimestampMonotonic", "ActiveEnterTimestampMonotonic"
        )
        say(f"ok      no daemon for {(int(began) - int(ended)) / 1e6:.1f} s")
        installed = run("dpkg-query", "--show", "--showformat=${Version}", "edged")
        check(f"{version} is installed", installed.startswith(f"{version}-"), installed)
        check("and runs", f"/usr/lib/edged/{installed}/bin" in command_line())
        check("the journal goes on", journal()[: len(before)] == before)
        run("edged", "audit", "verify")
        await self.gets_in(f"after {which} was installed")


def command_line() -> str:
    """Say what the daemon was started as."""
    (pid,) = unit("edged.service", "MainPID")
    return Path("/proc", pid, "cmdline").read_text()


def digest() -> list[str]:
    """Sum up the journal, with what SQLite has beside it."""
    files = sorted(STATE.glob("journal.db*"))
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def fresh() -> None:
    """Install it where nothing is."""
    said = timed("dpkg -i old, where nothing was", "dpkg", "-i", package("old"))
    check("it says what comes next", "write /etc/edged/edged.toml" in said)
    check("it is enabled", unit("edged.service", "UnitFileState") == ["enabled"])
    check("and waits for settings", unit("edged.service", "ActiveState") == ["inactive"])
    check("nothing has failed", run("systemctl", "--failed", "--quiet", "--no-legend") == "")
    pepper = SETTINGS / "secrets/store_pepper"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (pepper.parent, pepper)]
    check("the pepper is root's alone", modes == [0o700, 0o600], list(map(oct, modes)))
    first = pepper.read_bytes()
    check("and long", len(first) == 64)
    for _ in range(2):
        run("sh", "-e", "/var/lib/dpkg/info/edged.postinst", "configure", "0.1.0")
    check("configuring it again keeps the pepper", pepper.read_bytes() == first)
    check("every file is as published", run("dpkg", "--verify", "edged") == "")


def gone() -> None:
    """Remove it, and purge it."""
    said = timed("dpkg --remove", "dpkg", "--remove", "edged")
    check("it says what stays", "/var/lib/edged" in said and "stay" in said)
    check("it is down", not is_active())
    check("the journal stays", (STATE / "journal.db").exists())
    left = [str(path) for path in Path("/usr/lib/edged").rglob("*")]
    check("the programs are gone", not left, left[:3])
    run("rm", "-r", str(DROP_IN.parent))
    said = timed("dpkg --purge", "dpkg", "--purge", "edged")
    check("it says what goes", "removing its journal" in said)
    found = run("find", "/etc", "/usr", "/var", "-xdev", "-name", "*edged*").splitlines()
    check("nothing of it is left", not found, found[:5])


def console() -> None:
    """Give the console a user and start it: it sees the daemon, and nothing else of it."""
    run(
        "sh",
        "-c",
        "echo correct horse battery | runuser -u edged-console -- edged console user hana",
    )
    timed("systemctl start edged-console", "systemctl", "start", "edged-console")
    check("it is up and has said so itself", is_active("edged-console.service"))
    check("the daemon let it in", "console_shut_out" not in said_by())
    (pid,) = unit("edged-console.service", "MainPID")
    seen = run("nsenter", "--target", pid, "--net", "--", "/usr/bin/python3", "-c", METRICS)
    check("it sees the daemon", "edged_up 1.0" in seen)
    for path, what in HIDDEN.items():
        run("nsenter", f"--target={pid}", "--mount", *AS_CONSOLE, "/usr/bin/test", "!", "-r", path)
        say(f"ok      it can't read {what}")
    run("systemctl", "stop", "edged-console")


def captive() -> None:
    """Put somebody who wants more in the place of each program, as its unit has it."""
    for program, may in MAY.items():
        units = Path("/run/systemd/system")
        name = f"captive-{program}.service"
        template = f"edged-eye@{program.removeprefix('eye-')}" if "eye-" in program else program
        source = "edged-eye@" if "eye-" in program else program
        text = Path(f"/usr/lib/systemd/system/{source}.service").read_text()
        (units / name).write_text(text.replace("%i", template.partition("@")[2]))
        (units / f"{name}.d").mkdir()
        (units / f"{name}.d" / "captive.conf").write_text(CAPTIVE)
        run("systemctl", "daemon-reload")
        run("systemctl", "start", name)
        said = said_by(name).splitlines()
        got = {line.removeprefix("GOT ") for line in said if line.startswith("GOT ")}
        check(f"in place of {program}: all was tried", any("TRIED" in line for line in said))
        if "memory" not in CONTROLLERS.read_text():
            say(
                f"        in place of {program}: its memory has no end where the kernel counts none"
            )
            got.discard("took a gigabyte of memory")
        check(f"in place of {program}: got nothing more than it has", got == may, sorted(got ^ may))


def by_pip() -> None:
    """Install it without the package, in an environment that pip fills from wheels."""
    place = Path("/opt/edged/venv")
    pip = (str(place / "bin/pip"), "install", "--quiet", "--no-index", "--no-deps")
    wheels = PACKAGES.parent / "wheels"
    run("python3", "-m", "venv", str(place))
    locked = ("--require-hashes", f"--find-links={wheels}", "--requirement")
    timed("pip install", *pip, *locked, str(wheels / "requirements.txt"))
    run(*pip, *map(str, wheels.glob("edged-*.whl")))
    said = json.loads(run(str(place / "bin/edged"), "install", "--json"))
    for command in said["next"]:
        if not command.startswith("udevadm"):  # a container has no udev
            run(*command.split())
    told = tomllib.loads((FOLDER / "edged.toml").read_text())
    del told["cloud"]  # its identity went with the package
    (SETTINGS / "edged.toml").write_text(tomli_w.dumps(told))
    DROP_IN.parent.mkdir()
    DROP_IN.write_text(f"[Service]\nReadWritePaths={FOLDER}\n")
    run("systemctl", "daemon-reload")
    timed("systemctl start edged, from pip", "systemctl", "start", "edged")
    run(str(place / "bin/edged"), "rules", "load", str(FOLDER / "rules.json"))
    check("it runs from there", str(place / "bin/python") in command_line())
    check("it is enabled", unit("edged.service", "UnitFileState") == ["enabled"])


async def main() -> None:
    """Tell the whole story."""
    fresh()
    site = a_site()
    back = site.settings["doors"].pop("back")  # nobody sees its bolt: it is at simulated pins
    site.write()
    await site.start_building()
    run("chmod", "0755", str(FOLDER))
    run("chmod", "0666", str(site.building_socket))
    async with site.people() as people, town(FOLDER / "town") as cloud:
        story = Story(site, people)
        story.prepare()
        await provision(site, cloud)
        story.looks_well()
        await story.gets_in("first")
        await commission(site, people)
        story.grow(back)
        await story.gets_in("after the walk")
        console()
        captive()
        story.hang()
        story.kill()
        await story.gets_in("after hanging and a kill")
        await story.becomes("new", "0.1.1")
        await story.becomes("old", "0.1.0")
        await story.becomes("future", "0.2.0")
        await story.comes_back("future", "0.2.0")
        gone()
        by_pip()
        await story.gets_in("with what pip installed")
    await site.stop()
    say("DONE")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    finally:
        for line in said_by().splitlines()[-20:]:
            print(line[:300])
