"""Devices that only report who came in: nothing is refused or opened (spec/rules.md 3.5)."""

from policy import usage
from policy.case import Case
from policy.model import Decision, Reason, UsageKey, Verdict, Warn


def decide(case: Case, warnings: frozenset[Warn]) -> Decision:
    """Count an entry that has happened.

    The band is of the first limited contract that has one here by its hours, whatever the
    weekday, the dates and the count (spec/cases.md, settled 10): counted already before new,
    core before tolerance, short before long. Without a clock there is none.
    """
    member, device = case.member, case.device
    if member.suspended or member.id_suspended:
        warnings |= {Warn.SUSPENDED}
    if member.withdrawn:
        warnings |= {Warn.WITHDRAWN}
    key = _key(case) if case.scene.clock_trusted else None
    case.check("counts", key is not None, key=None if key is None else str(key))
    new = key is not None and not usage.present(case.scene.used, key)
    keys = () if key is None or not device.counts else (key,)
    return Decision(
        Verdict.RECORDED,
        Reason.RECORDED,
        "record",
        band=None if key is None else key.band,
        service_date=None if key is None else key.service_date,
        keys=keys,
        new_keys=keys if new else (),
        warnings=tuple(sorted(warnings)),
        trace=tuple(case.trace),
    )


def _key(case: Case) -> UsageKey | None:
    settings = case.rules.settings
    for contract, here, _ in case.offered:
        if not here.plan.restrict:
            continue
        choice = [
            (not usage.present(case.scene.used, key), fit.rank[0], fit.rank[2:], key)
            for fit in here.fits
            for key in [
                usage.usage_key(settings.dedupe_scope, case.store, contract.id, fit.kind, fit.day)
            ]
        ]
        if choice:
            return min(choice)[-1]
    return None
