"""What a look at the device is worth: values in, findings out. Pure.

A finding that is not OK says what to do about it.
"""

import math
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from edged.commission import limits
from edged.identity.lasting import Life

_HEADER: Final = "pinctrl-"
"""How the label of a Raspberry Pi's header begins, of any model (spec/hardware.md 6.1)."""


class Grade(StrEnum):
    """How good it is. FAIL: the device is not fit to guard a door, or soon will not be."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, what was found, and what to do about it; empty: nothing."""

    check: str
    grade: Grade
    said: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file or folder: its owner's uid and its mode bits. `secret`: nobody else may read it."""

    path: str
    uid: int
    mode: int
    secret: bool


def worst(findings: Sequence[Finding]) -> Grade:
    """Give the worst grade; OK where there is no finding."""
    return max((one.grade for one in findings), key=list(Grade).index, default=Grade.OK)


def of_files(seen: Sequence[FileSeen], owners: Mapping[str, int]) -> Iterator[Finding]:
    """Judge who may read and write what the device lives by.

    `owners`: the uids that may own a file, by their names: root, the daemon's, this user.
    """
    faults = 0
    for one in seen:
        if one.uid not in owners.values():
            who = ", ".join(owners)
            said = f"{one.path} belongs to user {one.uid}, who is none of {who}"
            yield Finding("files", Grade.FAIL, said, f"chown root {one.path}")
        elif one.mode & (stat.S_IWGRP | stat.S_IWOTH):
            said = f"others than its owner may write {one.path}"
            yield Finding("files", Grade.FAIL, said, f"chmod go-w {one.path}")
        elif one.secret and one.mode & stat.S_IRWXO:
            said = f"everybody may look into {one.path}"
            yield Finding("files", Grade.FAIL, said, f"chmod o-rwx {one.path}")
        else:
            continue
        faults += 1
    if not faults:
        yield Finding("files", Grade.OK, f"{len(seen)} files and folders are their owners' alone")


def of_fsync(took_ms: Sequence[float]) -> Finding:
    """Judge the disk by how long it takes to keep a page: an entry waits for one commit."""
    p50, p99 = percentile(took_ms, 50), percentile(took_ms, 99)
    said = f"fsync p50 {p50:.1f} ms, p99 {p99:.1f} ms ({len(took_ms)} writes)"
    if p99 > limits.FSYNC_FAIL_MS:
        return Finding("disk_time", Grade.FAIL, said, "the card is worn out or false: change it")
    if p99 > limits.FSYNC_P99_MS:
        todo = "a better card or an SSD: every entry waits for it"
        return Finding("disk_time", Grade.WARN, said, todo)
    return Finding("disk_time", Grade.OK, said)


def percentile(values: Sequence[float], percent: int) -> float:
    """Give the value that `percent` of a hundred do not exceed, 1..100. `values` is not empty."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def of_space(free: int, total: int) -> Finding:
    """Judge the room that is left on the state disk, in bytes."""
    said = f"{free / 2**20:,.0f} MiB of {total / 2**20:,.0f} MiB are free"
    todo = "make room: without it nobody new is let in"
    if free < limits.FREE_BYTES:
        return Finding("disk_space", Grade.FAIL, said, todo)
    return Finding(
        "disk_space",
        *((Grade.WARN, said, todo) if free < limits.FREE_SOON_BYTES else (Grade.OK, said)),
    )


def of_rules(status: Mapping[str, object], ready: Mapping[str, object] | None) -> Iterator[Finding]:
    """Judge the rules by the daemon's `status` and, where there are any, its `readiness`."""
    rules = status.get("rules")
    if not isinstance(rules, Mapping) or ready is None:
        todo = "edged rules load FILE, or publish them from the cloud"
        yield Finding("rules", Grade.FAIL, "there are none: nobody is let in", todo)
        return
    said = (
        f"version {rules.get('version')}, {ready.get('members')} of {ready.get('all_members')}"
        f" members may come today, good until {ready.get('until')}"
    )
    if ready.get("stale") is True:
        todo = "look at the line to the cloud, or load newer ones"
        yield Finding("rules", Grade.FAIL, f"too old: {said}", todo)
    else:
        yield Finding("rules", Grade.OK, said)
    faults = status.get("faults")
    for fault in faults if isinstance(faults, Sequence) else ():
        todo = "make the settings and the rules agree"
        yield Finding("rules_fit", Grade.FAIL, str(fault), todo)


def of_clock(status: Mapping[str, object], *, has_rtc: bool) -> Iterator[Finding]:
    """Judge the clock by the daemon's `status`, and by whether the computer has one of its own."""
    clock = status.get("clock")
    told = clock if isinstance(clock, Mapping) else {}
    state, error = str(told.get("state")), told.get("error_s")
    said = f"{state} by {told.get('source')}" + ("" if error is None else f", within {error} s")
    if state in {"SYNCED", "HOLDOVER"}:
        yield Finding("clock", Grade.OK, said)
    else:
        todo = "edged clock says why; look at the network and at NTP"
        yield Finding("clock", Grade.FAIL if state == "UNSET" else Grade.WARN, said, todo)
    if has_rtc:
        yield Finding("clock_battery", Grade.OK, "there is a real-time clock")
    else:
        todo = "add a real-time clock module with a battery"
        said = "after a power cut without a line nobody knows the time"
        yield Finding("clock_battery", Grade.WARN, said, todo)


def of_power(weak: bool | None) -> Finding:
    """Judge the computer's supply; None: it does not say."""
    match weak:
        case None:
            return Finding("power", Grade.OK, "this computer does not say how its power is")
        case False:
            return Finding("power", Grade.OK, "the voltage is high enough")
        case True:
            todo = "a stronger supply, a shorter cable"
            return Finding("power", Grade.FAIL, "under-voltage now", todo)


def of_memory(seen: tuple[int, int] | None) -> Finding:
    """Judge how much memory is left of how much, in bytes; None: the computer does not say."""
    if seen is None:
        return Finding("memory", Grade.OK, "this computer does not say how much memory is left")
    available, total = seen
    said = f"{available // 2**20} of {total // 2**20} MB are available"
    if available >= limits.MEMORY_SOON_BYTES:
        return Finding("memory", Grade.OK, said)
    short = available < limits.MEMORY_BYTES
    todo = "look what else runs here (top), or take a computer with more"
    return Finding("memory", Grade.FAIL if short else Grade.WARN, said, todo)


def of_throttled(held: tuple[Collection[str], Collection[str]] | None) -> Finding:
    """Judge what holds the computer back, now and since its start; None: it does not say."""
    if held is None:
        return Finding("throttled", Grade.OK, "this computer does not say what holds it back")
    now, since = held
    todo = "a cooler place or a heat sink; a stronger supply if it is under-voltage"
    if now:
        return Finding("throttled", Grade.FAIL, f"now: {', '.join(sorted(now))}", todo)
    if since:
        said = f"since it was started: {', '.join(sorted(since))}"
        return Finding("throttled", Grade.WARN, said, todo)
    return Finding("throttled", Grade.OK, "nothing has held the computer back")


def of_chips(chips: Mapping[str, str], *, needed: bool) -> Finding:
    """Judge which GPIO chips there are, by their labels. `needed`: a device stands on lines."""
    seen = ", ".join(f"{name} is {label}" for name, label in chips.items()) or "there are none"
    if not needed or any(label.startswith(_HEADER) for label in chips.values()):
        return Finding("header", Grade.OK, f"GPIO chips: {seen}")
    todo = "is this a Raspberry Pi, and its kernel new enough for it?"
    return Finding("header", Grade.FAIL, f"no chip of a Raspberry Pi's header: {seen}", todo)


def of_outputs(persist: bool | None) -> Finding:
    """Judge what a line of the header does when its process has died; None: nobody knows."""
    todo = "put dtparam=strict_gpiod into /boot/firmware/config.txt and start again"
    match persist:
        case None:
            said = "nobody knows whether an output outlives its process here"
            return Finding("outputs", Grade.WARN, said, todo)
        case False:
            return Finding("outputs", Grade.OK, "an output is let go when its process dies")
        case True:
            said = "an output stays as it is when its process has died"
            return Finding("outputs", Grade.FAIL, said, todo)


def of_devices(status: Mapping[str, object]) -> Iterator[Finding]:
    """Judge locks, inputs, readers, lights and boards by the daemon's `status`."""
    devices = status.get("devices")
    known = devices if isinstance(devices, Mapping) else {}
    lost = [name for name, state in known.items() if state != "open"]
    for name in lost:
        todo = "look at its plug, its wire and its supply"
        yield Finding("devices", Grade.FAIL, f"{name} does not answer", todo)
    if not lost:
        yield Finding("devices", Grade.OK, f"{len(known)} answer: {', '.join(known)}")


def of_alarms(status: Mapping[str, object]) -> Iterator[Finding]:
    """Judge what is up by the daemon's `status`; what each means is in edged/alarms/README.md."""
    alarms = status.get("alarms")
    up = [one for one in alarms if isinstance(one, Mapping)] if isinstance(alarms, list) else []
    for one in up:
        cause = f": {one['cause']}" if "cause" in one else ""
        grade = Grade.FAIL if one.get("severity") == "alarm" else Grade.WARN
        said = f"{one.get('alarm')} at {one.get('source')} since {one.get('since')}{cause}"
        yield Finding("alarms", grade, said, "see the alarm in edged/alarms/README.md")
    if not up:
        yield Finding("alarms", Grade.OK, "none")


def of_link(link: object) -> Finding:
    """Judge what the daemon says of its link to the cloud."""
    told = link if isinstance(link, Mapping) else {}
    if told.get("connected") is True:
        return Finding("link", Grade.OK, f"connected to {told.get('host')}")
    why = told.get("why") or "not connected"
    todo = "edged link; the doors go on without it"
    return Finding("link", Grade.WARN, f"{told.get('host')}: {why}", todo)


def of_certificate(check: str, whose: str, lasts: Life, now: datetime) -> Finding:
    """Judge how long a certificate is still good."""
    day, left = f"{lasts.ends:%Y-%m-%d}", lasts.ends - now
    if left < timedelta():
        return Finding(check, Grade.FAIL, f"{whose} ended on {day}", "renew it")
    said = f"{whose} is good for {left.days} more days, until {day}"
    soon = now >= lasts.near
    return Finding(check, *((Grade.WARN, said, "renew it") if soon else (Grade.OK, said)))
