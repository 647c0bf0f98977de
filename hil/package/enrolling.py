"""Inside the guest: from the installed package to a guarded door, by a cloud of its own."""

import asyncio
import json
import shutil
from pathlib import Path

from hil.chain.town import Town
from hil.package.hands import Broken, check, is_active, kill_all, run, say, timed, unit, until
from hil.people import People
from hil.site.installer import Installer
from hil.site.processes import Program
from hil.site.site import Site
from hil.stores.cloud import Cloud

CA_FILE = Path("/etc/edged/broker-ca.crt")
NETWORK = Path("/usr/share/doc/edged/examples/edged-cloud-network.conf")
AS_EDGED = ("runuser", "-u", "edged", "--")
_SKIPPED = "power_cut/"
"""The step that a container can't show: it has no power to cut."""


class UnitDaemon(Program):
    """The daemon as systemd has it, in the place of a program of ours."""

    def __init__(self) -> None:
        super().__init__(["edged"], Path("/dev/null"))

    @property
    def pid(self) -> int:
        """The daemon's process."""
        return int(unit("edged.service", "MainPID")[0])

    async def stop(self) -> int | None:
        """Stop it, as an installer does."""
        await asyncio.to_thread(run, "systemctl", "stop", "edged")
        return None

    def kill(self) -> None:
        """Take its power."""
        run("systemctl", "stop", "--no-block", "edged")
        kill_all()

    async def wait(self) -> int:
        """Wait until it is gone."""
        await asyncio.to_thread(until, "it is gone", lambda: not is_active())
        return 0


class GuestSite(Site):
    """A site whose daemon is the unit."""

    async def start_daemon(self) -> None:
        """Start the unit; it is up when this returns."""
        await asyncio.to_thread(run, "systemctl", "start", "edged.service")


async def provision(site: Site, town: Town) -> None:
    """Enrol the device by a claim, and start it: its rules come from the cloud."""
    run("install", "--mode=0644", town.settings["ca_file"], str(CA_FILE))
    site.settings["cloud"] = {**town.settings, "ca_file": str(CA_FILE)}
    site.write()
    shutil.copyfile(site.config, "/etc/edged/edged.toml")
    drop_in = Path("/etc/systemd/system/edged.service.d/cloud.conf")
    shutil.copyfile(NETWORK, drop_in)
    run("systemctl", "daemon-reload")
    run("edged", "provision", "--claim", "0" * 20, code=12)
    say("ok      root is told whose work that is")
    serial = json.loads(run(*AS_EDGED, "edged", "identity", "--json"))["serial"]
    claim = await town.claim(site.settings["device"], serial)
    said = timed("edged provision", *AS_EDGED, "edged", "provision", "--claim", claim, "--json")
    steps = [json.loads(line)["step"] for line in said.splitlines()]
    check("it has a certificate that was used", steps[-1] == "active", steps)
    version = await Cloud(town.cloud).publish(site.rules)
    timed("systemctl start edged", "systemctl", "start", "edged")
    await asyncio.to_thread(until, "it decides by the cloud's rules", lambda: _rules() == version)
    check("the cloud knows it", bool((await town.listed(site.settings["device"]))["enabled"]))


def _rules() -> int | None:
    rules = json.loads(run("edged", "status", "--json"))["rules"]
    return None if rules is None else int(rules["version"])


async def commission(site: Site, people: People) -> None:
    """Walk from lock to lock, with somebody who does what the walk asks for."""
    async with Installer.at(site, people) as installer:
        told = await installer.go()
    failed = {
        step: line["why"]
        for step, line in installer.results.items()
        if line["verdict"] != "passed" and not step.startswith(_SKIPPED)
    }
    check(f"commissioned: {len(installer.results)} steps", told["accepted"], failed)
    report = f"{told['report']}/acceptance.json"
    run("edged", "commission", "verify", report)
    say("ok      the report is signed by the device")
    doctor = run("edged", "doctor", "--json")
    grades = [json.loads(line) for line in doctor.splitlines()]
    bad = [one["check"] for one in grades if one["grade"] == "fail"]
    if bad:
        raise Broken(f"the doctor finds {bad}")
    say(f"ok      the doctor is content: {len(grades)} findings")
