"""A walk from its first step to the signed report."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cloud_link.shapes import decode_base64
from edged.clock import SystemClock
from edged.cloud.files import device_key, device_key_file, write_whole
from edged.cloud.verify_audit import KEY_BYTES
from edged.commission import acceptance, doctor, plan, scripts
from edged.commission.asking import Installer, NoAnswer
from edged.commission.keeping import ENVELOPE, PAGE, Walk, report_folder
from edged.commission.stage import Stage, ended_in_order
from edged.commission.words import Outcome, Step, Verdict
from edged.control.client import ControlRefused, DaemonUnreachable
from edged.errors import NotFound, Untrusted
from edged.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Way:
    """How a walk is gone. `anew`: not on from where it was broken off; `out`: for the report.

    `only`: the keys of the steps to take, once more if they have ended; empty: all that have not.
    `root`: where the computer's own files are.
    """

    only: frozenset[str] = frozenset()
    anew: bool = False
    out: Path | None = None
    root: Path = Path("/")


def go(config: Path, settings: Settings, installer: Installer, way: Way) -> acceptance.Acceptance:
    """Take every step that has not passed and was not skipped, and write the report.

    Raises:
        BadAnswer: An answer was none; what ended before is kept.
        NotFound: A step of `only` is not one of this device's.
        OSError: The walk or the report can't be written.
        Untrusted: The device's key can't be used.
    """
    clock = SystemClock()
    walk = Walk.resume(settings.state_dir, config, clock.now().at, anew=way.anew)
    walk.keep()
    stage = Stage(config, settings, installer, walk, way.root)
    steps = plan.steps(settings)
    if strange := way.only - {step.key for step in steps}:
        raise NotFound(f"this device has no step {', '.join(sorted(strange))}")
    with ended_in_order():
        for step in steps:
            before = walk.done.get(step)
            if way.only:
                if step.key not in way.only:
                    continue
            elif before is not None and before.verdict is not Verdict.FAILED:
                installer.ended(step, Outcome(before.verdict, f"{before.why} (before)"))
                continue
            outcome = _play(stage, step, settings)
            walk.end(step, outcome, clock.now().at)
            installer.ended(step, outcome)
    return _report(config, settings, walk, (steps, installer.by), way)


def _play(stage: Stage, step: Step, settings: Settings) -> Outcome:
    try:
        return stage.play(scripts.begin(step, settings))
    except (DaemonUnreachable, ControlRefused, NoAnswer) as error:
        return Outcome(Verdict.FAILED, str(error))


def _report(
    config: Path, settings: Settings, walk: Walk, gone: tuple[Sequence[Step], str], way: Way
) -> acceptance.Acceptance:
    steps, by = gone
    looks = list(doctor.examine(config, way.root))
    report = acceptance.draw_up(settings, walk, steps, looks, by)
    signed = acceptance.sign(report, device_key(settings.state_dir))
    out = way.out or report_folder(settings.state_dir)
    write_whole(out / ENVELOPE, signed.envelope)
    write_whole(out / PAGE, signed.page.encode())
    return report


def public_key(told: str | None, state_dir: Path | None) -> bytes:
    """Read a public key as `edged trust show` tells it, or in base64, or this device's own.

    Raises:
        Untrusted: It is none.
        NotFound: This device has none yet.
    """
    if state_dir is None:
        for read in (bytes.fromhex, decode_base64):  # older releases told it in base64
            with suppress(ValueError):
                if len(key := read(told or "")) == KEY_BYTES:
                    return key
        raise Untrusted("the key is not 64 hex digits")
    if not device_key_file(state_dir).exists():
        raise NotFound("this device has no key yet: say whose it is by --key")
    return device_key(state_dir).public_key().public_bytes_raw()
