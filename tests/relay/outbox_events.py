"""Events for the tests of the outbox, and a broker that takes them."""

from __future__ import annotations

import asyncio
import json

SECRET = "4242-4242"


class BrokerIsDownError(Exception):
    """What a broker says that is down, with the event in its text, as some do."""


def event(number: int) -> bytes:
    """Return a CloudEvent of this number, whose data must not be logged."""
    attributes = {"specversion": "1.0", "id": f"event-{number}", "type": "shop.order_placed"}
    return json.dumps({**attributes, "source": "shop", "data": {"card": SECRET}}).encode()


def number_of(body: bytes) -> int:
    """Return the number of an event."""
    return int(json.loads(body)["id"].removeprefix("event-"))


class Broker:
    """Keeps the numbers of the events that it was given.

    Attributes:
        numbers: Those that it has confirmed.
        failures: How often it could not.
        is_down: Whether it takes any.
    """

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.failures = 0
        self.is_down = False

    async def publish(self, body: bytes) -> None:
        """Take an event."""
        await asyncio.sleep(0)
        if self.is_down:
            self.failures += 1
            raise BrokerIsDownError(body)
        assert body == event(number_of(body))
        self.numbers.append(number_of(body))
