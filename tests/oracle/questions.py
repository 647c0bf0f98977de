"""Questions about a world, most of them within a second of something that changes there."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from tests.oracle.times import (
    Data,
    Span,
    around,
    instant,
    minutes,
    month_of,
    occurrence,
    shifted,
    spelled,
    wall,
)

SECOND = timedelta(seconds=1)


def questions(rng: Random, world: Data, anchor: str) -> list[Data]:
    """Forty to eighty steps, mostly in the order of time: as many as it takes to meet the edges."""
    asker = _Asker(rng, world, anchor)
    main = asker.any_store()
    moments = [asker.moment(main) for _ in range(rng.randint(40, 80))]
    if rng.random() < 0.85:
        moments.sort(key=lambda moment: moment[0])
    return [asker.step(at, store) for at, store in moments]


def edges(world: Data, store: Data, anchor: str) -> list[datetime]:
    """Instants around the anchor at which some answer at this store may change."""
    days = [shifted(anchor, days) for days in (-1, 0, 1)]
    found = [wall(store["tz"], day, 0)[0] for day in (*days, shifted(anchor, 2))]
    for member in world["members"]:
        for contract in member["contracts"]:
            plan = contract["plan"]
            early, late = minutes(plan["early_min"]), minutes(plan["late_min"])
            for band in (*plan["bands"], *plan["booking_bands"]):
                for day in days:
                    span = occurrence(store, band["kind"], day)
                    if span is not None:
                        found += [span[0], span[0] - early, span[1], span[1] + late]
        for ticket in member["tickets"]:
            spans = [occurrence(store, kind, anchor) for kind in ticket["bands"] or ()]
            found += [edge for span in spans if span is not None for edge in span]
        for booking in member["bookings"]:
            start, end = instant(booking["start"]), instant(booking["end"])
            found += [start, start - minutes(15), end, end + minutes(15)]
    return found


def spans(world: Data, store: Data, anchor: str) -> list[Span]:
    """The bands of all plans as they are at this store on the days around the anchor."""
    found = [
        occurrence(store, band["kind"], day)
        for member in world["members"]
        for contract in member["contracts"]
        for band in contract["plan"]["bands"]
        for day in around(anchor)[1:4]
    ]
    return [span for span in found if span is not None and span[0] < span[1]]


@dataclass
class _Asker:
    rng: Random
    world: Data
    anchor: str
    events: list[tuple[str, str]] = field(default_factory=list)  # (member, event) so far
    edges: dict[str, list[datetime]] = field(default_factory=dict)  # of the stores asked for
    inside: dict[str, list[Span]] = field(default_factory=dict)
    shown: list[Data] = field(default_factory=list)  # steps of the staff so far

    def any_store(self) -> Data:
        store: Data = self.world["stores"][self.rng.choice(sorted(self.world["stores"]))]
        return store

    def moment(self, main: Data) -> tuple[datetime, Data]:
        store = main if self.rng.random() < 0.6 else self.any_store()
        at = self.interior(store) if self.rng.random() < 0.6 else None
        if at is None:
            if store["id"] not in self.edges:
                self.edges[store["id"]] = edges(self.world, store, self.anchor)
            at = self.rng.choice(self.edges[store["id"]])
            at += self.rng.choice((-1, 0, 0, 1)) * SECOND
        return at, store

    def interior(self, store: Data) -> datetime | None:
        """Some instant inside some band of some plan."""
        if store["id"] not in self.inside:
            self.inside[store["id"]] = spans(self.world, store, self.anchor)
        if not self.inside[store["id"]]:
            return None
        opens, closes = self.rng.choice(self.inside[store["id"]])
        return opens + self.rng.randrange(int((closes - opens).total_seconds())) * SECOND

    def step(self, at: datetime, store: Data) -> Data:
        rng, members = self.rng, self.world["members"]
        kind = rng.choices(
            ("enter", "exit", "arrive", "withdraw", "report", "code", "other", "staff"),
            (72, 12, 4, 3, 2, 2, 2, 3),
        )[0]
        text = spelled(at, store["tz"])
        member = members[0] if rng.random() < 0.7 else rng.choice(members)
        who = member["id"] if rng.random() < 0.99 else "Z"
        if kind == "exit":
            return {"op": "exit", "device": f"{store['id']}-OUT", "member": who, "at": text}
        if kind == "arrive" and member["contracts"]:
            return self.arrival(member, store)
        if kind == "withdraw" and self.events:
            whose, event = rng.choice(self.events)
            op = rng.choice(("retract", "lock_fault"))
            return {"op": op, "member": whose, "event": event, "at": text}
        if kind == "report":
            day = shifted(self.anchor, rng.choice((-1, 0, 1)))
            month = month_of(day, self.world["settings"]["month_anchor_day"])
            return {"op": "report", "month": month}
        if kind == "code":
            return self.code(member, store, at)
        if kind == "staff":
            return self.staff(store, at)
        return self.other(member, store, text) if kind == "other" else self.entry(who, store, at)

    def entry(self, who: str, store: Data, at: datetime) -> Data:
        rng = self.rng
        here = [
            device["id"]
            for device in self.world["devices"].values()
            if device["store"] == store["id"] and device["side"] == "IN"
        ]
        text = spelled(at, store["tz"])
        step: Data = {"op": "enter", "device": rng.choice(here), "member": who, "at": text}
        if rng.random() < 0.4:
            step["event"] = f"scan-{len(self.events)}"
            self.events.append((who, step["event"]))
        odd = rng.random()
        if odd < 0.06:
            step["rules_age_h"] = rng.choice((24, 25, 71, 72, 73, 200))
            if rng.random() < 0.6:
                step["stale_policy"] = rng.choice(("normal", "members", "deny"))
        elif odd < 0.08:
            step["clock_ok"] = False
        elif odd < 0.085:
            step["rules_age_h"] = None
        elif odd < 0.125:
            before, after = (rng.choice((0, 1, 30, 600)) * SECOND for _ in range(2))
            step["earliest"] = spelled(at - before, store["tz"])
            step["latest"] = spelled(at + after, store["tz"])
        elif odd < 0.14:
            step["disk_ok"] = False
        return step

    def arrival(self, member: Data, store: Data) -> Data:
        """A key from another store or from the staff; sometimes under an event seen before."""
        rng, events = self.rng, self.events
        contract = rng.choice(member["contracts"])
        kinds = [band["kind"] for band in contract["plan"]["bands"]] or ["DAY"]
        step: Data = {
            "op": rng.choice(("merge_key", "manual_record")),
            "contract": contract["id"],
            "band": rng.choice(kinds),
            "service_date": shifted(self.anchor, rng.randint(-2, 2)),
            "store": store["id"],
            "event": f"far-{len(events)}",
        }
        if events and rng.random() < 0.3:
            step["event"] = rng.choice(events)[1]
        else:
            events.append((member["id"], step["event"]))
        if step["op"] == "manual_record":
            step["consume"] = rng.random() < 0.7
        return step

    def code(self, member: Data, store: Data, at: datetime) -> Data:
        rng, settings = self.rng, self.world["settings"]
        life, skew = minutes(settings["code_ttl_min"]), settings["code_skew_s"] * SECOND
        edge = rng.choice((timedelta(), -life, skew, -life / 2))
        issued = at + edge + rng.choice((-1, 0, 1)) * SECOND
        fixed = rng.random() < 0.4
        code = {
            "member": member["id"] if rng.random() < 0.9 else "Z",
            "kind": "fixed" if fixed else "dynamic",
            "issued": None if fixed else spelled(issued, store["tz"]),
            "version": rng.choice((1, 2)),
            "signature_ok": rng.random() < 0.9,
        }
        side = rng.choice(("IN", "OUT"))
        return {"op": "scan", "side": side, "at": spelled(at, store["tz"]), "code": code}

    def staff(self, store: Data, at: datetime) -> Data:
        """Somebody who works here shows a code or a card, sometimes one that was shown before."""
        rng, devices = self.rng, self.world["devices"].values()
        here = [device for device in devices if device["store"] == store["id"]]
        shut = [device for device in here if device["lockdown"] or not device["enabled"]]
        who = rng.choice(("W", "W", "W", "X", "X", "Z"))
        step: Data = {"op": "staff", "device": rng.choice(here + 5 * shut)["id"], "staff": who}
        if self.shown and rng.random() < 0.4:
            shown = rng.choice(self.shown)
            step |= {name: shown[name] for name in ("staff", "code")}
            step["device"] = rng.choice((step["device"], shown["device"]))
            at = instant(shown["at"]) + rng.choice((0, 1, 60)) * SECOND
        elif rng.random() < 0.3:
            step["code"] = {"kind": "T2", "version": rng.choice((1, 2))}
        else:
            step["code"] = self.staff_code(store, at)
        step["at"] = spelled(at, store["tz"])
        odd = rng.random()
        if odd < 0.05:
            step["clock_ok"] = False
        elif odd < 0.2:
            before, after = (rng.choice((0, 1, 30, 600)) * SECOND for _ in range(2))
            step["earliest"] = spelled(at - before, store["tz"])
            step["latest"] = spelled(at + after, store["tz"])
        self.shown.append(step)
        return step

    def staff_code(self, store: Data, at: datetime) -> Data:
        rng, settings = self.rng, self.world["settings"]
        ttl_min = rng.choice((5, 10, 30, 60))
        life, skew = minutes(min(ttl_min, settings["code_ttl_min"])), settings["code_skew_s"]
        edge = rng.choice((timedelta(), timedelta(), -life / 2, -life, skew * SECOND))
        return {
            "kind": "T1",
            "store": rng.choice((None, None, store["id"], *self.world["stores"])),
            "issued": spelled(at + edge + rng.choice((-1, 0, 1)) * SECOND, store["tz"]),
            "ttl_min": ttl_min,
            "nonce": rng.randrange(2),
        }

    def other(self, member: Data, store: Data, text: str) -> Data:
        rng = self.rng
        kind = rng.choice(("set_member", "read", "keys", "load_rules"))
        if kind == "set_member":
            flag = rng.choice(("suspended", "id_suspended", "withdrawn"))
            changes: tuple[Data, ...] = (
                {flag: rng.random() < 0.3},
                {"notices": ["OPEN_NOTE"]},
                {"fixed_code_version": 2},
            )
            return {"op": "set_member", "member": member["id"], "set": rng.choice(changes)}
        if kind == "read":
            device = f"{store['id']}-{rng.choice(('IN0', 'IN1', 'OUT'))}"
            return {"op": "read", "device": device, "payload": rng.choice("xy"), "at": text}
        if kind == "keys" and member["contracts"]:
            contract = rng.choice(member["contracts"])
            inward = [d["id"] for d in self.world["devices"].values() if d["side"] == "IN"]
            return {"op": "keys", "device": rng.choice(inward), "contract": contract["id"]}
        plans = [{**c["plan"], **_spoilt(rng)} for c in member["contracts"]]
        return {"op": "load_rules", "plans": plans}


def _spoilt(rng: Random) -> Data:
    """Mostly nothing; else a field that may not go with the others of its plan."""
    ticks = {"kind": "DAY", "weekdays": "1" * 7, "holiday": "ALL"}
    band = {**ticks, "limit": rng.choice((-1, 0, None))}
    faults: tuple[Data, ...] = (
        {"restrict": rng.random() < 0.5},
        {"ticket_required": True},
        {"exempt": rng.random() < 0.5},
        {"exempt_programs": ["YOGA"]},
        {"late_min": 10},
        {"type": "school"},
        {"bands": [band] * rng.choice((1, 2))},
        {"booking_bands": [ticks, ticks]},
    )
    return rng.choice(faults) if rng.random() < 0.5 else {}
