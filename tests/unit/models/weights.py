"""A model of a few bytes, and a loopback server that gives its file away in all the ways servers do."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cratehand.domain.model import Model, ModelFile, ModelTask, ModelTensor

CONTENT = bytes(range(256)) * 2000
"""512,000 bytes."""


def model(*sources: str, content: bytes = CONTENT, commercial_use: bool = True) -> Model:
    return Model(
        name="tiny",
        version="1",
        task=ModelTask.TAGS,
        about="a test",
        licence_code="MIT",
        licence_weights="MIT" if commercial_use else "research only",
        commercial_use=commercial_use,
        sample_rate_hz=16000,
        inputs=(ModelTensor(name="in", shape=("n", 4)),),
        outputs=(ModelTensor(name="out", shape=("n", 4)),),
        files=(
            ModelFile(
                name="tiny.onnx",
                sha256=hashlib.sha256(content).hexdigest(),
                size_bytes=len(content),
                sources=sources or ("package:none.onnx",),
            ),
        ),
    )


class WeightsServer(ThreadingHTTPServer):
    """Serves `CONTENT`; what it does wrong is told by the path: /file, /cut, /stall, /page, /busy, /other, /short."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ranges: list[str | None] = []
        self.left = 2
        """How many times /cut and /busy fail before they give in."""

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: WeightsServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        match self.path.rstrip("/").rpartition("/")[2]:
            case "missing" | "tiny.onnx":
                self.send_error(404)
            case "page":
                self._answer(200, b"<html>sign in</html>", kind="text/html; charset=utf-8")
            case "other":
                self._answer(200, CONTENT[::-1])
            case "short":
                self._answer(200, CONTENT[:1000])
            case "noresume":
                self._answer(200, CONTENT, cut=self._fails())
            case "busy" if self._fails():
                self.send_error(503)
            case "cut":
                self._part(start, cut=self._fails())
            case "stall":
                self._stall()
            case _:
                self._part(start)

    def _fails(self) -> bool:
        self.server.left -= 1
        return self.server.left >= 0

    def _part(self, start: int, *, cut: bool = False) -> None:
        if not start:
            self._answer(200, CONTENT, cut=cut)
            return
        ranged = ("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self._answer(206, CONTENT[start:], cut=cut, more=(ranged,))

    def _answer(
        self,
        status: int,
        body: bytes,
        *,
        kind: str = "application/octet-stream",
        cut: bool = False,
        more: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *more):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 3] if cut else body)
        if cut:
            self.wfile.flush()
            self.close_connection = True

    def _stall(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000])
        self.wfile.flush()
        time.sleep(3.0)


@contextmanager
def weights_server() -> Iterator[WeightsServer]:
    server = WeightsServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5.0)
