"""What holds at a door in every story: nobody gets in unrecorded, nobody is held in."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from drivers.api import DeviceLost, Scan
from edged.readers.passage import Passage
from edged.store import audit
from edged.store.audit import Verified
from hil.issuer import forged
from tests.edged.fakes import settle, until
from tests.edged.rig import Held, Rig, running

PEOPLE = ("aiko", "boram", "chen", "dan", "eun")

codes = st.one_of(
    st.tuples(st.just("code"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("forged"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("again"), st.just("")),
    st.tuples(st.just("noise"), st.just("")),
)
acts = st.one_of(
    st.tuples(st.just("in"), codes),
    st.tuples(st.just("out"), codes),
    st.tuples(st.sampled_from(("press", "open", "close", "unlock")), st.none()),
    st.tuples(st.sampled_from(("stop", "break", "fill", "hold", "mend")), st.none()),
    st.tuples(st.just("wait"), st.sampled_from((100, 1_000, 7_000))),
)


@dataclass
class Story:
    """What people do at a door, and what a witness at the bolt can explain.

    `asked`: presses and verified codes at the exit that the bolt has not been ordered for yet.
    `entered`: entries that it has been ordered for.
    """

    rig: Rig
    asked: int = 0
    entered: set[str] = field(default_factory=set)
    disk: str = "well"
    held: Held | None = None
    text: bytes = b"noise"
    verified: bool = False

    def allowed(self) -> set[str]:
        """Entries that are on the disk now."""
        passages = self.rig.records("passage")
        return {
            one["event_id"]
            for one in passages
            if one["side"] == "IN" and one["decision"] == "ALLOW"
        }

    def explain(self) -> None:
        """Explain an order to release: by an entry on the disk, or by somebody who leaves."""
        if fresh := self.allowed() - self.entered:
            self.entered.add(min(fresh, key=lambda event: int(event.partition("-")[2])))
        else:
            self.asked -= 1
            assert self.asked >= 0, "released for nobody"

    async def act(self, what: str, code: tuple[str, str] | int | None) -> None:
        rig = self.rig
        match what, code:
            case "in", (how, who):
                self.present(rig.way_in, how, who)
            case "out", (how, who):
                self.asked += self.present(rig.way_out, how, who) and self.verified
            case "press", _:
                self.asked += 1
                rig.gate.button(pressed=True)
                rig.gate.button(pressed=False)
            case (("open" | "close"), _):
                rig.gate.contact(is_open=what == "open")
            case "unlock", _:
                rig.lock.refuses = None if rig.lock.refuses else DeviceLost("front.lock", "gone")
            case "wait", int(for_ms):
                await rig.clock.advance(for_ms)
            case _:
                await self.change_disk(what)
        await settle()

    def present(self, passage: Passage, how: str, who: str) -> bool:
        """Show a code, or the last one again; True if that is a new presentation."""
        if how != "again":
            self.verified = how == "code"
            self.text = self.rig.code(who) if who else b"noise"
        if how == "forged":
            self.text = forged(self.text.decode()).encode()
        before = len(passage._mailbox)
        passage.scanned(Scan(self.text))
        return len(passage._mailbox) > before

    async def change_disk(self, what: str) -> None:
        rig = self.rig
        if what == "mend":
            await self.mend()
        elif self.disk == "well":
            self.disk = what
            match what:
                case "stop":
                    await rig.stop_journal()
                case "break":
                    await rig.break_journal()
                case "fill":
                    await rig.fill_journal()
                case _:
                    self.held = await rig.hold_journal()

    async def mend(self) -> None:
        was, self.disk = self.disk, "well"
        match was:
            case "fill":
                await self.rig.empty_journal()
            case "hold" if self.held is not None:
                self.held.let_go.set()
            case "stop" | "break":
                await self.rig.start_journal()
            case _:
                pass

    async def end(self) -> None:
        """Let the disk work again, and everything be written."""
        await self.mend()
        await until(lambda: not len(self.rig.gate._mailbox))
        await self.rig.written()


async def live(folder: Path, story: list[tuple[str, tuple[str, str] | int | None]]) -> None:
    async with running(folder) as rig:
        telling = Story(rig)
        rig.lock.on_release = telling.explain
        for what, code in story:
            await telling.act(what, code)
        await telling.end()
        assert telling.entered == telling.allowed()
        assert telling.asked == 0, "somebody was held in"
        assert isinstance(audit.verify(rig.path), Verified)
        events = [one["event_id"] for one in rig.records("passage")]
        assert len(events) == len(set(events))


@settings(max_examples=100)
@given(st.lists(acts, min_size=3, max_size=12))
def test_every_release_is_an_entry_on_disk_a_leaving_or_a_press(
    story: list[tuple[str, tuple[str, str] | int | None]],
) -> None:
    with tempfile.TemporaryDirectory() as folder, capture_logs():
        asyncio.run(live(Path(folder), story))
