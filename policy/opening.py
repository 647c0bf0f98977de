"""When a door stands open for everybody (spec/hardware.md 9.3 "Schedule unlock")."""

from datetime import datetime

from policy.calendar import day_refusal, local_date, occurrences
from policy.model import Door, Store


def stands_open(store: Store, door: Door, at: datetime) -> bool:
    """Tell whether one of the door's bands is open at `at`; on closed dates none is."""
    today = local_date(store, at)
    return any(
        band.opens <= at < band.closes
        and band.service_date not in store.closed
        and day_refusal(store, grant.days, band.service_date) is None
        for grant in door.open_bands
        for band in occurrences(store, grant.kind, today)
    )
