import pytest

from edged.limits import TALLY_BURST, TALLY_WINDOW_MS
from edged.records.tally import Tally


@pytest.mark.threat("A20")
def test_a_burst_is_told_one_by_one_and_the_rest_is_counted() -> None:
    tally = Tally()
    assert [tally.allows(7) for _ in range(TALLY_BURST + 3)].count(True) == TALLY_BURST
    assert not tally.allows(7 + TALLY_WINDOW_MS - 1)
    assert (tally.take_left(), tally.take_left()) == (4, 0)
    assert tally.allows(7 + TALLY_WINDOW_MS)
