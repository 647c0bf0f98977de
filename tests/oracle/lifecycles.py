"""Lockers, seats and rooms, step by step (spec/rules.md 4.1 to 4.3)."""

from copy import deepcopy
from datetime import datetime

from tests.oracle.state import State
from tests.oracle.times import Data, instant, minutes

COLOURS = {"SINGLE": "grey", "TIME": "yellow", "PERIOD_FREE": "purple"}
NOBODY: Data = {"member": None, "product": None, "io": None, "since": None}
EMPTY: Data = {"occupancy": None, "member": None, "start": None, "end": None, "pin": None}


def thing(world: Data, state: State, kind: str, name: str | None) -> Data | None:
    """The locker, seat, product, room ... as it is now; the world says how it began."""
    if kind not in state.life:
        state.life[kind] = {each["id"]: deepcopy(each) for each in world.get(kind, [])}
    found: Data | None = state.life[kind].get(name)
    return found


def must(world: Data, state: State, kind: str, name: str) -> Data:
    found = thing(world, state, kind, name)
    assert found is not None, f"no {name} among the {kind}"
    return found


# Lockers


def locker(world: Data, state: State, step: Data) -> Data:
    """Every locker operation but `fault`; `after` tells what was added to each log."""
    act = step["op"].removeprefix("locker.")
    names = [step["locker"], *([step["to"]] if act == "move" else [])]
    lockers = [must(world, state, "lockers", name) for name in names]
    logs: dict[str, list[str]] = {name: [] for name in names}
    if act in ("view", "assign", "open_by", "move"):
        for box in lockers:
            _expire(box, instant(step["at"]), logs[box["id"]])
    if act == "view":
        answer: Data = {"result": lockers[0]["state"]}
    elif act == "open_by":
        reason = _opening(world, lockers[0], step)
        answer = {"decision": "ALLOW" if reason == "OK" else "DENY", "reason": reason}
    else:
        doings = {"assign": _assign, "extend": _extend, "force_end": _force_end, "move": _move}
        answer = {"result": doings[act](lockers, step, logs)}
    shown = ("state", *EMPTY)
    after = {b["id"]: {**{f: b[f] for f in shown}, "log_added": logs[b["id"]]} for b in lockers}
    return {**answer, "after": after}


def locker_fault(world: Data, state: State, step: Data) -> Data:
    must(world, state, "lockers", step["locker"])["fault"] = step["fault"]
    return {}


def _expire(box: Data, at: datetime, log: list[str]) -> None:
    if box["state"] == "IN_USE" and at >= instant(box["end"]):
        box["state"] = "WAITING"
        log.append("expired")


def _opening(world: Data, box: Data, step: Data) -> str:
    if box["state"] == "OUT_OF_ORDER":
        return "LOCKER_OUT_OF_ORDER" if box["member"] else "LOCKER_NOT_ASSIGNED"
    if box["member"] is None:
        return "LOCKER_NOT_ASSIGNED"
    if box["member"] != step["member"]:
        return "LOCKER_NOT_YOURS"
    if step.get("pin") is not None and step["pin"] != box["pin"]:
        return "LOCKER_BAD_PIN"
    if instant(step["at"]) < instant(box["start"]):
        return "LOCKER_NOT_STARTED"
    if box["state"] == "WAITING":
        setting = world["settings"].get("locker_open_when_expired", "off")
        if setting == "off" or (setting == "once" and box.get("opened_once")):
            return "LOCKER_EXPIRED"
        box["opened_once"] = True
    return "OK"


def _assign(lockers: list[Data], step: Data, _logs: dict[str, list[str]]) -> str:
    if lockers[0]["state"] != "FREE":
        return "LOCKER_OCCUPIED"
    lockers[0].update({field: step[field] for field in EMPTY}, state="IN_USE")
    return "OK"


def _extend(lockers: list[Data], step: Data, logs: dict[str, list[str]]) -> str:
    box = lockers[0]
    if box["occupancy"] != step["occupancy"]:
        return "STALE_COMMAND"
    box.update(state="IN_USE", end=step["end"])
    _expire(box, instant(step["at"]), logs[box["id"]])
    return "OK"


def _force_end(lockers: list[Data], step: Data, logs: dict[str, list[str]]) -> str:
    box = lockers[0]
    if box["occupancy"] != step["occupancy"]:
        return "STALE_COMMAND"
    if box.get("fault") == "pin_reset_unconfirmed":
        logs[box["id"]].append("pin_reset_failed")
        return "PIN_RESET_FAILED"
    box.update(EMPTY, state="FREE", opened_once=False)
    logs[box["id"]] += ["release_pulse", "forced_end"]
    return "OK"


def _move(lockers: list[Data], step: Data, logs: dict[str, list[str]]) -> str:
    here, there = lockers
    if here["occupancy"] != step["occupancy"]:
        return "STALE_COMMAND"
    if there["state"] != "FREE":
        return "LOCKER_OCCUPIED"
    if here["state"] != "IN_USE":
        return "LOCKER_EXPIRED"
    there.update({field: here[field] for field in EMPTY}, state="IN_USE", pin=step["pin"])
    here.update(EMPTY, state="FREE")
    logs[here["id"]] += ["release_pulse", "moved_to"]
    logs[there["id"]].append("moved_from")
    return "OK"


# Seats


def seat(world: Data, state: State, step: Data) -> Data:
    place = must(world, state, "seats", step["seat"])
    for field, nothing in NOBODY.items():
        place.setdefault(field, nothing)
    act, at = step["op"].removeprefix("seat."), instant(step["at"])
    held = thing(world, state, "products", place["product"])
    offered = thing(world, state, "products", step.get("product"))
    notices: list[str] = []
    if act == "door":
        reason = "OK"
        if step["side"] == "IN":
            reason = _seat_door(place, held, step["member"], at)
        answer: Data = {"decision": "ALLOW" if reason == "OK" else "DENY", "reason": reason}
    elif act == "assign":
        answer = {"result": _seat_assign(place, offered, step)}
    elif act == "force_end":
        answer = {"result": _end_use(place, held, at)}
    else:
        answer = {"result": _change_io(place, held, step, notices)}
    after = {**{f: place[f] for f in NOBODY}, "notices_added": notices}
    now = thing(world, state, "products", place["product"])
    after["colour"] = _colour(place, now)
    told = now or held or offered
    if told is not None:
        answer["product_after"] = {f: told[f] for f in ("id", "minutes", "ended")}
    return {**answer, "after": after}


def _colour(place: Data, product: Data | None) -> str:
    if product is None:
        return "white"
    if product["kind"] == "PERIOD_FIXED":
        return "orange" if place["io"] == "IN" else "green"
    return COLOURS[product["kind"]]


def _over(product: Data, at: datetime) -> bool:
    return product["ended"] or (product["end"] is not None and at >= instant(product["end"]))


def _seat_door(place: Data, product: Data | None, member: str, at: datetime) -> str:
    if product is None or place["member"] != member:
        return "SEAT_NOT_ASSIGNED"
    if _over(product, at):
        return "PRODUCT_EXPIRED"
    if place["io"] == "OUT":
        return "SEAT_CHECKED_OUT"
    if product["kind"] == "TIME" and at - instant(place["since"]) >= minutes(product["minutes"]):
        return "TIME_BALANCE_EMPTY"
    return "OK"


def _seat_assign(place: Data, product: Data | None, step: Data) -> str:
    if product is None or product["member"] != step["member"]:
        return "NO_PRODUCT"
    if place["member"] is not None:
        return "SEAT_OCCUPIED"
    if _over(product, instant(step["at"])):
        return "PRODUCT_EXPIRED"
    if product["kind"] == "TIME" and product["minutes"] <= 0:
        return "TIME_BALANCE_EMPTY"
    place.update(member=step["member"], product=product["id"], io="IN", since=step["at"])
    return "OK"


def _change_io(place: Data, product: Data | None, step: Data, notices: list[str]) -> str:
    to = "IN" if step["op"] == "seat.check_in" else "OUT"
    if product is None:
        return "SEAT_NOT_ASSIGNED"
    if place["member"] != step["member"]:
        return "NOT_YOUR_FIXED_SEAT"
    if place["io"] == to:
        return f"ALREADY_{to}"
    if product["kind"] != "PERIOD_FIXED":
        return _end_use(place, product, instant(step["at"]))
    if to == "IN" and _over(product, instant(step["at"])):
        return "PRODUCT_EXPIRED"
    place.update(io=to, since=step["at"])
    notices.append(f"CHECK_{to}")
    return "OK"


def _end_use(place: Data, product: Data | None, at: datetime) -> str:
    """The seat becomes free; a single-use product ends, used minutes are rounded up."""
    if product is None:
        return "SEAT_NOT_ASSIGNED"
    if product["kind"] == "SINGLE":
        product["ended"] = True
    if product["kind"] == "TIME":
        stayed_s = (at - instant(place["since"])).total_seconds()
        product["minutes"] = max(0, product["minutes"] - int(-(-stayed_s // 60)))
    place.update(NOBODY)
    return "OK"


def seat_admits(world: Data, state: State, member: str, at: datetime) -> str | None:
    """The seat that lets this member in now, if any (the `seat` of a device's qualify)."""
    thing(world, state, "seats", None)
    for name, place in state.life["seats"].items():
        product = thing(world, state, "products", place.get("product"))
        if _seat_door({**NOBODY, **place}, product, member, at) == "OK":
            return str(name)
    return None


# Rooms


def room(world: Data, state: State, step: Data) -> Data:
    booking = must(world, state, "rooms", step["booking"])
    booking.setdefault("sent", {})
    act = step["op"].removeprefix("room.")
    _advance(world, booking, step["at"])
    if act == "pay":
        answer = {"result": _pay(booking, step["at"])}
        _advance(world, booking, step["at"])
    elif act == "end_use":
        paid = booking["status"] == "PAID"
        booking["status"] = "FINISHED" if paid else booking["status"]
        answer = {"result": "OK" if paid else "NOT_BOOKED"}
    elif act == "door":
        reason = _room_door(world, booking, step["user"], instant(step["at"]))
        answer = {"decision": "ALLOW" if reason == "OK" else "DENY", "reason": reason}
    else:
        answer = {"result": booking["status"]}
    return {**answer, "after": deepcopy({f: booking[f] for f in ("status", "paid_at", "sent")})}


def _advance(world: Data, booking: Data, at: str) -> None:
    """What time alone does: the cancel of an unpaid booking, and the scheduled sending."""
    now = instant(at)
    unpaid = minutes(world["settings"].get("room_unpaid_cancel_min", 15))
    if booking["status"] == "RESERVED" and now >= instant(booking["start"]) + unpaid:
        booking["status"] = "AUTO_CANCELLED"
    if booking["status"] == "PAID" and now < instant(booking["end"]):
        due = max(booking["send_at"] or booking["paid_at"], booking["paid_at"], key=instant)
        for user in booking["users"] if now >= instant(due) else ():
            booking["sent"].setdefault(user, due)


def _pay(booking: Data, at: str) -> str:
    if booking["status"] != "RESERVED":
        return "NOT_PAYABLE"
    booking.update(status="PAID", paid_at=at)
    return "OK"


def _room_door(world: Data, booking: Data, user: str, at: datetime) -> str:
    early = minutes(world["settings"].get("room_early_min", 15))
    if booking["status"] == "FINISHED":
        return "BOOKING_OVER"
    if booking["status"] in ("CANCELLED", "AUTO_CANCELLED"):
        return "BOOKING_CANCELLED"
    if booking["status"] != "PAID":
        return "BOOKING_UNPAID"
    if user not in booking["users"]:
        return "NOT_A_REGISTERED_USER"
    if at < instant(booking["start"]) - early:
        return "TOO_EARLY"
    return "BOOKING_OVER" if at >= instant(booking["end"]) else "OK"


def room_admits(
    world: Data, state: State, where: str | None, user: str, at: datetime
) -> str | None:
    """The booking that opens this room to this user now (the `room` of a device's qualify)."""
    thing(world, state, "rooms", None)
    for name, booking in state.life["rooms"].items():
        here = where is None or booking["room"] == where
        if here and _room_door(world, booking, user, at) == "OK":
            return str(name)
    return None
