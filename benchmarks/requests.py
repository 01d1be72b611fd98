"""What signals cost the requests of the shop in `examples/shop`.

One process serves the shop from memory and asks it, with no network between. Three settings take
turns in short slices, so that all have the same noise:

- "off": no receivers, no request signals and no model signals;
- "idle": all of the signals are sent, and every receiver of the shop is replaced by one that does
  nothing, so what is lost is the cost of signals alone;
- "on": the shop as it is, whose receivers also write an audit log to the database.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from fastapi import FastAPI
from rich.console import Console
from rich.progress import track
from rich.table import Table

from examples.shop.app import create_app
from fastdjango_signals import ConnectedReceiver, Signal, all_signals
from fastdjango_signals.integrations import tortoise

SETTINGS = ("off", "idle", "on")
SLICE = 0.02  # seconds; short, so that noise of the machine meets all settings of a round

ADA = {"email": "ada@example.com", "password": "correct horse"}

Ask = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


async def list_products(client: httpx.AsyncClient) -> httpx.Response:
    """Read the products: two signals, of the request."""
    return await client.get("/products")


async def place_order(client: httpx.AsyncClient) -> httpx.Response:
    """Order tea: two signals of the request, two of the model, and the shop's own."""
    return await client.post("/orders", json={"product_id": 1, "quantity": 1})


REQUESTS: dict[str, Ask] = {"GET /products": list_products, "POST /orders": place_order}


class Receivers:
    """The receivers of the shop, to be taken away, silenced and put back."""

    def __init__(self) -> None:
        self._shop = [(signal, each) for signal in all_signals() for each in signal.receivers]
        self._idle = [_idle_one(each) for _, each in self._shop]

    def arrange(self, setting: str) -> None:
        """Connect what this setting has, and nothing else."""
        for signal in all_signals():
            for each in signal.receivers:
                signal.disconnect(each.receiver, sender=each.sender)
        tortoise.uninstall()
        if setting == "off":
            return
        tortoise.install()
        for (signal, each), idle in zip(self._shop, self._idle, strict=True):
            _connect(signal, each, each.receiver if setting == "on" else idle)


def _idle_one(connected: ConnectedReceiver) -> Any:
    async def take_fields(sender: object, **fields: object) -> None: ...

    async def take_whole(sender: object, payload: object) -> None: ...

    return take_whole if connected.takes_payload else take_fields


def _connect(signal: Signal[Any, ...], like: ConnectedReceiver, receiver: Any) -> None:
    signal.connect(
        receiver,
        sender=like.sender,
        priority=like.priority,
        subclasses=like.subclasses,
        on_commit=like.on_commit,
    )


async def _served(stack: AsyncExitStack) -> dict[str, httpx.AsyncClient]:
    """Open the shop; return a client for each setting, with somebody logged in."""
    app = create_app(Path(":memory:"))
    api = app.app
    if not isinstance(api, FastAPI):
        raise TypeError("the shop is no FastAPI application")
    await stack.enter_async_context(api.router.lifespan_context(api))
    clients = {
        setting: await stack.enter_async_context(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=api if setting == "off" else app),
                base_url="http://shop",
            )
        )
        for setting in SETTINGS
    }
    first = clients["off"]
    (await first.post("/users", json={**ADA, "name": "Ada"})).raise_for_status()
    token = (await first.post("/login", json=ADA)).raise_for_status().json()["token"]
    for client in clients.values():
        client.headers["Authorization"] = f"Bearer {token}"
    tea = {"name": "Tea", "price_cents": 450, "stock": 1_000_000_000}
    (await first.post("/products", json=tea)).raise_for_status()
    return clients


async def _slice(ask: Ask, client: httpx.AsyncClient) -> float:
    """Return requests per second, over a slice of time."""
    (await ask(client)).raise_for_status()  # what the first one after a change prepares
    done = 0
    started = now = time.perf_counter()
    while now < started + SLICE:
        (await ask(client)).raise_for_status()
        done += 1
        now = time.perf_counter()
    return done / (now - started)


async def _rounds(seconds: float) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {
        (request, setting): [] for request in REQUESTS for setting in SETTINGS
    }
    rounds = max(1, round(seconds / SLICE / len(found)))
    async with AsyncExitStack() as stack:
        clients = await _served(stack)
        receivers = Receivers()
        stack.callback(receivers.arrange, "on")
        for number in track(range(rounds), "requests"):
            turn = number % len(SETTINGS)  # so that each is the first as often as the others
            for setting in SETTINGS[turn:] + SETTINGS[:turn]:
                receivers.arrange(setting)
                for request, ask in REQUESTS.items():
                    found[request, setting].append(await _slice(ask, clients[setting]))
    return found


def throughput(seconds: float) -> dict[str, float]:
    """Return requests per second and ratios, measured for about so many seconds.

    The keys are `GET /products, off`, and so on for each of REQUESTS and SETTINGS, with the median
    of all slices; and `GET /products, on / off`, and `idle / off`, with the median of the ratios of
    neighbouring slices. A ratio of 1 means that signals cost nothing.
    """
    found = asyncio.run(_rounds(seconds))
    result = {f"{request}, {setting}": median(rates) for (request, setting), rates in found.items()}
    for request in REQUESTS:
        for setting in SETTINGS[1:]:
            pairs = zip(found[request, setting], found[request, "off"], strict=True)
            result[f"{request}, {setting} / off"] = median(with_ / off for with_, off in pairs)
    return result


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    found = throughput(parser.parse_args().seconds)
    table = Table(title="requests per second, and as a share of those without signals")
    table.add_column("request")
    for setting in SETTINGS:
        table.add_column(setting, justify="right")
    for request in REQUESTS:
        cells = [f"{found[f'{request}, off']:,.0f}"]
        for setting in SETTINGS[1:]:
            rate, ratio = found[f"{request}, {setting}"], found[f"{request}, {setting} / off"]
            cells.append(f"{rate:,.0f} ({ratio:.3f})")
        table.add_row(request, *cells)
    Console().print(
        table,
        "idle: signals are sent, and receivers do nothing; on: receivers write to the database.",
    )


if __name__ == "__main__":
    main()
