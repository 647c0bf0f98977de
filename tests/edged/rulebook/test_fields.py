import pytest

from edged.rulebook.fields import hours
from policy.model import Hours


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10:00-17:00", Hours(600, 1020)),
        ("0:00-24:00", Hours(0, 1440)),
        ("22:00-02:00", Hours(1320, 1560)),
        ("22:00-26:00", Hours(1320, 1560)),
        ("23:59-23:58", Hours(1439, 2878)),
        ("10:30-34:30", Hours(630, 2070)),
        ("6:05-7:00", Hours(365, 420)),
    ],
)
def test_hours(text: str, expected: Hours) -> None:
    assert hours(text) == expected
