"""The shop, whose orders other services hear of, over the NATS server that NATS_URL names.

`uvicorn --factory examples.shop.relayed:create_app` serves it. No other module of the shop knows.
"""

from __future__ import annotations

import os

from faststream.nats import NatsBroker

from examples.shop import app
from examples.shop.signals import order_placed
from fastdjango_signals.integrations.asgi import SignalMiddleware
from fastdjango_signals.relay import Relay
from fastdjango_signals.relay.nats import JetStream


def create_app() -> SignalMiddleware:
    """Return the shop with a relay that publishes what is ordered."""
    url = os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
    relay = Relay("shop", JetStream(NatsBroker(url, logger=None)), publishes=[order_placed])
    return app.create_app(relay=relay)
