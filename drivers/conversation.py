"""What drivers of scanners share that can be talked to: one line for codes and for answers."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from drivers import limits
from drivers.api import DeviceLost, DeviceRefused, DriverError, Scan, opening
from drivers.channel import Channel, SerialChannel
from drivers.codec.scanner import Code, Hearing, Send

AnswerT = TypeVar("AnswerT")
_Report = Callable[[Scan], None]


def _to_nobody(_: Scan) -> None:
    """Drop a code: it was shown before anybody listened."""


class Conversation(Generic[AnswerT]):
    """One scanner's line. Codes are reported whenever they come, while an answer is awaited too.

    For one task at a time. Everything raises DeviceLost when the line is gone.
    """

    def __init__(self, channel: Channel, hearing: Hearing[AnswerT]) -> None:
        self.report: _Report = _to_nobody
        self._channel = channel
        self._hearing = hearing

    async def say(self, frame: bytes) -> None:
        """Send what is not answered."""
        await self._channel.write(frame)

    async def listen(self, for_ms: int) -> None:
        """Report what is read for so long. Answers that nobody waits for are dropped."""
        until = _clock() + for_ms / 1000
        while await self._hear(until) is not None:
            pass

    async def ask(self, frame: bytes, fits: Callable[[AnswerT], bool]) -> AnswerT | None:
        """Send `frame` once and return the first answer that `fits`.

        Returns:
            None: The line was silent for `limits.SCANNER_REPLY_MS`, or for as long as
            `limits.SCANNER_ANSWER_MS` it was not, and nothing that fits was on it.
        """
        await self._channel.write(frame)
        last = _clock() + limits.SCANNER_ANSWER_MS / 1000
        while True:
            until = min(last, _clock() + limits.SCANNER_REPLY_MS / 1000)
            answers = await self._hear(until)
            silent = answers is None
            if answers is None:
                answers = await self._take(self._hearing.settle())
            for answer in answers:
                if fits(answer):
                    return answer
            if silent:
                return None

    async def _hear(self, until: float) -> list[AnswerT] | None:
        """Take what comes next; None if nothing comes until then."""
        try:
            async with asyncio.timeout_at(until):
                data = await self._channel.read()
        except TimeoutError:
            return None
        return await self._take(self._hearing.feed(data, int(_clock() * 1000)))

    async def _take(self, found: list[Code | Send | AnswerT]) -> list[AnswerT]:
        """Report codes and send what is expected; return the answers."""
        answers: list[AnswerT] = []
        for heard in found:
            match heard:
                case Code(text):
                    self.report(Scan(text))
                case Send(frame):
                    await self._channel.write(frame)
                case answer:
                    answers.append(answer)
        return answers

    def close(self) -> None:
        """Let go of the line. Idempotent, never raises."""
        self._channel.close()


class TalkingScanner(ABC, Generic[AnswerT]):
    """Reader (drivers.api) at a serial scanner that is put right when it is opened, and watched.

    Codes that are read until `run` begins are dropped: what was shown to a daemon that was not
    there opens nothing.

    Args:
        name: In the settings, such as `front.reader`.
        port: Path of the serial port.
        baud: One of `limits.BAUDS`.

    Raises:
        ValueError: `baud` is out of range.
    """

    def __init__(self, name: str, *, port: str, baud: int) -> None:
        if baud not in limits.BAUDS:
            raise ValueError(f"baud must be one of {limits.BAUDS}, got {baud}")
        self._name = name
        self._port = port
        self._baud = baud
        self._open: Conversation[AnswerT] | None = None

    @property
    def name(self) -> str:
        """See Device."""
        return self._name

    async def __aenter__(self) -> Self:
        """See Device. The scanner answers, and is as it should be."""
        channel = SerialChannel(self._name, self._port, self._baud)
        self._open = Conversation(channel, self._hearing(int(_clock() * 1000)))
        with opening(self._name, self._port, self._close):
            await self._prepare()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See Device."""
        if self._open is None:
            return
        try:
            await self._rest()
        except DriverError:
            pass  # it is gone, and so at rest
        finally:
            self._close()

    async def run(self, report: Callable[[Scan], None]) -> None:
        """See Reader."""
        self._line.report = report
        missed = 0
        while missed < limits.SCANNER_TRIES:
            await self._line.listen(limits.SCANNER_PATROL_MS)
            try:
                missed = 0 if await self._patrol() else missed + 1
            except DeviceRefused as error:
                raise DeviceLost(self._name, error.problem) from error
        raise DeviceLost(self._name, "does not answer")

    @property
    def _line(self) -> Conversation[AnswerT]:
        if self._open is None:
            raise DeviceLost(self._name, "not open")
        return self._open

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    @abstractmethod
    def _hearing(self, now_ms: int) -> Hearing[AnswerT]:
        """Make what takes the stream apart, for one opening, which is now."""

    @abstractmethod
    async def _prepare(self) -> None:
        """See that the scanner is there, and put it right. Raises DriverError."""

    @abstractmethod
    async def _patrol(self) -> bool:
        """Do so again while it works; False: no answer this time. Raises DriverError."""

    async def _rest(self) -> None:
        """Leave the scanner as it should be without us. Raises DriverError."""


def _clock() -> float:
    return asyncio.get_running_loop().time()
