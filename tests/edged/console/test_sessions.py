import stat
from pathlib import Path

import pytest

from edged.console import limits, users
from edged.console.sessions import Guesses, Sessions, Wait, Waits
from edged.console.users import Role, UsersUnreadable


class Ticks:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at_s = 1_000.0

    def __call__(self) -> float:
        return self.at_s


def test_a_user_is_known_by_the_right_password_only(tmp_path: Path) -> None:
    users.put(tmp_path, "ops", Role.OPERATE, "correct horse battery")
    assert users.check(tmp_path, "ops", "correct horse battery") is Role.OPERATE
    assert users.check(tmp_path, "ops", "correct horse battery ") is None
    assert users.check(tmp_path, "nobody", "correct horse battery") is None
    file = tmp_path / users.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "horse" not in file.read_text()


@pytest.mark.parametrize("name", ["", "kim.lee", "kim lee", "k" * 33, "김"])
def test_a_name_is_one_that_the_daemon_s_orders_take(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name:"):
        users.put(tmp_path, name, Role.OPERATE, "correct horse battery")
    assert list(tmp_path.iterdir()) == []


def test_a_changed_password_ends_the_old_one(tmp_path: Path) -> None:
    users.put(tmp_path, "ops", Role.OPERATE, "correct horse battery")
    users.put(tmp_path, "ops", Role.LOOK, "another horse battery")
    assert users.check(tmp_path, "ops", "correct horse battery") is None
    assert users.check(tmp_path, "ops", "another horse battery") is Role.LOOK


def test_a_password_that_is_too_short_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="10 to 200"):
        users.put(tmp_path, "ops", Role.OPERATE, "short")
    assert not (tmp_path / users.FILE).exists()


@pytest.mark.threat("G10")
@pytest.mark.parametrize(
    "text", ["{", "[]", '{"ops": {"role": 9, "salt": "", "hash": ""}}', "\xff"]
)
def test_a_file_that_is_no_list_of_users_lets_nobody_in(tmp_path: Path, text: str) -> None:
    (tmp_path / users.FILE).write_text(text, encoding="latin-1")
    with pytest.raises(UsersUnreadable):
        users.check(tmp_path, "ops", "correct horse battery")


@pytest.mark.threat("G10")
def test_nobody_is_known_where_there_are_no_users(tmp_path: Path) -> None:
    assert users.check(tmp_path, "ops", "correct horse battery") is None


def test_a_session_ends_when_it_is_not_used_and_when_it_is_old() -> None:
    ticks = Ticks()
    sessions = Sessions(ticks)
    idle, busy = sessions.begin("a", Role.LOOK), sessions.begin("b", Role.LOOK)
    for _ in range(limits.SESSION_S // limits.SESSION_IDLE_S):
        ticks.at_s += limits.SESSION_IDLE_S
        assert sessions.find(busy) is not None
    assert sessions.find(idle) is None
    ticks.at_s += 1
    assert sessions.find(busy) is None
    assert sessions.find("") is None


def test_of_too_many_sessions_the_oldest_goes() -> None:
    sessions = Sessions(Ticks())
    first = sessions.begin("a", Role.LOOK)
    last = [sessions.begin("b", Role.LOOK) for _ in range(limits.SESSIONS)]
    assert sessions.find(first) is None
    assert all(sessions.find(token) is not None for token in last)


def test_guessing_is_slowed_by_address_and_for_all_together() -> None:
    ticks = Ticks()
    guesses = Guesses(ticks)
    for _ in range(limits.GUESSES):
        assert guesses.wait_s("1.2.3.4") == 0
        guesses.wrong("1.2.3.4")
    assert guesses.wait_s("1.2.3.4") == limits.GUESS_WINDOW_S
    assert guesses.wait_s("1.2.3.5") == 0
    for n in range(limits.GUESSES_OF_ALL):
        guesses.wrong(f"10.0.0.{n}")
    assert guesses.wait_s("1.2.3.5") == limits.GUESS_WINDOW_S
    ticks.at_s += limits.GUESS_WINDOW_S
    assert guesses.wait_s("1.2.3.4") == 0


def test_who_gets_in_is_not_held_up_by_the_tries_before() -> None:
    guesses = Guesses(Ticks())
    for _ in range(limits.GUESSES):
        guesses.wrong("1.2.3.4")
    guesses.right("1.2.3.4")
    assert guesses.wait_s("1.2.3.4") == 0


def test_a_session_by_a_code_is_shorter() -> None:
    ticks = Ticks()
    sessions = Sessions(ticks)
    token = sessions.begin("staff-boss", Role.LOOK, limits.CODE_SESSION_S)
    ticks.at_s += limits.CODE_SESSION_S
    assert sessions.find(token)
    ticks.at_s += 1
    assert sessions.find(token) is None


def test_of_browsers_that_wait_the_oldest_goes() -> None:
    waits = Waits()
    tokens = [waits.begin(Wait("t", "1234", "r")) for _ in range(limits.SESSIONS + 1)]
    assert (waits.find(tokens[0]), waits.find("")) == (None, None)
    assert waits.find(tokens[-1]) == Wait("t", "1234", "r")
    assert "1234" not in repr(waits.find(tokens[-1]))
