"""The shop with customers who never stop, to be watched: `python -m examples.shop.demo.live`."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from rich.console import Console

from examples.shop.app import create_app
from examples.shop.demo.server import LIVE_PORT, inspector_at
from examples.shop.demo.traffic import Traffic


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the shop until Ctrl-C; return the exit code."""
    options = _options(arguments)
    # The failures of the demo are there to be seen on the page.
    logging.getLogger("fastdjango_signals").addHandler(logging.NullHandler())
    database = Path(tempfile.mkdtemp(prefix="shop-live-")) / "shop.sqlite3"
    with _listening(options.port) as listener:
        port = int(listener.getsockname()[1])
        config = uvicorn.Config(
            create_app(database, debug=True), lifespan="on", log_level="warning"
        )
        server = uvicorn.Server(config)
        traffic = Traffic(f"http://127.0.0.1:{port}", server)
        _say(port)
        if options.seconds is not None:
            timer = threading.Timer(options.seconds, _stop, [server])
            timer.daemon = True
            timer.start()
        try:
            with traffic:
                server.run(sockets=[listener])
        except KeyboardInterrupt:  # uvicorn has stopped, and passes it on
            pass
    return 1 if traffic.failed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo-live", description=__doc__)
    parser.add_argument("--port", type=int, default=LIVE_PORT, help="0 takes a free one")
    parser.add_argument("--seconds", type=float, help="stop after so many; else with Ctrl-C")
    return parser.parse_args(arguments)


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        return socket.create_server(("127.0.0.1", 0))


def _say(port: int) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"The signals of the shop: {inspector_at(port)}")
    console.print("Customers come and go, and some things fail. Ctrl-C closes the shop.")
    sys.stdout.flush()


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True


if __name__ == "__main__":
    sys.exit(main())
