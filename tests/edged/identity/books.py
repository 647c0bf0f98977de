"""The reference cloud's books, asked without a network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cloud_link.admission import Asked, Granted, NotYet, answered
from cloud_link.enrol import Slot
from edged.cloud.files import device_key
from edged.identity.course import Course
from hil.chain.line import now
from hil.cloud import pki
from tests.hil.cloud.test_registrar import ask
from tests.hil.cloud.world import TENANT, Office

SERIAL = "SN-1"


class Cut(Exception):
    """The power went."""


@dataclass
class Books:
    """A way to the cloud that can be cut. `before` and `after` are called about each answer."""

    office: Office
    state_dir: Path
    proven: list[Slot] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None

    async def admitted(self, asked: Asked) -> Granted | NotYet:
        self.before()
        data = ask(self.office, asked.enrol.request, asked.sealed(device_key(self.state_dir)))
        self.after()
        return answered(asked, data, now())

    async def heard(self, slot: Slot) -> None:
        self.before()
        self.proven.append(slot)
        self.after()


def opened(folder: Path) -> Office:
    """A cloud with an authority, and nobody in it."""
    office = Office(folder)
    office.begin()
    pki.authority(office.certificates, now())
    return office


def claim(office: Office) -> str:
    (said,) = office.run("device", "add", "gate-1", "--serial", SERIAL)
    return str(said["claim"])


def course(state_dir: Path) -> Course:
    return Course(state_dir, TENANT, "gate-1", SERIAL, now)


def tell(step: str, **facts: object) -> None:
    assert step, facts


def adopt(office: Office) -> None:
    """Adopt whoever waits."""
    for row in office.run("device", "list"):
        if "WAITING" in row["alarms"]:
            office.run("device", "adopt", row["device"], "--fingerprint", row["fingerprint"])
