"""An HTTP server on 127.0.0.1 in threads of this process, whose transfers can break on purpose."""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from socketserver import BaseRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Any, Self

from typing_extensions import override

POLL = 0.02
"""Seconds between looks at whether the server is closing or the client has left."""


class Listener(ThreadingTCPServer):
    """Serves until `stop`, which ends every connection and waits for every thread."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, handler: Callable[[Any, Any, Any], BaseRequestHandler], port: int) -> None:
        self.closing = threading.Event()
        self.failures: list[str] = []
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL,), daemon=True)

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        for connection in self._connections.copy():
            _end(connection)
        self.server_close()
        self._thread.join()

    @override
    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(connection)
        return connection, address

    @override
    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is an event, anything else a defect of the emulator."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self.failures.append(f"the emulator failed: {error!r}")


class Exchange(BaseHTTPRequestHandler):
    """One connection; a subclass adds `do_GET` and `do_POST`."""

    protocol_version = "HTTP/1.1"

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send_whole(self, status: int, kind: str, body: bytes, headers: Mapping[str, str]) -> None:
        self._send_head(status, {"Content-Type": kind, "Content-Length": str(len(body)), **headers})
        self.wfile.write(body)

    def send_chunked_head(self, kind: str, headers: Mapping[str, str]) -> None:
        self._send_head(200, {"Content-Type": kind, "Transfer-Encoding": "chunked", **headers})

    def send_chunk(self, data: bytes) -> None:
        if data:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def send_last_chunk(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def close(self) -> None:
        self.close_connection = True
        _end(self.connection)

    def reset(self) -> None:
        """Closing the descriptor itself, lingering for no time, makes the kernel send RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def pause(self, seconds: float, closing: threading.Event) -> None:
        """Wait, but not for a client that leaves nor beyond the server's closing."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not closing.is_set():
            readable, _, _ = select.select([self.connection], [], [], min(POLL, left))
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionAbortedError("the client left")

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Keep the tests' output clean."""

    def _send_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


class Emulator:
    """Serves while its block is open; leaving it fails if something went wrong."""

    _listener: Listener

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.stop()
        report = "\n".join(self.problems())
        if report and error is None:
            raise AssertionError(report)
        if report and error is not None:
            error.add_note(f"{type(self).__name__} adds:\n{report}")

    def problems(self) -> list[str]:
        """What leaving the block would complain about."""
        return list(self._listener.failures)


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other side was first.
        return
