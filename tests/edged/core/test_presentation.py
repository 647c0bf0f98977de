import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.core.limits import REMEMBERED_TEXTS
from edged.core.presentation import Memory, Seen, note, outcome, read_ms, step
from policy.model import Reason

GAP_MS = 1_500
DEBOUNCE_MS = 5_000
NEW, CONTINUED, DEBOUNCED = Seen.NEW, Seen.CONTINUED, Seen.DEBOUNCED


def play(reads: list[tuple[int, str]], debounce_ms: int = DEBOUNCE_MS) -> list[Seen]:
    memory: Memory = ()
    answers = []
    for now_ms, name in reads:
        memory, seen = step(memory, name.encode(), now_ms, gap_ms=GAP_MS, debounce_ms=debounce_ms)
        answers.append(seen)
    return answers


@pytest.mark.parametrize(
    ("reads", "answers"),
    [
        pytest.param([(0, "A")], [NEW], id="the first read"),
        pytest.param([(0, "A"), (0, "A")], [NEW, CONTINUED], id="two reads at once"),
        pytest.param([(0, "A"), (1_499, "A")], [NEW, CONTINUED], id="inside the gap"),
        pytest.param([(0, "A"), (1_500, "A")], [NEW, DEBOUNCED], id="at the gap: presented anew"),
        pytest.param([(0, "A"), (4_999, "A")], [NEW, DEBOUNCED], id="a moment too early"),
        pytest.param([(0, "A"), (5_000, "A")], [NEW, NEW], id="at exactly the debounce"),
        pytest.param(
            [(0, "A"), (4_000, "A"), (5_000, "A")],
            [NEW, DEBOUNCED, NEW],
            id="an ignored read puts nothing off (O06)",
        ),
        pytest.param(
            [(0, "A"), (1_000, "A"), (2_000, "A"), (5_000, "A")],
            [NEW, CONTINUED, CONTINUED, NEW],
            id="the debounce counts from the decision, not from the last read",
        ),
        pytest.param(
            [(0, "A"), *((ms, "A") for ms in range(1_000, 20_000, 1_000))],
            [NEW, *[CONTINUED] * 19],
            id="held for long: one presentation",
        ),
        pytest.param(
            [(0, "A"), (1_000, "B"), (2_000, "A")],
            [NEW, NEW, DEBOUNCED],
            id="A, B, A: every text has its own time",
        ),
        pytest.param(
            [(0, "A"), (100, "B"), (200, "A"), (300, "B")],
            [NEW, NEW, CONTINUED, CONTINUED],
            id="two codes before one camera",
        ),
        pytest.param(
            [(0, "A"), (10, "B"), *((20 + n, str(n)) for n in range(7)), (30, "B"), (40, "A")],
            [NEW] * 9 + [CONTINUED, NEW],
            id="the ninth text crowds out the one seen longest ago",
        ),
        pytest.param(
            [(0, "A"), (10, "B"), (15, "A"), *((20 + n, str(n)) for n in range(7)), (30, "A")],
            [NEW, NEW, CONTINUED, *[NEW] * 7, CONTINUED],
            id="a text that is held is not crowded out by others that are not",
        ),
    ],
)
def test_which_reads_ask_for_a_decision(reads: list[tuple[int, str]], answers: list[Seen]) -> None:
    assert play(reads) == answers


@pytest.mark.parametrize(
    ("second_ms", "seen"), [(0, CONTINUED), (1_499, CONTINUED), (1_500, NEW), (60_000, NEW)]
)
def test_on_the_way_out_every_presentation_is_decided(second_ms: int, seen: Seen) -> None:
    assert play([(0, "A"), (second_ms, "A")], debounce_ms=0) == [NEW, seen]


def test_the_last_answer_is_kept_through_every_kind_of_read() -> None:
    memory: Memory = ()
    assert outcome(memory, b"A") is None
    for now_ms, seen in ((0, NEW), (100, CONTINUED), (4_000, DEBOUNCED), (5_000, NEW)):
        memory, answer = step(memory, b"A", now_ms, gap_ms=GAP_MS, debounce_ms=DEBOUNCE_MS)
        assert answer is seen
        assert outcome(memory, b"A") is (None if now_ms == 0 else Reason.OUT_OF_BAND)
        memory = note(memory, b"A", Reason.OUT_OF_BAND)


def test_an_answer_is_noted_for_its_own_text() -> None:
    memory, _ = step((), b"A", 0, gap_ms=GAP_MS, debounce_ms=DEBOUNCE_MS)
    memory, _ = step(memory, b"B", 0, gap_ms=GAP_MS, debounce_ms=DEBOUNCE_MS)
    memory = note(memory, b"A", Reason.OK)
    assert (outcome(memory, b"A"), outcome(memory, b"B")) == (Reason.OK, None)


def test_a_text_that_was_crowded_out_stays_forgotten() -> None:
    assert note((), b"A", Reason.OK) == ()


holds = st.lists(
    st.tuples(st.integers(DEBOUNCE_MS, 60_000), st.lists(st.integers(0, GAP_MS - 1), max_size=30)),
    max_size=8,
)


@pytest.mark.threat("A16")
@given(st.dictionaries(st.sampled_from("ABCDEFGH"), holds))
def test_there_are_as_many_decisions_as_presentations(
    people: dict[str, list[tuple[int, list[int]]]],
) -> None:
    """People come back after their debounce and hold their code for as long as they like."""
    reads = []
    for name, presentations in people.items():
        now_ms = 0
        for pause_ms, gaps_ms in presentations:
            now_ms += pause_ms
            reads.append((now_ms, name))
            for gap_ms in gaps_ms:
                now_ms += gap_ms
                reads.append((now_ms, name))
    decisions = play(sorted(reads)).count(NEW)
    assert decisions == sum(len(presentations) for presentations in people.values())


def test_a_text_is_read_until_it_is_forgotten() -> None:
    memory, _ = step((), b"A", 1_000, gap_ms=GAP_MS, debounce_ms=DEBOUNCE_MS)
    memory, _ = step(memory, b"A", 1_100, gap_ms=GAP_MS, debounce_ms=DEBOUNCE_MS)
    assert read_ms(memory, b"A", 1_000) == 1_100
    assert read_ms(memory, b"A", 1_200) == 1_200
    assert read_ms(memory, b"B", 900) == 900


@pytest.mark.threat("A16")
@given(st.lists(st.tuples(st.integers(0, 3_000), st.sampled_from("ABCDEFGHIJKL"))))
def test_decisions_keep_their_distance_and_memory_its_bound(
    steps: list[tuple[int, str]],
) -> None:
    memory: Memory = ()
    now_ms = 0
    decided: dict[bytes, int] = {}
    for pause_ms, name in steps:
        now_ms += pause_ms
        remembered = {trace.digest for trace in memory}
        memory, seen = step(memory, name.encode(), now_ms, gap_ms=GAP_MS, debounce_ms=DEBOUNCE_MS)
        if seen is NEW:
            if name.encode() in remembered:
                assert now_ms - decided[name.encode()] >= DEBOUNCE_MS
            decided[name.encode()] = now_ms
        assert len(memory) <= REMEMBERED_TEXTS
