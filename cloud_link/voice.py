"""What this device says: signed by its key, sent while there is a connection."""

from collections import OrderedDict

from cloud_link import limits, topics
from cloud_link.envelope import seal
from cloud_link.ports import Chance, Clock, Connection, Device, LinkLost
from cloud_link.shapes import Shape, canonical


class Voice:
    """The one place that signs and sends. `connection` is None while there is none."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.connection: Connection | None = None
        self._numbers = {"ask": 0, "report": 0}

    def number(self, kind: str) -> int:
        """Number an ask or a report; each counts from 1 at a start of the process."""
        self._numbers[kind] += 1
        return self._numbers[kind]

    def sealed(self, kind: str, payload: Shape) -> bytes:
        """Sign a payload of this type."""
        return seal(kind, canonical(payload), self.device.key)

    async def say(self, kind: str, payload: Shape, *, retain: bool = False) -> None:
        """Sign a payload and send it to the topic of its type. Raises LinkLost."""
        await self.send(kind, self.sealed(kind, payload), retain=retain)

    async def send(self, kind: str, data: bytes, *, retain: bool = False) -> None:
        """Send bytes to a topic. Raises LinkLost, which never means "not sent"."""
        if self.connection is None:
            raise LinkLost("not connected")
        topic = topics.up(self.device.tenant, self.device.name, kind)
        await self.connection.send(topic, data, retain=retain)


class Nonces:
    """Nonces that were given away, and when: what names one is no older than it."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._given: OrderedDict[str, int] = OrderedDict()

    def give(self) -> str:
        """Return a new one; the oldest is forgotten."""
        nonce = self._chance.nonce()
        self._given[nonce] = self._clock.monotonic_ms()
        if len(self._given) > limits.NONCES:
            self._given.popitem(last=False)
        return nonce

    def age_ms(self, nonce: str) -> int | None:
        """Return how long ago this one was given; None: never, or forgotten."""
        given_ms = self._given.get(nonce)
        return None if given_ms is None else self._clock.monotonic_ms() - given_ms

    def left_ms(self, nonce: str | None) -> int | None:
        """Return how long yet it is fresh (`limits.FRESH_MS`); None: it is not."""
        age_ms = None if nonce is None else self.age_ms(nonce)
        return None if age_ms is None or age_ms > limits.FRESH_MS else limits.FRESH_MS - age_ms
