"""Makes timetables before anybody asks for them, so that who comes first waits no longer."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

from policy.entry import decide
from policy.limits import TIMETABLES_AHEAD
from policy.model import Contract, Device, Member, Rules, Scene
from policy.timetable import number_kept, offers, timetable_of

_ANYBODY, _RUNS = Member("", b""), Contract("", "", date.min)  # no answer that is kept names them


def prepare(rules: Rules, device: Device, at: datetime) -> Iterator[None]:
    """Work out what each plan offers at the device in the UTC day of `at`, one plan a step.

    It changes no answer (spec/rules.md 3.1, 3.3-2). What is there already costs no step, and
    what exceeds `TIMETABLES_AHEAD` is left to whoever asks for it.
    """
    store = rules.stores.get(device.store)
    if store is None:
        return
    for plan in rules.plans.values():
        here = offers(rules, store, device, at)
        if plan.id not in here.plans and number_kept(rules) < TIMETABLES_AHEAD:
            anybody = replace(_ANYBODY, contracts=(replace(_RUNS, plan=plan.id),))
            for start in timetable_of(rules, here, plan, at).starts:
                decide(rules, device, anybody, Scene(start))
            yield
