"""A console before a control server that a test has in its hand."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from starlette.applications import Starlette

from cloud_link.claim import BadClaim
from edged.console import users
from edged.console.app import application
from edged.console.context import Console
from edged.console.daemon import Daemon
from edged.console.metrics import Metrics
from edged.console.users import Role
from edged.control.broadcast import Broadcast
from edged.control.server import Handler
from edged.control.wire import Verb
from edged.errors import NotFound
from tests.edged.control.peers import HANDLERS, serving
from tests.edged.test_wiring import FRONT, settings

SAYING = "correct horse battery"
STATUS: Mapping[str, object] = {
    "device": "S1",
    "simulated": True,
    "provisioned": False,
    "clock": {"at": "2026-03-02T03:00:00.000Z", "state": "SYNCED"},
    "rules": {"version": 3, "issued_at": "2026-03-02T02:00:00.000Z"},
    "faults": ["doors.front: <b>strange</b>"],
    "journal": {"failed": None, "records_waiting": 2},
    "link": {
        "connected": True,
        "fresh_s": 3,
        "waiting": {"records": 7, "bytes": 900, "days": 60},
        "certificate_until": "2026-05-01T00:00:00.000Z",
        "authority_until": "2030-01-01T00:00:00.000Z",
    },
    "doors": {"front": "REST, not seen: no contact"},
    "lockers": {"hall": {"FREE": 2}},
    "devices": {"front.lock": "open", "front-in": "lost"},
    "alarms": [
        {
            "source": "front",
            "alarm": "DOOR_FORCED",
            "severity": "alarm",
            "since": "2026-03-02T02:59:00.000Z",
            "cause": "<script>alert(1)</script>",
        },
        {
            "source": "front-in",
            "alarm": "DEVICE_LOST",
            "severity": "warning",
            "since": "2026-03-02T02:59:00.000Z",
        },
    ],
}
LOCKER = {
    "bank": "hall", "number": 1, "locker": "L1", "state": "IN_USE", "occupancy": "use-1",
    "member": "aiko", "start": "2026-03-02T02:00:00.000Z", "end": "2026-03-02T09:00:00.000Z",
}  # fmt: skip
REFUSAL = {
    "decision": "DENY", "member": "<i>dan</i>", "reason": "LOCKDOWN",
    "local_time": "2026-03-02T12:00:00+09:00", "device": "front-in",
}  # fmt: skip
READY = {
    "members": 1842, "all_members": 2000, "until": "2026-03-05T14:20+09:00",
    "stale": False, "buffer_days": 61,
}  # fmt: skip


WHO = {"device": "S1", "serial": "machine:1", "phase": "FACTORY", "fingerprint": "ab"}
FACTORY: Mapping[str, object] = {
    "identity": WHO,
    "waiting": True,
    "link": {"host": "broker:8883", "connected": False, "why": "enrolment: <b>waiting"},
}


class Place:
    """A console before a control server that remembers what it was asked to do."""

    def __init__(self, app: Starlette, console: Console, events: Broadcast) -> None:
        self.app, self.console, self.events = app, console, events
        self.orders: list[Mapping[str, object]] = []
        self.logins: list[Mapping[str, object]] = []
        self.commissions: list[Mapping[str, object]] = []
        self.report, self.walk = "", "OK"
        self.claims: list[Mapping[str, object]] = []
        self.identity = dict(FACTORY)
        self.status = dict(STATUS)
        self.phase = "WAITING"
        self.begun = {"result": "OK", "ticket": "its ticket", "digits": "0427"}

    def client(self, address: str = "10.1.2.3") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=(address, 4711))
        return httpx.AsyncClient(transport=transport, base_url="https://edged.local")

    async def log_in(self, client: httpx.AsyncClient, user: str) -> str:
        """Log a user in; the secret that his forms carry."""
        answer = await client.post("/login", data={"user": user, "password": SAYING})
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        session = self.console.sessions.find(client.cookies["edged"])
        assert session is not None
        return session.form

    async def login(self, said: Mapping[str, object]) -> Mapping[str, object]:
        order = said["order"]
        assert isinstance(order, Mapping)
        self.logins.append(order)
        if order["do"] == "begin":
            return self.begun
        entered = {"staff": "boss", "role": "operate"} if order["do"] == "enter" else {}
        return {"result": self.phase, **(entered if self.phase == "CONFIRMED" else {})}

    async def commission(self, said: Mapping[str, object]) -> Mapping[str, object]:
        order = said["order"]
        assert isinstance(order, Mapping)
        self.commissions.append(order)
        if order["do"] == "begin":
            return {"result": self.walk}
        if not self.report:
            raise NotFound("there is no report yet")
        return {
            "text": self.report[order["after"] :][:50],
            "more": len(self.report) > order["after"] + 50,
        }

    async def provision(self, said: Mapping[str, object]) -> Mapping[str, object]:
        order = said["order"]
        assert isinstance(order, Mapping)
        if order["do"] == "look":
            return self.identity
        self.claims.append(order)
        if order["claim"] == "typo":
            raise BadClaim("a claim has 20 letters and digits")
        return {"result": "OK" if self.identity["waiting"] else "NOT_WAITING"}


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[Place]:
    """Let a console with a user of each role stand before its control server."""
    configured = settings(folder, front=FRONT).model_copy(update={"runtime_dir": folder})
    events, socket = Broadcast(), folder / "control.sock"
    for role in Role:
        users.put(folder, role.name.lower(), role, SAYING)
    console = Console(configured, folder, Daemon(socket), Metrics())
    found = Place(application(console), console, events)

    async def answer(given: Mapping[str, object], said: Mapping[str, object]) -> dict[str, object]:
        if "order" in said:
            order = said["order"]
            assert isinstance(order, Mapping)
            found.orders.append(order)
        return dict(given)

    def say(**given: object) -> Handler:
        return lambda said: answer(given, said)

    async def status(_: Mapping[str, object]) -> Mapping[str, object]:
        return found.status

    handlers = {
        **HANDLERS,
        Verb.PROVISION: found.provision,
        Verb.COMMISSION: found.commission,
        Verb.LOGIN: found.login,
        Verb.STATUS: status,
        Verb.DOOR: say(result="OK"),
        Verb.LOCKER: say(result="OK", released=True),
        Verb.LOCKERS: say(lockers=[LOCKER], more=False),
        Verb.RECORDS: say(records=[REFUSAL]),
        Verb.BOOKINGS: say(bookings=[], all=0),
        Verb.READINESS: say(**READY),
    }
    async with serving(socket, handlers, events):
        yield found
