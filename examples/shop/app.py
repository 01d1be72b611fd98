"""Put the shop together: `uvicorn --factory examples.shop.app:create_app`."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

from fastapi import FastAPI
from tortoise.contrib.fastapi import RegisterTortoise

from examples.shop import accounts, catalogue, orders, receivers
from fastdjango_signals.integrations import tortoise
from fastdjango_signals.integrations.asgi import SignalMiddleware


def create_app(database: Path | None = None) -> SignalMiddleware:
    """Return the shop over this SQLite file; else the one that SHOP_DATABASE names."""
    path = database or Path(os.environ.get("SHOP_DATABASE", "shop.sqlite3"))

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncGenerator[None, None]:
        tortoise.install()
        modules: dict[str, Iterable[str | ModuleType]] = {"models": ["examples.shop.models"]}
        async with RegisterTortoise(
            api, db_url=f"sqlite://{path}", modules=modules, generate_schemas=True
        ):
            yield
        tortoise.uninstall()

    api = FastAPI(title="Shop", lifespan=lifespan)
    for module in (accounts, catalogue, orders):
        api.include_router(module.router)

    @api.get("/timings")
    async def read_timings() -> list[receivers.Timing]:
        return list(receivers.timings)

    return SignalMiddleware(api)
