"""What the warehouse receives, and how patient it is."""

from __future__ import annotations

import os

from faststream.nats import NatsBroker

from examples.shop.signals import order_placed
from examples.warehouse import receivers
from fastdjango_signals.relay import Relay, Retry
from fastdjango_signals.relay.nats import JetStream

__all__ = ["make_relay", "receivers"]  # who imports the one has the others connected


def make_relay() -> Relay:
    """Return the relay of the warehouse, over the server that NATS_URL names.

    It is quick to try again, and to take over from a process that died, so that nobody has to wait
    for the demo.
    """
    url = os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
    return Relay(
        "warehouse",
        JetStream(NatsBroker(url, logger=None), ack_wait=3),
        receives=[order_placed],
        retry=Retry(tries=3, delay=0.2),
    )
