"""Where a relay runs: in a web application, and in a program of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from faststream.nats import NatsBroker
from httpx import ASGITransport, AsyncClient

from fastdjango_signals import Payload, Signal
from fastdjango_signals.relay import PublishError, Relay
from fastdjango_signals.relay.nats import JetStream
from tests.relay.servers import NatsServer, until


class Ordered(Payload):
    order_id: int


async def test_a_web_application_publishes_while_it_runs(nats: NatsServer) -> None:
    ordered, received = (Signal(Ordered, name="shop.ordered") for _ in range(2))
    shop = Relay("shop", JetStream(NatsBroker(nats.url, logger=None)), publishes=[ordered])
    got: list[int] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with shop:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/orders/{order_id}")
    async def place(order_id: int) -> None:
        await ordered.send(None, order_id=order_id)

    @received.connect
    async def reserve(sender: object, order_id: int) -> None:
        got.append(order_id)

    stock = Relay("stock", JetStream(NatsBroker(nats.url, logger=None)), receives=[received])
    async with stock, AsyncClient(transport=ASGITransport(app), base_url="http://shop") as client:
        async with app.router.lifespan_context(app):
            for order_id in (1, 2):
                assert (await client.post(f"/orders/{order_id}")).status_code == 200
        await until(lambda: len(got) == 2)
        with pytest.raises(PublishError, match="not running"):
            await client.post("/orders/3")
    assert got == [1, 2]


PROGRAM = """
import asyncio
import sys

from faststream.nats import NatsBroker

from fastdjango_signals import Payload, Signal
from fastdjango_signals.relay import Relay
from fastdjango_signals.relay.nats import JetStream


class Ordered(Payload):
    order_id: int


ordered = Signal(Ordered, name="shop.ordered")
received = Signal(Ordered, name="shop.ordered")
done = asyncio.Event()


@received.connect
async def reserve(sender, order_id):
    print("reserved", order_id)
    done.set()


async def main():
    def transport():
        return JetStream(NatsBroker(sys.argv[1], logger=None))

    shop = Relay("shop", transport(), publishes=[ordered])
    stock = Relay("stock", transport(), receives=[received])
    async with shop, stock:
        await ordered.send("till", order_id=1)
        await done.wait()


asyncio.run(main())
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_plain_program_ends_without_a_warning(
    nats: NatsServer, tmp_path: Path, loop: str
) -> None:
    program = PROGRAM.replace("asyncio.run(", f"{loop}.run(")
    if loop == "uvloop":
        program = f"import uvloop\n{program}"
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", tmp_path / "program.py", nats.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("reserved 1\n", "", 0)
