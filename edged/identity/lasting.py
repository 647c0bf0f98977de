"""The certificates by which this device and its broker know each other, and how long they last."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from cloud_link.shapes import spell_instant
from edged import limits
from edged.alarms.raised import Alarms
from edged.clock import Clock
from edged.cloud.trusting import authorities
from edged.core.alarm_words import AlarmName
from edged.errors import Untrusted
from edged.identity.slots import Slots
from edged.settings.model import Broker, Settings


@dataclass(frozen=True, slots=True)
class Life:
    """From when to when a certificate is good."""

    begins: datetime
    ends: datetime

    @property
    def near(self) -> datetime:
        """From when on its end is near: the next one has been due for long."""
        last = (self.ends - self.begins) / limits.CERTIFICATE_LAST
        return self.ends - min(last, limits.CERTIFICATE_NEAR)


def life(certificates: bytes) -> Life:
    """Read how long certificates last, PEM or one of DER: of several the one that ends last.

    Raises ValueError: There is none.
    """
    if certificates.lstrip().startswith(b"-----"):
        found = x509.load_pem_x509_certificates(certificates)
    else:
        found = [x509.load_der_x509_certificate(certificates)]
    last = max(found, key=lambda one: one.not_valid_after_utc)
    ends = last.not_valid_after_utc.astimezone(UTC)
    return Life(last.not_valid_before_utc.astimezone(UTC), ends)


def own_files(settings: Settings, broker: Broker) -> tuple[Path, Path] | None:
    """Give this device's certificate and its key: an installer's, or those that it enrolled for.

    None: it has none yet. Raises OSError, Untrusted: what the identity says can't be read.
    """
    if broker.certificate_file is not None and broker.key_file is not None:
        return broker.certificate_file, broker.key_file
    slots = Slots(settings.state_dir)
    current = slots.load().current
    if current is None:
        return None
    return slots.certificate_file(current), slots.key_file(current)


def lives(settings: Settings, broker: Broker) -> Mapping[str, Life]:
    """Tell how long the device's certificate lasts, and the authority of its broker.

    As long as one authority lasts the broker can go over to it, so of several the last to end
    counts. What can't be read is left out: the link can't use it either, and says so.
    """
    found = {}
    with suppress(OSError, ValueError, Untrusted):
        own = own_files(settings, broker)
        if own is not None:
            found["certificate"] = life(own[0].read_bytes())
    with suppress(OSError, ValueError, Untrusted):
        named = authorities(settings.state_dir, broker.tenant)
        held = map(life, named or [broker.ca_file.read_bytes()])
        found["authority"] = max(held, key=lambda one: one.ends)
    return found


def told(found: Mapping[str, Life]) -> Mapping[str, str]:
    """Say when each ends, plain JSON values only."""
    return {f"{whose}_until": spell_instant(one.ends) for whose, one in found.items()}


class Lasting:
    """Raises an alarm when a certificate is near its end, and ends it when there is another.

    Only by a clock that is trusted: one that is not neither raises nor ends any.

    Args:
        settings: The device's.
        broker: Its table of the cloud.
        clock: The daemon's.
        alarms: The daemon's.
    """

    def __init__(self, settings: Settings, broker: Broker, clock: Clock, alarms: Alarms) -> None:
        self._settings = settings
        self._broker = broker
        self._clock = clock
        self._alarms = alarms
        self.found: Mapping[str, Life] = {}

    async def run(self) -> None:
        """Look, for ever."""
        # not in a thread: four small files a minute, and a stop waits for none
        while True:
            self.look()
            await self._clock.sleep_ms(limits.RENEWAL_LOOK_MS)

    def look(self) -> None:
        """Look once."""
        self.found = lives(self._settings, self._broker)
        now = self._clock.now()
        if not now.trusted:
            return
        for whose, one in self.found.items():
            self._alarms.change(
                whose,
                AlarmName.CERTIFICATE_ENDS,
                raised=now.earliest >= one.near,
                cause=f"it ends on {one.ends:%Y-%m-%d} at {one.ends:%H:%M} UTC",
            )
