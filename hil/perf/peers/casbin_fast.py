"""pycasbin: a FastEnforcer, a policy line a band, the condition in a function of Python.

The form with the condition in the line (`eval()`) is five times slower, and raises where a plan
has no line. The filter on plan and act leaves only lines of the plan, so the matcher need not
compare them again; the filter needs two keys, one breaks it. The package `casbin` installs other
code over this one's: have `pycasbin` only.
"""

import logging

import casbin
from casbin.model import FastModel

from hil.perf.peers import Answer, Facts, Plans

_MODEL = """
[request_definition]
r = plan, act, facts
[policy_definition]
p = plan, act, place
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = fits(r.facts, p.plan, p.place)
"""


def engine(plans: Plans) -> Answer:
    """Load the lines."""

    def fits(facts: Facts, plan: str, line: str) -> bool:
        place = int(line)  # a policy line holds text only
        band = plans[plan][place]
        return (
            not facts.suspended
            and band.start <= facts.minute < band.end
            and facts.weekday in band.weekdays
            and (band.limit is None or facts.today[place] or facts.used[place] < band.limit)
        )

    logging.getLogger("casbin").setLevel(logging.ERROR)  # it warns of each refusal
    model = FastModel([0, 1])
    model.load_model_from_text(_MODEL)
    enforcer = casbin.FastEnforcer(model, cache_key_order=[0, 1])
    enforcer.add_function("fits", fits)
    for name, bands in plans.items():
        for place in range(len(bands)):
            enforcer.add_policy(name, "enter", str(place))

    def answer(facts: Facts) -> bool:
        return bool(enforcer.enforce(facts.plan, "enter", facts))

    return answer
