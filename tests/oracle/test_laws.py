"""Laws that no example shows: what a change to a world may do to the engine's answers.

"Opens" is a refusal that is one no more, "shuts" the other way. Each law is put to many
generated worlds, and has to have had an effect in some of them.
"""

from copy import deepcopy
from random import Random
from typing import Any

import pytest

from tests.oracle.asked import (
    Change,
    both,
    contracts,
    decided,
    denied,
    dice,
    drop,
    entries,
    gist,
    plain,
    restricted,
    rows,
)
from tests.oracle.times import Data, shifted

# What is taken away never opens


def drop_band(rng: Random, made: Data) -> None:
    for plan in restricted(made):
        if plan["bands"]:
            del plan["bands"][rng.randrange(len(plan["bands"]))]


def drop_booking_band(rng: Random, made: Data) -> None:
    """Not of an open plan: without any it has a permanent key (spec/rules.md 3.6-4)."""
    for plan in restricted(made):
        if plan["booking_bands"]:
            del plan["booking_bands"][rng.randrange(len(plan["booking_bands"]))]


def drop_store(rng: Random, made: Data) -> None:
    for contract in contracts(made):
        stores = contract["plan"]["stores"]
        if stores is None:
            stores = sorted(made["world"]["stores"])
        contract["plan"]["stores"] = [store for store in stores if rng.random() < 0.5]


def drop_hours(rng: Random, made: Data) -> None:
    for store in made["world"]["stores"].values():
        for kind in [kind for kind in store["bands"] if rng.random() < 0.4]:
            del store["bands"][kind]


def untick(rng: Random, made: Data) -> None:
    grants = [grant for plan in restricted(made) for grant in plan["bands"]]
    for grant in [*grants, *(t for m in made["world"]["members"] for t in m["tickets"])]:
        grant["weekdays"] = "".join(
            tick if rng.random() < 0.5 else "0" for tick in grant["weekdays"]
        )
        grant["holiday"] = "NONE"


def close(rng: Random, made: Data) -> None:
    day = rng.choice(entries(made) or [{"at": "2027-01-01"}])["at"][:10]
    for store in made["world"]["stores"].values():
        store["closed"] = [*store["closed"], day, shifted(day, rng.choice((-1, 1)))]


def suspend(rng: Random, made: Data) -> None:
    for member in made["world"]["members"]:
        flag = rng.choice(("suspended", "id_suspended", "withdrawn"))
        member["flags"] = sorted({*member["flags"], flag})


def cancel(rng: Random, made: Data) -> None:
    for member in made["world"]["members"]:
        for booking in member["bookings"]:
            booking["status"] = rng.choice(("CANCELLED", "NO_SHOW", "FINISHED"))


def use_tickets(rng: Random, made: Data) -> None:
    for member in made["world"]["members"]:
        for ticket in member["tickets"]:
            ticket["remaining"] -= rng.randint(1, 3)


def lower_limits(_rng: Random, made: Data) -> None:
    for plan in restricted(made):
        for band in plan["bands"]:
            band["limit"] = 0 if band["limit"] is None else max(0, band["limit"] - 1)


def use_other_days(rng: Random, made: Data) -> None:
    """Uses of dates that no question is about: today's own would let in again."""
    dates = {step["at"][:10] for step in entries(made)} or {"2027-01-01"}
    asked = {shifted(day, n) for day in dates for n in range(-3, 4)}
    for contract in contracts(made):
        for band in contract["plan"]["bands"]:
            day = shifted(min(asked), rng.randint(-20, 20))
            if day not in asked:
                use = {"op": "used", "contract": contract["id"], "band": band["kind"]}
                store = rng.choice(sorted(made["world"]["stores"]))
                made["before"].append({**use, "service_date": day, "store": store})


def shut_devices(rng: Random, made: Data) -> None:
    for device in made["world"]["devices"].values():
        device.update(rng.choice(({"enabled": False}, {"lockdown": True}, {"gender": "F"})))


def distrust(_rng: Random, made: Data) -> None:
    made["world"]["settings"].update(
        clock_policy="deny", disk_failure_policy="deny", stale_policy="deny"
    )
    for step in entries(made):
        step.pop("stale_policy", None)


LESS: dict[str, Change] = {
    change.__name__: change
    for change in (
        drop_band,
        drop_booking_band,
        drop_store,
        drop_hours,
        untick,
        close,
        suspend,
        cancel,
        use_tickets,
        lower_limits,
        use_other_days,
        shut_devices,
        distrust,
    )
} | {"drop_ticket": drop("tickets")}


@pytest.mark.threat("B10")
@pytest.mark.parametrize("less", LESS)
def test_less_never_opens(less: str) -> None:
    changed = 0
    for step, before, after, _ in both(LESS[less]):
        changed += denied(after) and not denied(before)
        assert denied(after) or not denied(before), (step, before.reason, after.via)
    assert changed > 0, "nothing was shut: the law was not put to the test"


def test_a_booking_taken_away_never_opens_while_contracts_run_on() -> None:
    """Of bookings that exempt only the first is asked for dates (spec/cases.md, settled 3)."""

    def change(rng: Random, made: Data) -> None:
        drop("bookings")(rng, made)

    for made in rows():
        steady = deepcopy(made)
        for contract in contracts(steady):
            contract.update(start="2000-01-01", end=None, paused=[])
        fewer = deepcopy(steady)
        change(dice(1), fewer)
        steps = entries(made)
        for before, after in zip(decided(steady, steps), decided(fewer, steps), strict=True):
            assert denied(after) or not denied(before)


def test_a_contract_taken_away_opens_only_to_a_booking_alone() -> None:
    """Its uses, which others carry on, and its pause, which may block, stay out of it."""
    for number, made in enumerate(rows()):
        base = deepcopy(made)
        base["world"]["settings"].update(carry_usage_on_plan_change=False, paused_blocks_all=False)
        fewer = deepcopy(base)
        drop("contracts")(dice(number), fewer)
        steps = entries(made)
        for before, after in zip(decided(base, steps), decided(fewer, steps), strict=True):
            alone = after.via is not None and after.via.startswith("booking:")
            assert denied(after) or not denied(before) or alone


# What is added never shuts


def raise_limits(rng: Random, made: Data) -> None:
    for plan in restricted(made):
        for band in plan["bands"]:
            band["limit"] = None if band["limit"] is None else band["limit"] + rng.choice((1, 9))


def widen(rng: Random, made: Data) -> None:
    for plan in restricted(made):
        plan["early_min"] += rng.choice((1, 15, 120))


def exempt(_rng: Random, made: Data) -> None:
    for plan in restricted(made):
        plan.update(exempt=True, exempt_programs=[])


def allow_all_stores(_rng: Random, made: Data) -> None:
    for contract in contracts(made):
        contract["plan"]["stores"] = None


def reopen(_rng: Random, made: Data) -> None:
    for store in made["world"]["stores"].values():
        store["closed"] = []


def trust(_rng: Random, made: Data) -> None:
    made["world"]["settings"].update(
        clock_policy="members", disk_failure_policy="members", stale_policy="members"
    )
    for step in entries(made):
        step.pop("stale_policy", None)


def run_on(_rng: Random, made: Data) -> None:
    for contract in contracts(made):
        contract.update(start=min(contract["start"], "2000-01-01"), end=None, paused=[])
    for member in made["world"]["members"]:
        member["bookings"] = []


MORE: dict[str, Change] = {
    change.__name__: change
    for change in (raise_limits, widen, exempt, allow_all_stores, reopen, trust)
}


@pytest.mark.threat("B10")
@pytest.mark.parametrize("more", MORE)
def test_more_never_shuts(more: str) -> None:
    changed = 0
    for step, before, after, _ in both(MORE[more]):
        changed += denied(before) and not denied(after)
        assert denied(before) or not denied(after), (step, before.via, after.reason)
    assert changed > 0, "nothing was opened: the law was not put to the test"


def test_a_contract_that_runs_longer_never_shuts_where_nothing_is_booked() -> None:
    for made in rows():
        unbooked, longer = deepcopy(made), deepcopy(made)
        for member in unbooked["world"]["members"]:
            member["bookings"] = []
        for each in (unbooked, longer):
            each["world"]["settings"]["carry_usage_on_plan_change"] = False
        run_on(dice(0), longer)
        steps = entries(made)
        for before, after in zip(decided(unbooked, steps), decided(longer, steps), strict=True):
            assert denied(before) or not denied(after)


# What plays no part changes nothing


def stay_longer(rng: Random, made: Data) -> None:
    for plan in restricted(made):
        plan["late_min"] += rng.choice((1, 15, 120))


def unknown_kinds(_rng: Random, made: Data) -> None:
    for store in made["world"]["stores"].values():
        store["bands"]["NOBODY_HAS_THIS"] = [0, 1440]


def other_member(_rng: Random, made: Data) -> None:
    made["world"]["members"].append({**deepcopy(made["world"]["members"][0]), "id": "stranger"})
    stranger = made["world"]["members"][-1]
    stranger.update(flags=["suspended"], contracts=[], tickets=[], bookings=[])


def shuffle(rng: Random, made: Data) -> None:
    rng.shuffle(made["before"])
    for member in made["world"]["members"]:
        rng.shuffle(member["tickets"])
        rng.shuffle(member["bookings"])


def other_devices(_rng: Random, made: Data) -> None:
    asked = {step["device"] for step in entries(made)}
    devices = made["world"]["devices"]
    made["world"]["devices"] = {name: devices[name] for name in sorted(asked)}


IDLE: dict[str, Change] = {
    change.__name__: change
    for change in (stay_longer, unknown_kinds, other_member, shuffle, other_devices)
}


@pytest.mark.threat("B10")
@pytest.mark.parametrize("idle", IDLE)
def test_what_plays_no_part_changes_nothing(idle: str) -> None:
    for step, before, after, _ in both(IDLE[idle]):
        if idle == "stay_longer":
            assert before[:8] == after[:8], step
        else:
            assert gist(before) == gist(after), step


def test_the_hours_of_another_store_change_nothing() -> None:
    for made in rows():
        for step in entries(made):
            store = made["world"]["devices"][step["device"]]["store"]
            changed = deepcopy(made)
            for name, other in changed["world"]["stores"].items():
                if name != store:
                    other.update(bands={}, closed=[step["at"][:10]], holidays=[])
            assert gist(*decided(made, [step])) == gist(*decided(changed, [step]))


@pytest.mark.threat("B10")
def test_ids_are_only_names() -> None:
    """Renamed such that their order stays: it breaks ties."""
    for made in rows():
        world = made["world"]
        names = {*world["stores"], *world["devices"]}
        for member in world["members"]:
            owned = (*member["contracts"], *member["tickets"], *member["bookings"])
            names |= {member["id"], *(each["id"] for each in owned)}
            names |= {contract["plan"]["id"] for contract in member["contracts"]}
        renamed = _renamed(made, names)
        steps = entries(made), entries(renamed)
        for before, after in zip(decided(made, steps[0]), decided(renamed, steps[1]), strict=True):
            assert _renamed(plain(before), names) == plain(after)


def _renamed(thing: Any, names: set[str]) -> Any:
    if isinstance(thing, dict):
        return {
            _renamed(name, names): value if name == "gender" else _renamed(value, names)
            for name, value in thing.items()
        }
    if isinstance(thing, list):
        return [_renamed(value, names) for value in thing]
    if isinstance(thing, str):
        named, prefix = thing.removeprefix("plan:"), thing[: -len(thing.removeprefix("plan:"))]
        return f"{prefix}n-{named}" if named in names else thing
    return thing
