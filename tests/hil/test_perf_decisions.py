from functools import partial
from importlib.metadata import PackageNotFoundError

import pytest

from hil.perf import decisions
from hil.perf.club import common_club
from hil.perf.decisions import Disagreement, PeerHost, compared, plans_of, table
from hil.perf.peers import PEERS, Answer, Facts, engine
from hil.perf.stopwatch import each

CLUB = common_club(bands=8, requests=400)
PLANS = plans_of(CLUB)


@pytest.mark.parametrize("package", PEERS)
def test_an_engine_gives_the_same_answers(package: str) -> None:
    try:
        answer = engine(package, PLANS)
    except PackageNotFoundError:
        pytest.skip(f"{package} is installed by `make bench` only")
    compared(CLUB, {package: answer})


def test_the_compared_requests_meet_every_part_of_the_rule() -> None:
    reasons = compared(CLUB, {})
    assert set(reasons) == {
        "OK", "MEMBER_SUSPENDED", "OUT_OF_BAND", "WEEKDAY_NOT_ALLOWED", "QUOTA_EXHAUSTED",
    }  # fmt: skip
    assert min(reasons.values()) >= 10


def by_hand(facts: Facts, *, again: bool = True) -> bool:
    """The right answer; but for who was there today, unless `again`."""
    return not facts.suspended and any(
        band.start <= facts.minute < band.end
        and facts.weekday in band.weekdays
        and (band.limit is None or used < band.limit or (again and today))
        for band, used, today in zip(PLANS[facts.plan], facts.used, facts.today, strict=True)
    )


def test_the_question_is_put_to_other_engines_as_it_is_to_ours() -> None:
    compared(CLUB, {"by hand": by_hand})


@pytest.mark.parametrize("wrong", [partial(by_hand, again=False), lambda _: False])
def test_an_engine_with_another_answer_is_not_timed(wrong: Answer) -> None:
    with pytest.raises(Disagreement, match="wrong: not OK"):
        compared(CLUB, {"right": by_hand, "wrong": wrong})


def test_a_use_counts_in_its_own_month_and_band() -> None:
    request = CLUB.requests[-1]
    facts = PeerHost(CLUB).facts(request)
    (contract,) = request.member.contracts
    counted = [
        sum(
            (key.band, key.service_date.year, key.service_date.month) == (grant.kind, 2026, 11)
            for key in CLUB.keys[request.member.id]
        )
        for grant in CLUB.rules.plans[contract.plan].bands
    ]
    assert facts.used == counted
    assert sum(counted) > 0


def test_every_engine_has_its_row() -> None:
    made = table(rounds=2, bands=3, requests=50)
    assert [row.engine for row in made.rows[-len(PEERS) :]] == [*PEERS]
    for row in made.rows:
        assert (row.p50_us is None) == (row.decides == "not installed")
    assert sum(made.answers.values()) == 2 * 50


def test_nobody_is_asked_the_same_twice() -> None:
    asked: list[int] = []
    laps = each(asked.append, range(7), rounds=3)
    rounds = [len(laps()) for _ in range(3)]
    assert rounds == [3, 2, 2]
    assert asked == [0, 3, 6, 1, 4, 2, 5]


def test_the_table_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(decisions, "REQUESTS", 20)
    monkeypatch.setattr("sys.argv", ["decisions", "--rounds", "5", "--bands", "2"])
    decisions.main()
    said = capsys.readouterr().out.splitlines()
    for package in PEERS:
        (row,) = [line for line in said if line.startswith(package)]
        assert "the common part" in row or "not installed" in row


def test_few_rounds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["decisions", "--rounds", "4"])
    with pytest.raises(SystemExit, match="2"):
        decisions.main()
