"""A camera that fails, seen from the daemon: an alarm until it is well again."""

import asyncio
from functools import partial
from pathlib import Path

from edged.alarms.raised import Alarms
from edged.alarms.supervision import Supervised
from edged.control.broadcast import Broadcast
from edged.records.recorder import Recorder
from edged.store.journal import Journal
from tests.drivers.rigs import until
from tests.edged.fakes import FakeClock
from tests.eye.test_eye_program import FREEZING, LONG_S, SCENE, Eye
from tests.eye.web_camera import WebCamera


async def test_a_frozen_camera_is_an_alarm_until_its_picture_changes(tmp_path: Path) -> None:
    clock = FakeClock()
    alarms = Alarms(clock, Recorder(Journal(tmp_path / "journal.db"), clock), Broadcast())
    with WebCamera(SCENE) as camera:
        eye = Eye(tmp_path, camera.url, "-c", FREEZING)
        try:
            await eye.sees()
            supervised = Supervised(eye.reader, partial(eye.reader.run, lambda _: None))
            await supervised.start()
            watch = asyncio.create_task(supervised.run(clock, alarms))
            camera.frozen = True
            await until(alarms.listing)
            [up] = alarms.listing()
            assert (up["source"], up["alarm"]) == ("cam", "DEVICE_LOST")
            camera.frozen = False
            async with asyncio.timeout(LONG_S):
                while alarms.listing():
                    await clock.advance(250)
                    await asyncio.sleep(0.02)
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await supervised.close()
        finally:
            eye.process.kill()
            eye.process.wait(LONG_S)
