"""Who is logged in, and how often somebody may guess. All in memory: a restart logs out."""

import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from edged.console import limits
from edged.console.users import Role


@dataclass(slots=True)
class Session:
    """Somebody who is logged in. `form`: the secret that every form carries back.

    Times are monotonic seconds; `testing_until_s`: until when test buttons work; `lasts_s`: its
    longest life.
    """

    user: str
    role: Role
    began_s: float
    used_s: float
    form: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    testing_until_s: float = 0.0
    lasts_s: float = limits.SESSION_S

    def fits(self, token: str) -> bool:
        """Tell whether a form came from a page of this session."""
        return hmac.compare_digest(self.form.encode(), token.encode("utf-8", "replace"))


class Sessions:
    """Sessions by a cookie's text, of which only the hash is kept.

    Args:
        now_s: Reads a monotonic clock, seconds.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._open: OrderedDict[bytes, Session] = OrderedDict()

    def begin(self, user: str, role: Role, lasts_s: float = limits.SESSION_S) -> str:
        """Log somebody in for at most `lasts_s`; return the cookie's text."""
        token = secrets.token_urlsafe(32)
        now_s = self._now_s()
        self._open[_key(token)] = Session(user, role, now_s, now_s, lasts_s=lasts_s)
        while len(self._open) > limits.SESSIONS:
            self._open.popitem(last=False)
        return token

    def find(self, token: str) -> Session | None:
        """Return the session of a cookie, used now; None: there is none, or no more."""
        session = self._open.get(_key(token))
        if session is None:
            return None
        now_s = self._now_s()
        idle, old = now_s - session.used_s, now_s - session.began_s
        if idle > limits.SESSION_IDLE_S or old > session.lasts_s:
            self.end(token)
            return None
        session.used_s = now_s
        return session

    def end(self, token: str) -> None:
        """Log out."""
        self._open.pop(_key(token), None)


@dataclass(frozen=True, slots=True)
class Wait:
    """A login by a staff code that a browser waits for: what names it, and its four digits."""

    ticket: str = field(repr=False)
    digits: str = field(repr=False)
    reader: str


class Waits:
    """Browsers that wait, by a cookie's text, of which only the hash is kept."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[bytes, Wait] = OrderedDict()

    def begin(self, wait: Wait) -> str:
        """Let a browser wait; return the cookie's text."""
        token = secrets.token_urlsafe(32)
        self._waiting[_key(token)] = wait
        while len(self._waiting) > limits.SESSIONS:
            self._waiting.popitem(last=False)
        return token

    def find(self, token: str) -> Wait | None:
        """Return what the browser of a cookie waits for, None: nothing."""
        return self._waiting.get(_key(token))

    def end(self, token: str) -> None:
        """Wait no more."""
        self._waiting.pop(_key(token), None)


class Guesses:
    """Counts wrong passwords by address, and of all."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._wrong: deque[tuple[float, str]] = deque(maxlen=limits.GUESSES_OF_ALL)

    def wait_s(self, address: str) -> float:
        """How long this address has to wait before it may try again; 0: it may."""
        since = self._now_s() - limits.GUESS_WINDOW_S
        recent = [at for at, whose in self._wrong if at > since and whose == address]
        everybody = [at for at, _ in self._wrong if at > since]
        if len(recent) >= limits.GUESSES:
            return recent[-limits.GUESSES] - since
        if len(everybody) >= limits.GUESSES_OF_ALL:
            return everybody[0] - since
        return 0.0

    def wrong(self, address: str) -> None:
        """Note a password that is wrong, or not known to be right yet."""
        self._wrong.append((self._now_s(), address))

    def right(self, address: str) -> None:
        """Forget what this address guessed."""
        kept = [(at, whose) for at, whose in self._wrong if whose != address]
        self._wrong.clear()
        self._wrong.extend(kept)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
