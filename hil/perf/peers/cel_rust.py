"""common-expression-language: CEL in Rust, a program a plan, compiled once."""

import cel

from hil.perf.peers import Answer, Band, Facts, Plans


def _term(place: int, band: Band) -> str:
    term = f"minute >= {band.start} && minute < {band.end} && weekday in {sorted(band.weekdays)}"
    if band.limit is None:
        return f"({term})"
    return f"({term} && (today[{place}] || used[{place}] < {band.limit}))"


def engine(plans: Plans) -> Answer:
    """Compile the plans."""
    programs = {
        name: cel.compile(
            f"!suspended && ({' || '.join(_term(n, band) for n, band in enumerate(bands))})"
        )
        for name, bands in plans.items()
    }

    def answer(facts: Facts) -> bool:
        context = {
            "suspended": facts.suspended,
            "weekday": facts.weekday,
            "minute": facts.minute,
            "used": facts.used,
            "today": facts.today,
        }
        return bool(programs[facts.plan].execute(context))

    return answer
