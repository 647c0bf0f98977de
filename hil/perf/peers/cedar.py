"""cedarpy: Cedar in Rust, a parsed PolicySet a plan, entities parsed once.

One policy with all bands: a policy a band costs a tenth more.
"""

import cedarpy

from hil.perf.peers import Answer, Band, Facts, Plans


def _term(place: int, band: Band) -> str:
    term = (
        f"context.minute >= {band.start} && context.minute < {band.end}"
        f" && {sorted(band.weekdays)}.contains(context.weekday)"
    )
    if band.limit is None:
        return f"({term})"
    return f"({term} && (context.today{place} || context.used{place} < {band.limit}))"


def _policies(bands: tuple[Band, ...]) -> cedarpy.PolicySet:
    terms = " || ".join(_term(place, band) for place, band in enumerate(bands))
    return cedarpy.PolicySet.from_str(
        'permit(principal, action == Action::"enter", resource)'
        f" when {{ !context.suspended && ({terms}) }};"
    )


def engine(plans: Plans) -> Answer:
    """Parse the policies."""
    policies = {name: _policies(bands) for name, bands in plans.items()}
    entities = cedarpy.Entities.from_json_str("[]")
    most = max(map(len, plans.values()))
    used = [f"used{place}" for place in range(most)]
    today = [f"today{place}" for place in range(most)]

    def answer(facts: Facts) -> bool:
        request = {
            "principal": 'Member::"m"',
            "action": 'Action::"enter"',
            "resource": 'Door::"d"',
            "context": {
                "suspended": facts.suspended,
                "weekday": facts.weekday,
                "minute": facts.minute,
                **dict(zip(used, facts.used, strict=False)),
                **dict(zip(today, facts.today, strict=False)),
            },
        }
        return bool(cedarpy.is_authorized(request, policies[facts.plan], entities).allowed)

    return answer
