"""Limits of what is asked about rules and records, each with its unit and its reason."""

from typing import Final

DAYS: Final = (1, 62)
"""Days that two rule sets are compared over: two months, inside `policy.limits.WINDOW_DAYS` even
where clocks change in between."""

DAYS_ASKED: Final = 7
"""Unless told otherwise: every weekday once."""

SHOWN: Final = 100
"""Lines shown to a person before only counts follow; nobody reads on. `--json` gives all."""

QUOTAS: Final = 8
"""Bands and tickets of a picture: more would push the days off a phone's screen."""

ALIKE: Final = 4_096
"""Answers kept for members who differ by their ids only (about 4 KB each)."""
