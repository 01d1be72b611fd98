"""What a relay has on a server with JetStream: made, or brought up to date."""

# nats-py leaves the types of further options open.
# pyright: reportUnknownMemberType=none

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fastdjango_signals.extras import needs
from fastdjango_signals.relay.exceptions import RelayDefinitionError
from fastdjango_signals.relay.transports import Subscription

with needs("nats", extra="relay"):
    from nats.js import JetStreamContext
    from nats.js.api import ConsumerConfig, KeyValueConfig, StreamConfig
    from nats.js.errors import NotFoundError

_UNBOUNDED = -1  # events that wait for their next try, and so keep no other one waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """The streams, the bucket of tries and the durable consumers.

    What the attributes mean, `JetStream` says of its arguments.

    Raises:
        RelayDefinitionError: `prefix` is no name for a stream.
    """

    prefix: str
    ordered: bool
    ack_wait: float
    keep: float
    keep_dead: float
    deduplicate: float
    replicas: int

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", self.prefix):
            raise RelayDefinitionError(
                f"A stream cannot be called {self.prefix!r}; "
                "give a prefix of letters, digits, _ and -"
            )

    @property
    def dead(self) -> str:
        """Name of the stream of dead letters."""
        return f"{self.prefix}-dead"

    @property
    def tries(self) -> str:
        """Name of the bucket that counts how often events were tried."""
        return f"{self.prefix}-tries"

    async def declare(
        self, jetstream: JetStreamContext, subscriptions: Iterable[Subscription]
    ) -> None:
        """Make on a server what is missing there, and bring the rest up to date."""
        for name, seconds in ((self.prefix, self.keep), (self.dead, self.keep_dead)):
            if not await self._updated(jetstream, name, seconds):
                await jetstream.add_stream(self._stream(name, seconds))
        if not await self._updated(jetstream, f"KV_{self.tries}", self.keep):
            bucket = KeyValueConfig(self.tries, ttl=self.keep, replicas=self.replicas)
            await jetstream.create_key_value(bucket)
        for subscription in subscriptions:
            await jetstream.add_consumer(self.prefix, self._consumer(subscription))

    async def _updated(self, jetstream: JetStreamContext, name: str, seconds: float) -> bool:
        """Bring up to date what is ours in a stream; return False where there is no such stream."""
        try:
            config = (await jetstream.stream_info(name)).config
        except NotFoundError:
            return False
        config.max_age, config.num_replicas = seconds, self.replicas
        config.duplicate_window = min(self.deduplicate, seconds)
        await jetstream.update_stream(config)
        return True

    def _stream(self, name: str, seconds: float) -> StreamConfig:
        return StreamConfig(
            name=name,
            subjects=[f"{name}.>"],
            max_age=seconds,
            duplicate_window=min(self.deduplicate, seconds),
            num_replicas=self.replicas,
        )

    def _consumer(self, subscription: Subscription) -> ConsumerConfig:
        durable = durable_of(subscription)
        return ConsumerConfig(
            name=durable,
            durable_name=durable,
            filter_subject=f"{self.prefix}.{subscription.signal}",
            ack_wait=self.ack_wait,
            max_ack_pending=1 if self.ordered else _UNBOUNDED,
        )


def durable_of(subscription: Subscription) -> str:
    """Return the name of the durable consumer of a subscription."""
    return f"{subscription.service}--{subscription.signal.replace('.', '-')}"
