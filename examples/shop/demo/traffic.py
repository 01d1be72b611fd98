"""Customers who never stop: some buy, some forget their password, and some things fail."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn
from pydantic import ValidationError

from examples.shop.demo.refusals import send_a_bad_payload
from examples.shop.signals import OrderPlaced, order_placed
from examples.shop.storage import Order
from fastdjango_signals import Payload, Signal

SECONDS_TO_STOP = 10


class NewsletterDue(Payload):
    """The customers want to hear what is new."""

    issue: int


newsletter_due = Signal(NewsletterDue, name="shop.newsletter_due", concurrent=True)


@newsletter_due.connect
async def by_mail(sender: object, issue: int) -> None:
    await asyncio.sleep(random.uniform(0.02, 0.06))


@newsletter_due.connect
async def by_push(sender: object, issue: int) -> None:
    await asyncio.sleep(random.uniform(0.01, 0.03))


@newsletter_due.connect
async def on_the_website(sender: object, issue: int) -> None:
    await asyncio.sleep(0.015)
    if issue % 3 == 0:
        raise TimeoutError("the website does not answer")


async def tell_the_warehouse(sender: type[Order], payload: OrderPlaced) -> None:
    """Fail for each third order, once it is committed."""
    await asyncio.sleep(0.01)
    if payload.order_id % 3 == 0:
        raise ConnectionError("the warehouse is closed")


class Traffic:
    """Context manager in which customers come and go, in a thread.

    Args:
        address: Of the shop.
        server: Whose process it is; the customers come once it has opened.

    Attributes:
        failed: Whether a customer was not served as a shop has to.
    """

    def __init__(self, address: str, server: uvicorn.Server) -> None:
        self.failed = False
        self._address = address
        self._server = server
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._come_and_go, name="customers")

    def __enter__(self) -> Self:
        order_placed.connect(tell_the_warehouse, sender=Order, on_commit=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._thread.join(SECONDS_TO_STOP)
        order_placed.disconnect(tell_the_warehouse, sender=Order)

    def _come_and_go(self) -> None:
        while not self._server.started:
            if self._closing.wait(0.05):
                return
        with httpx.Client(base_url=self._address, timeout=5) as client:
            for number in itertools.count(1):
                try:
                    self._visit(client, number)
                except httpx.HTTPError:
                    self.failed = not self._server.should_exit
                    return
                if self._closing.is_set():
                    return

    def _visit(self, client: httpx.Client, number: int) -> None:
        """Serve one customer, with a pause after each step."""
        ada = {"email": f"ada{number}@example.com", "password": "correct horse"}
        client.post("/users", json={**ada, "name": "Ada"}).raise_for_status()
        client.post("/login", json={**ada, "password": "guessed"})
        token = client.post("/login", json=ada).raise_for_status().json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        if self._pause():
            return
        tea = {"name": f"Tea {number}", "price_cents": 450, "stock": 3, "tags": ["hot"]}
        added: dict[str, Any] = client.post("/products", json=tea, headers=headers).json()
        for quantity in (2, 1, 5):  # of the last there is not enough
            order = {"product_id": added["id"], "quantity": quantity}
            client.post("/orders", json=order, headers=headers)
            if self._pause():
                return
        asyncio.run(newsletter_due.send_robust("editor", issue=number))
        if number % 2:
            with suppress(ValidationError):
                asyncio.run(send_a_bad_payload())
        client.post("/logout", headers=headers)
        self._pause()

    def _pause(self) -> bool:
        """Wait a little; return whether the shop is closing."""
        return self._closing.wait(random.uniform(0.2, 0.6))
