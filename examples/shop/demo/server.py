"""Serve the shop on a free port of this machine, in a thread."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from fastdjango_signals.integrations.asgi import ASGIApp

SECONDS_TO_STOP = 10

LIVE_PORT = 8008
"""Where `make demo-live` opens, unless somebody else is there."""


def inspector_at(port: int) -> str:
    """Return the address of the inspector of a shop on this port of this machine."""
    return f"http://127.0.0.1:{port}/signals/"


@contextmanager
def serving(app: ASGIApp) -> Generator[str, None, None]:
    """Run uvicorn for a block; gives the shop's address.

    Raises:
        RuntimeError: The server does not start, or does not stop.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # lifespan="on", so that a shop that cannot start ends the server.
        server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the server does not start; its log says why")
            time.sleep(0.01)
        host, port = listener.getsockname()
        try:
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            thread.join(SECONDS_TO_STOP)
    if thread.is_alive():
        raise RuntimeError("the server does not stop")
