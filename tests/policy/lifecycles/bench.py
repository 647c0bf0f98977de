"""Plays one row of groups L, S, R, P, N, Y of tests/vectors/cases.json (spec/cases.md).

A row runs on one state. An operation "group.verb" is the method `group_verb`; it returns what the
row expects, whole. The locker board here can't report doors and takes every pulse.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from policy import facility, line, locker_model, lockers, loyalty, rooms, seats
from policy.locker_model import Claim, Effects, Locker, LockerState, Occupancy
from policy.model import Hours, OpenWhenExpired, Reason, RuleSettings, Side

Json = Mapping[str, Any]
Result = dict[str, Any]

TOKYO = ZoneInfo("Asia/Tokyo")
COMMAND = "cmd"


def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def spell(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(TOKYO).isoformat()


def _at(step: Json, name: str = "at") -> datetime:
    return datetime.fromisoformat(step[name]).astimezone(UTC)


def _verdict(answer: str) -> Result:
    return {"decision": "ALLOW" if answer == "OK" else "DENY", "reason": answer}


class Bench:
    """One row's state."""

    def __init__(self, fixtures: Json, world: Json) -> None:
        said = {**fixtures["settings"], **world.get("settings", {})}
        self._settings = RuleSettings(
            locker_open_when_expired=OpenWhenExpired(said["locker_open_when_expired"]),
            room_early_min=said["room_early_min"],
            room_unpaid_cancel_min=said["room_unpaid_cancel_min"],
        )
        self._lockers = {row["id"]: _locker(row) for row in world.get("lockers", [])}
        self._unconfirmed: set[str] = set()
        self._seats = {row["id"]: seats.Seat(row["id"]) for row in world.get("seats", [])}
        self._products = {row["id"]: _product(row) for row in world.get("products", [])}
        self._rooms = {row["id"]: _room(row) for row in world.get("rooms", [])}
        self._spaces = {row["id"]: row for row in world.get("spaces", [])}
        self._requests = {row["id"]: _request(row) for row in world.get("requests", [])}
        self._slots = {row["id"]: line.Slot(**row) for row in world.get("slots", [])}
        self._ledgers = {
            row["id"]: loyalty.Ledger(row["rate_permille"]) for row in world.get("ledgers", [])
        }

    def play(self, step: Json) -> Result:
        result: Result = getattr(self, step["op"].replace(".", "_"))(step)
        return result

    # Lockers

    def locker_fault(self, step: Json) -> Result:
        assert step["fault"] == "pin_reset_unconfirmed"
        self._unconfirmed.add(step["locker"])
        return {}

    def locker_view(self, step: Json) -> Result:
        _, after = self._locker(step, locker_model.Tick())
        return {"result": after[step["locker"]]["state"], "after": after}

    def locker_assign(self, step: Json) -> Result:
        occupancy = Occupancy(
            step["occupancy"],
            step["member"],
            _at(step, "start"),
            _at(step, "end"),
            pin_hash=step["pin"].encode(),
        )
        return self._result(step, locker_model.Assign(COMMAND, occupancy))

    def locker_open_by(self, step: Json) -> Result:
        pin = step["pin"].encode() if "pin" in step else None
        answer, after = self._locker(step, locker_model.Open(COMMAND, Claim(step["member"], pin)))
        return {**_verdict(answer), "after": after}

    def locker_extend(self, step: Json) -> Result:
        return self._result(step, locker_model.Extend(COMMAND, step["occupancy"], _at(step, "end")))

    def locker_force_end(self, step: Json) -> Result:
        return self._result(step, locker_model.ForceEnd(COMMAND, step["occupancy"]))

    def locker_move(self, step: Json) -> Result:
        here, there, at = step["locker"], step["to"], _at(step)
        ask = locker_model.Move(COMMAND, step["occupancy"], step["pin"].encode())
        (self._lockers[here], effects), (self._lockers[there], its_own) = lockers.move(
            self._lockers[here], self._lockers[there], ask, at
        )
        effects = self._carry_out(here, effects, at)
        after = {here: self._show(here, effects), there: self._show(there, its_own)}
        return {"result": _answer(effects), "after": after}

    def _result(self, step: Json, event: locker_model.Event) -> Result:
        answer, after = self._locker(step, event)
        return {"result": answer, "after": after}

    def _locker(self, step: Json, event: locker_model.Event) -> tuple[str, Result]:
        name, at = step["locker"], _at(step)
        effects = self._carry_out(name, self._step(name, event, at), at)
        return _answer(effects), {name: self._show(name, effects)}

    def _step(self, name: str, event: locker_model.Event, at: datetime) -> Effects:
        self._lockers[name], effects = lockers.step(
            self._lockers[name], event, at, self._settings, reports_door=False
        )
        return effects

    def _carry_out(self, name: str, effects: Effects, at: datetime) -> Effects:
        """Do what is asked for, report it, and return all effects in their order."""
        done: Effects = ()
        for effect in effects:
            done = (*done, effect)
            match effect:
                case locker_model.ResetPin(command):
                    confirmed = name not in self._unconfirmed
                    report: locker_model.Event = locker_model.PinReset(command, confirmed)
                case locker_model.Pulse(command):
                    report = locker_model.Pulsed(command, done=True)
                case _:
                    continue
            done += self._carry_out(name, self._step(name, report, at), at)
        return done

    def _show(self, name: str, effects: Effects) -> Result:
        locker = self._lockers[name]
        held = locker.occupancy
        return {
            "state": locker.state.value,
            "occupancy": held and held.id,
            "member": held and held.member,
            "start": held and spell(held.start),
            "end": held and spell(held.end),
            "pin": held.pin_hash.decode() if held and held.pin_hash else None,
            "log_added": [e.word.value for e in effects if isinstance(e, locker_model.Log)],
        }

    # Seats

    def seat_assign(self, step: Json) -> Result:
        product = self._products.get(step["product"])
        seat = self._seats[step["seat"]]
        return self._sat(step, seats.assign(seat, product, step["member"], _at(step)))

    def seat_door(self, step: Json) -> Result:
        seat = self._seats[step["seat"]]
        product, member, at = self._held(seat), step["member"], _at(step)
        if Side(step["side"]) is Side.OUT:
            stepped = seats.leave(seat, product, member, at, auto_checkout=False)
        else:
            refusal = seats.entry_refusal([(seat, product)], member, at)
            stepped = seats.Stepped(seat, product, refusal or Reason.OK)
        shown = self._sat(step, stepped)
        return {**_verdict(shown.pop("result")), **shown}

    def seat_check_in(self, step: Json) -> Result:
        seat = self._seats[step["seat"]]
        return self._sat(step, seats.check_in(seat, self._held(seat), step["member"], _at(step)))

    def seat_check_out(self, step: Json) -> Result:
        seat = self._seats[step["seat"]]
        return self._sat(step, seats.check_out(seat, self._held(seat), step["member"], _at(step)))

    def seat_force_end(self, step: Json) -> Result:
        seat = self._seats[step["seat"]]
        product = self._held(seat)
        assert product is not None
        return self._sat(step, seats.force_end(seat, product, _at(step)))

    def _held(self, seat: seats.Seat) -> seats.Product | None:
        return None if seat.holding is None else self._products[seat.holding.product]

    def _sat(self, step: Json, stepped: seats.Stepped) -> Result:
        before = self._held(self._seats[step["seat"]])
        seat, product = stepped.seat, stepped.product
        self._seats[seat.id] = seat
        if product is not None:
            self._products[product.id] = product
        held = seat.holding
        shown: Result = {
            "result": stepped.result.value,
            "after": {
                "member": held and held.member,
                "product": held and held.product,
                "io": held and held.io.value,
                "since": held and spell(held.since),
                "colour": seats.colour(seat).value,
                "notices_added": [] if stepped.notice is None else [stepped.notice.value],
            },
        }
        told = before or product  # of a seat that is held, the row tells the product it holds
        if told is not None:
            now = self._products[told.id]
            shown["product_after"] = {
                "id": now.id,
                "minutes": now.minutes_left,
                "ended": now.ended,
            }
        return shown

    # Rooms

    def room_tick(self, step: Json) -> Result:
        booking = rooms.tick(self._rooms[step["booking"]], _at(step), self._settings)
        return {"result": booking.status.value, "after": self._booked(booking)}

    def room_pay(self, step: Json) -> Result:
        booking, answer = rooms.pay(self._rooms[step["booking"]], _at(step), self._settings)
        return {"result": answer.value, "after": self._booked(booking)}

    def room_door(self, step: Json) -> Result:
        booking, answer = rooms.door(
            self._rooms[step["booking"]], step["user"], _at(step), self._settings
        )
        return {**_verdict(answer.value), "after": self._booked(booking)}

    def room_end_use(self, step: Json) -> Result:
        booking, answer = rooms.end_use(self._rooms[step["booking"]])
        return {"result": answer.value, "after": self._booked(booking)}

    def _booked(self, booking: rooms.RoomBooking) -> Result:
        self._rooms[booking.id] = booking
        return {
            "status": booking.status.value,
            "paid_at": spell(booking.paid_at),
            "sent": {user: spell(at) for user, at in booking.sent.items()},
        }

    # Facilities

    def facility_request(self, step: Json) -> Result:
        row = self._spaces[step["space"]]
        answer = facility.check(_space(row), _at(step, "start"), _at(step, "end"), _booked(row))
        return {"result": answer.value}

    def facility_approve(self, step: Json) -> Result:
        others = [r for name, r in self._requests.items() if name != step["request"]]
        return self._decided(*facility.approve(self._requests[step["request"]], others))

    def facility_reject(self, step: Json) -> Result:
        return self._decided(*facility.reject(self._requests[step["request"]]))

    def facility_reset(self, step: Json) -> Result:
        return self._decided(*facility.reset(self._requests[step["request"]]))

    def _decided(self, request: facility.Request, answer: facility.Answer) -> Result:
        self._requests[request.id] = request
        right = facility.has_door_right(request)
        return {"result": answer.value, "state": request.state.value, "door_right": right}

    # LINE

    def line_book(self, step: Json) -> Result:
        return self._placed(*line.book(self._slots[step["slot"]], step["booking"]))

    def line_cancel(self, step: Json) -> Result:
        return self._placed(*line.cancel(self._slots[step["slot"]], step["booking"]))

    def _placed(self, slot: line.Slot, answer: line.Answer) -> Result:
        self._slots[slot.id] = slot
        return {"result": answer.value, "taken": list(slot.taken)}

    def line_may_cancel(self, step: Json) -> Result:
        deadline = line.Deadline(
            step["limit_business_days"],
            {n for n, tick in enumerate(step["off_weekdays"]) if tick == "1"},
            {date.fromisoformat(day) for day in step["holidays"]},
        )
        allowed = line.may_cancel(
            line.Actor.STAFF if step["by"] == "admin" else line.Actor.USER,
            line.Origin(step["origin"]),
            date.fromisoformat(step["booking_day"]),
            date.fromisoformat(step["today"]),
            deadline,
        )
        return {"allowed": allowed}

    # Loyalty

    def loyalty_earn(self, step: Json) -> Result:
        ledger = self._ledgers[step["ledger"]]
        return self._posted(step, loyalty.earn(ledger, step["id"], step["amount"]))

    def loyalty_direct(self, step: Json) -> Result:
        ledger = self._ledgers[step["ledger"]]
        return self._posted(step, loyalty.direct(ledger, step["id"], step["points"]))

    def loyalty_use(self, step: Json) -> Result:
        ledger = self._ledgers[step["ledger"]]
        return self._posted(step, loyalty.use(ledger, step["id"], step["points"], step["amount"]))

    def loyalty_cancel(self, step: Json) -> Result:
        return self._posted(step, loyalty.cancel(self._ledgers[step["ledger"]], step["id"]))

    def _posted(self, step: Json, posted: loyalty.Posted) -> Result:
        self._ledgers[step["ledger"]] = posted.ledger
        return {
            "result": posted.answer.value,
            "points": posted.points,
            "balance_after": posted.ledger.balance,
        }


def _answer(effects: Effects) -> str:
    """Return the one answer, or nothing where none was asked for."""
    return "".join(e.result.value for e in effects if isinstance(e, locker_model.Answer))


def _locker(row: Json) -> Locker:
    start, end = instant(row["start"]), instant(row["end"])
    if start is None or end is None:
        return Locker(row["id"], LockerState(row["state"]))
    pin = row["pin"].encode()
    held = Occupancy(row["occupancy"], row["member"], start, end, pin_hash=pin)
    return Locker(row["id"], LockerState(row["state"]), held)


def _product(row: Json) -> seats.Product:
    return seats.Product(
        row["id"],
        row["member"],
        seats.ProductKind(row["kind"]),
        valid_to=instant(row["end"]),
        minutes_left=row["minutes"],
        ended=row["ended"],
    )


def _room(row: Json) -> rooms.RoomBooking:
    return rooms.RoomBooking(
        row["id"],
        row["room"],
        _at(row, "start"),
        _at(row, "end"),
        rooms.RoomStatus(row["status"]),
        row["booker"],
        tuple(row["users"]),
        send_at=instant(row["send_at"]),
        paid_at=instant(row["paid_at"]),
    )


def _space(row: Json) -> facility.Space:
    first_last = [date.fromisoformat(day) for day in row["period"] or ()]
    return facility.Space(
        row["id"],
        TOKYO,
        Hours(*row["hours"]),
        bookable=row["bookable"],
        period=(first_last[0], first_last[1]) if first_last else None,
        no_weekend=row["no_weekend"],
        no_weekdays=frozenset(row["no_weekdays"]),
        no_dates=frozenset(date.fromisoformat(day) for day in row["no_dates"]),
        max_minutes=row["max_minutes"],
    )


def _booked(row: Json) -> list[facility.Request]:
    approved = facility.RequestState.APPROVED
    spans = [[datetime.fromisoformat(end) for end in span] for span in row["booked"]]
    return [facility.Request("", row["id"], start, end, approved) for start, end in spans]


def _request(row: Json) -> facility.Request:
    """Rows about the buttons name no time; each gets a space of its own, so none is in the way."""
    at = datetime(2018, 6, 22, tzinfo=UTC)
    return facility.Request(row["id"], row["id"], at, at, facility.RequestState(row["state"]))
