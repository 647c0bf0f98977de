"""Figures for a collector: counted from what the daemon tells, and read from how it is."""

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from edged.control.broadcast import Event

_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_CLOCK = ("UNSET", "RESTORED", "SYNCED", "HOLDOVER", "SUSPECT")


class Metrics:
    """The figures of one device since the console began."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._decisions = Counter(
            "edged_decisions",
            "Decided presentations, by reason",
            ["device", "decision", "reason"],
            registry=self._registry,
        )
        self._unusable = Counter(
            "edged_unusable_codes",
            "Codes that could not be used, by reason",
            ["device", "reason"],
            registry=self._registry,
        )
        self._took = Histogram(
            "edged_scan_seconds",
            "From the read of a code to its answer",
            ["device"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._read = self._gauge("edged_up", "Whether the daemon answers")
        self._clock = self._gauge(
            "edged_clock_state", "1 for the state that the clock is in", "state"
        )
        self._bound = self._gauge("edged_clock_error_seconds", "Half of what the clock can't tell")
        self._alarms = self._gauge("edged_alarms", "Alarms that are up", "severity")
        self._waiting = self._gauge("edged_records_waiting", "Records that wait for the disk")
        self._journal = self._gauge("edged_journal_ok", "Whether the journal is being written")
        self._devices = self._gauge("edged_device_up", "Whether a device is open", "device")
        self._rules = self._gauge("edged_rules_version", "Version of the active rules")
        self._members = self._gauge("edged_members_valid", "Members who may come today")
        self._buffer = self._gauge("edged_buffer_days", "Days of records that there is room for")
        self._link = self._gauge("edged_link_up", "Whether the cloud was heard freshly")
        self._lasts = self._gauge(
            "edged_certificate_end_timestamp_seconds", "When it ends, in Unix time", "whose"
        )
        self._unacknowledged = self._gauge(
            "edged_records_unacknowledged", "Records that the cloud has not acknowledged"
        )

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self._registry)

    async def take(self, event: Event) -> None:
        """Count an event of the daemon's."""
        device = str(event.get("device"))
        if event.get("event") == "decided":
            self._decisions.labels(device, event.get("decision"), event.get("reason")).inc()
            took_ms = event.get("took_ms")
            if isinstance(took_ms, int):
                self._took.labels(device).observe(took_ms / 1000)
        elif event.get("event") == "refused":
            self._unusable.labels(device, event.get("reason")).inc()

    def text(
        self, status: Mapping[str, object] | None, ready: Mapping[str, object] | None
    ) -> bytes:
        """Spell all figures; `status` and `ready` are the daemon's answers, None without one."""
        self._read.set(status is not None)
        if status is not None:
            self._state(status)
        if ready is not None:
            self._members.set(_number(ready.get("members")))
            if (days := ready.get("buffer_days")) is not None:
                self._buffer.set(_number(days))
        return generate_latest(self._registry)

    def _state(self, status: Mapping[str, object]) -> None:
        clock, journal = _part(status, "clock"), _part(status, "journal")
        for state in _CLOCK:
            self._clock.labels(state).set(clock.get("state") == state)
        if (error_s := clock.get("error_s")) is not None:
            self._bound.set(_number(error_s))
        self._waiting.set(_number(journal.get("records_waiting")))
        self._journal.set(journal.get("failed") is None)
        self._rules.set(_number(_part(status, "rules").get("version")))
        self._devices.clear()
        for name, shown in _part(status, "devices").items():
            self._devices.labels(name).set(shown == "open")
        self._alarms.clear()
        for severity in ("notice", "warning", "alarm"):
            up = status.get("alarms")
            found = up if isinstance(up, list) else []
            self._alarms.labels(severity).set(sum(one["severity"] == severity for one in found))
        link = _part(status, "link")
        fresh = link.get("connected") is True and link.get("fresh_s") is not None
        self._link.set(fresh)  # a connection that falls silent is ended by the link
        self._unacknowledged.set(_number(_part(link, "waiting").get("records")))
        self._lasts.clear()
        for whose in ("certificate", "authority"):
            if isinstance(until := link.get(f"{whose}_until"), str):
                self._lasts.labels(whose).set(datetime.fromisoformat(until).timestamp())


def _part(status: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = status.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
