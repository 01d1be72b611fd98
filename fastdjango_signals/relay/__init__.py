"""Signals across processes: the same signals and receivers, over a broker that exists already.

from faststream.nats import NatsBroker
from fastdjango_signals.relay import Relay
from fastdjango_signals.relay.nats import JetStream

relay = Relay("shop", JetStream(NatsBroker()), publishes=[order_placed])
"""

from fastdjango_signals.relay.events import Event, current_event
from fastdjango_signals.relay.exceptions import (
    DecodeError,
    EncodeError,
    OutsideTransactionError,
    PublishError,
    RelayDefinitionError,
    RelayStateError,
)
from fastdjango_signals.relay.relays import Relay
from fastdjango_signals.relay.replay import Replayed
from fastdjango_signals.relay.retries import Retry
from fastdjango_signals.relay.transports import (
    Buried,
    DeadLetter,
    Incoming,
    Subscription,
    Transport,
)

__all__ = [
    "Buried",
    "DeadLetter",
    "DecodeError",
    "EncodeError",
    "Event",
    "Incoming",
    "OutsideTransactionError",
    "PublishError",
    "Relay",
    "RelayDefinitionError",
    "RelayStateError",
    "Replayed",
    "Retry",
    "Subscription",
    "Transport",
    "current_event",
]
