"""Facility requests, LINE bookings and loyalty points, step by step (spec/rules.md 4.4 to 4.6)."""

from datetime import date, datetime, timedelta

from tests.oracle.lifecycles import must
from tests.oracle.state import State
from tests.oracle.times import Data, instant

FRIDAY = 4


def facility_request(world: Data, state: State, step: Data) -> Data:
    space = must(world, state, "spaces", step["space"])
    return {"result": _request_fault(space, step) or "REQUESTED"}


def _request_fault(space: Data, step: Data) -> str | None:
    start, end = datetime.fromisoformat(step["start"]), datetime.fromisoformat(step["end"])
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    day = start.date()
    first, last = space["period"] or (day.isoformat(), day.isoformat())
    opens, closes = (midnight + timedelta(minutes=m) for m in space["hours"])
    longest = space["max_minutes"]
    faults = {
        "SPACE_NOT_BOOKABLE": not space["bookable"],
        "BAD_RANGE": end <= start,
        "OUTSIDE_PERIOD": not first <= day.isoformat() <= last,
        "DATE_EXCLUDED": day.isoformat() in space["no_dates"],
        "WEEKEND_EXCLUDED": space["no_weekend"] and day.weekday() > FRIDAY,
        "WEEKDAY_EXCLUDED": day.weekday() in space["no_weekdays"],
        "OUTSIDE_HOURS": start < opens or end > closes,
        "TOO_LONG": longest is not None and end - start > timedelta(minutes=longest),
        "CONFLICT": any(start < instant(b) and instant(a) < end for a, b in space["booked"]),
    }
    return next((name for name, found in faults.items() if found), None)


def facility_ruling(world: Data, state: State, step: Data) -> Data:
    request = must(world, state, "requests", step["request"])
    act = step["op"].removeprefix("facility.")
    to = {"approve": "APPROVED", "reject": "REJECTED", "reset": "REQUESTED"}[act]
    allowed = act == "reset" or request["state"] == "REQUESTED"
    request["state"] = to if allowed else request["state"]
    return {
        "result": "OK" if allowed else "NOT_ALLOWED",
        "state": request["state"],
        "door_right": request["state"] == "APPROVED",
    }


def line_place(world: Data, state: State, step: Data) -> Data:
    slot = must(world, state, "slots", step["slot"])
    taken = slot.setdefault("taken", [])
    result = "OK"
    if step["op"] == "line.cancel":
        if step["booking"] in taken:
            taken.remove(step["booking"])
        else:
            result = "NOT_BOOKED"
    elif len(taken) >= slot["capacity"]:
        result = "FULL"
    else:
        taken.append(step["booking"])
    return {"result": result, "taken": list(taken)}


def line_may_cancel(_world: Data, _state: State, step: Data) -> Data:
    if step["by"] != "user":
        return {"allowed": True}
    deadline = date.fromisoformat(step["booking_day"])
    left = step["limit_business_days"]
    while left > 0:
        deadline -= timedelta(days=1)
        off = step["off_weekdays"][deadline.weekday()] == "1"
        left -= not off and deadline.isoformat() not in step["holidays"]
    in_time = date.fromisoformat(step["today"]) <= deadline
    return {"allowed": step["origin"] != "staff" and in_time}


def loyalty(world: Data, state: State, step: Data) -> Data:
    ledger = must(world, state, "ledgers", step["ledger"])
    done = ledger.setdefault("done", {})  # id -> points that the balance gained; None = cancelled
    balance = ledger.setdefault("balance", 0)
    result, points, gain = _loyalty_step(ledger, done, balance, step)
    if result == "OK":
        ledger["balance"] += gain
        done[step["id"]] = None if step["op"] == "loyalty.cancel" else gain
    return {"result": result, "points": points, "balance_after": ledger["balance"]}


def _loyalty_step(
    ledger: Data, done: Data, balance: int, step: Data
) -> tuple[str, int | None, int]:
    """(result, points told, change of the balance)."""
    act = step["op"].removeprefix("loyalty.")
    if act == "cancel":
        gained = done.get(step["id"])
        if gained is None:
            return "NOT_CANCELLABLE", None, 0
        return ("POINTS_ALREADY_USED", None, 0) if gained > balance else ("OK", None, -gained)
    if step["id"] in done:
        return "DUPLICATE", None, 0
    if act == "earn":
        points = step["amount"] * ledger["rate_permille"] // 1000
        return "OK", points, points
    points = step["points"]
    if act == "direct":
        return "OK", points, points
    if not 0 < points <= balance:
        return "INSUFFICIENT", None, 0
    return ("OK", points, -points) if points <= step["amount"] else ("OVER_AMOUNT", None, 0)
