"""A small web server on this machine that behaves as well or as badly as a test asks."""

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class WeightsServer:
    """What the server holds and how it misbehaves.

    ``cut_after``: bytes of a body after which the connection is closed, once; ``stall_after``: bytes after which it
    goes silent until ``go_on`` is set; ``redirect``: where it
    sends every request; ``ranges``: the Range header of every request so far, None where there was none.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    status: int = 0
    honours_range: bool = True
    says_length: bool = True
    cut_after: int | None = None
    stall_after: int | None = None
    redirect: str = ""
    go_on: threading.Event = field(default_factory=threading.Event)
    ranges: list[str | None] = field(default_factory=list)

    def put(self, stem: str, content: bytes, suffix: str = ".pth") -> str:
        """Publish a file the way torch hub does, the start of its SHA-256 in its name; its address."""
        name = f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}{suffix}"
        self.files[f"/{name}"] = content
        return f"{self.url}/{name}"


def _handler(server: WeightsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.close_connection = True
            asked = self.headers.get("Range")
            server.ranges.append(asked)
            if server.redirect:
                self.send_response(302)
                self.send_header("Location", server.redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if server.status or self.path not in server.files:
                self.send_error(server.status or 404)
                return
            content = server.files[self.path]
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.honours_range else 0
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if server.says_length:
                self.send_header("Content-Length", str(len(content) - start))
            self.send_header("Connection", "close")
            self.end_headers()
            self._send(content[start:])

        def _send(self, body: bytes):
            if server.cut_after is not None:
                body, server.cut_after = body[: server.cut_after], None
            with contextlib.suppress(OSError):  # the client may hang up: that is its right
                if server.stall_after is not None:
                    self.wfile.write(body[: server.stall_after])
                    self.wfile.flush()
                    server.go_on.wait(60)
                    body = body[server.stall_after :]
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    return Handler


@contextlib.contextmanager
def serve_weights() -> Iterator[WeightsServer]:
    """A server on a free port of 127.0.0.1, running in a thread until the block ends."""
    server = WeightsServer()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(server)) as http:
        server.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.go_on.set()
            http.shutdown()
            thread.join()
