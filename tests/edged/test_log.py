import io
import json
import logging
from collections.abc import Iterator
from enum import StrEnum

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from edged import limits, log
from edged.printable import printable, where

CANARY = "correct-horse-battery-staple"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Closed(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


class Awkward:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Colour(StrEnum):
    RED = "red"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def logged(**values: object) -> dict[str, object]:
    out = io.StringIO()
    log.configure(out)
    structlog.get_logger().info("it_happened", **values)
    (line,) = out.getvalue().splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_an_event_is_one_json_object() -> None:
    assert logged(door="front", for_ms=5_000, ok=True, side=Colour.RED, via=None) == {
        "event": "it_happened",
        "level": "info",
        "door": "front",
        "for_ms": 5_000,
        "ok": True,
        "side": "red",
        "via": None,
    }


@pytest.mark.threat("G9")
@pytest.mark.parametrize("name", sorted(log.NEVER_LOGGED))
def test_secrets_are_not_logged_at_any_depth(name: str) -> None:
    found = logged(**{name: CANARY, "deep": [{"er": {name.upper(): CANARY}}]})
    assert CANARY not in json.dumps(found)
    assert found[name] == log.REDACTED


def test_what_lies_too_deep_is_not_shown() -> None:
    value: object = {"token": CANARY}
    for _ in range(2 * limits.LOG_DEPTH):
        value = [{"in": value}]
    assert CANARY not in json.dumps(logged(deep=value))


@pytest.mark.threat("G9")
def test_bytes_are_never_shown() -> None:
    assert logged(frame=CANARY.encode())["frame"] == "<28 bytes>"


@pytest.mark.threat("G9")
@pytest.mark.parametrize("out", [io.StringIO, Terminal])
def test_a_traceback_is_one_line_and_shows_no_variables(out: type[io.StringIO]) -> None:
    stream = out()
    log.configure(stream)
    try:
        fail(CANARY)
    except ValueError:
        structlog.get_logger().exception("it_failed")
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert "ValueError" in text
    assert "first\\nsecond" in text.replace("\\\\", "\\")
    assert "test_log.py" in text
    assert CANARY not in text


def test_below_the_level_nothing_is_logged() -> None:
    out = io.StringIO()
    log.configure(out)
    structlog.get_logger().debug("it_happened")
    assert out.getvalue() == ""


def test_people_see_colours() -> None:
    out = Terminal()
    log.configure(out)
    structlog.get_logger().warning("it_happened", door="front", why={"n": 1})
    assert out.getvalue() == (
        "\x1b[33mwarning \x1b[0m \x1b[1mit_happened\x1b[0m \x1b[36mdoor\x1b[0m=front"
        ' \x1b[36mwhy\x1b[0m={"n": 1}\n'
    )


def test_libraries_come_out_the_same_way() -> None:
    out = io.StringIO()
    log.configure(out)
    logging.getLogger("some.library").warning("lost\n%s", "it")
    logging.getLogger("some.library").log(35, "%d", "not a number")
    logging.getLogger("some.library").info("chatter")
    first, second = map(json.loads, out.getvalue().splitlines())
    assert first == {
        "event": "library_said",
        "level": "warning",
        "logger": "some.library",
        "message": "lost\\nit",
    }
    assert second["message"] == "%d"


def test_a_log_that_nobody_takes_stops_nobody() -> None:
    log.configure(Closed())
    structlog.get_logger().info("it_happened")


@pytest.mark.threat("A10")
def test_a_value_has_a_limit() -> None:
    found = logged(long="x" * 10_000, wide=list(range(10_000)), huge=1 << 70)
    assert len(str(found["long"])) == limits.LOG_TEXT_CHARS + 3
    assert found["wide"] == list(range(limits.LOG_ITEMS))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.builds(Awkward)
    | st.sampled_from(["\n", "\r\n", "\u2028", "\x85", "\x1b[2J", "\u202e", "\ud800", "\x00"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@pytest.mark.threat("A10")
@given(st.dictionaries(st.text(), VALUES), st.booleans())
def test_whatever_the_values_an_event_is_one_printable_line(
    values: dict[str, object], people: bool
) -> None:
    out = Terminal() if people else io.StringIO()
    log.configure(out)
    bound = structlog.get_logger()
    bound.info("it_happened", values=values, **{f"x{name}": one for name, one in values.items()})
    text = out.getvalue()
    assert text.endswith("\n")
    line = text[:-1]
    for colour in ("0", "1", "32", "36"):
        line = line.replace(f"\x1b[{colour}m", "") if people else line
    assert line.isprintable()
    if not people:
        assert json.loads(line)["event"] == "it_happened"


@given(st.text())
def test_printable_text_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(text) == text or not text.isprintable()


def fail(code: str) -> None:
    """Raise, with a secret among the variables."""
    assert code
    raise ValueError("first\nsecond")


def test_an_exception_is_named_with_its_line() -> None:
    with pytest.raises(ValueError, match="first") as raised:
        fail("code")
    said = where(raised.value)
    assert said.startswith("ValueError at ")
    assert "test_log.py:" in said
    assert said.endswith("first\\nsecond")
