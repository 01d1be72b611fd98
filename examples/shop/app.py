"""Put the shop together: `uvicorn --factory examples.shop.app:create_app`."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path

from fastapi import FastAPI

from examples.shop import accounts, catalogue, orders, receivers, storage
from fastdjango_signals.inspector import Inspector
from fastdjango_signals.integrations.asgi import SignalMiddleware


def create_app(
    database: Path | None = None,
    *,
    relay: AbstractAsyncContextManager[object] | None = None,
    debug: bool = bool(os.environ.get("SHOP_DEBUG")),
) -> SignalMiddleware:
    """Return the shop over this SQLite file; else the one that SHOP_DATABASE names.

    With a relay, as in `relayed`, other services hear of what happens here. In debug, the inspector
    at /signals shows the signals to everybody; else to nobody.
    """
    path = database or Path(os.environ.get("SHOP_DATABASE", "shop.sqlite3"))

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncGenerator[None, None]:
        async with storage.opened(api, path), relay or nullcontext():
            yield

    api = FastAPI(title="Shop", lifespan=lifespan, debug=debug)
    for module in (accounts, catalogue, orders):
        api.include_router(module.router)

    @api.get("/timings")
    async def read_timings() -> list[receivers.Timing]:
        return list(receivers.timings)

    api.mount("/signals", Inspector())
    return SignalMiddleware(api)
