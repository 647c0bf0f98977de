"""A small network camera: MJPEG over HTTP at 127.0.0.1, which can be switched off and on."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Self

from drivers.eye.pictures import Frame
from tests.eye.scenes import jpeg, noisy

FRAME_S = 1 / 15


class WebCamera:
    """Shows `scene` at the same port for ever.

    Its noise differs from frame to frame, unless it is `frozen`.
    """

    def __init__(self, scene: Frame) -> None:
        self._frames = [jpeg(noisy(scene, 2, seed)) for seed in range(4)]
        self._port = 0
        self.frozen = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/stream"

    def __enter__(self) -> Self:
        self._off = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
        self._server.daemon_threads = False  # so that closing waits for the connections
        self._port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._off.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        camera, frames, off = self, self._frames, self._off

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                number = 0
                while not off.wait(FRAME_S):
                    data = frames[number % len(frames)]
                    number += not camera.frozen
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}"
                    try:
                        self.wfile.write(head.encode() + b"\r\n\r\n" + data + b"\r\n")
                    except OSError:
                        return

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
