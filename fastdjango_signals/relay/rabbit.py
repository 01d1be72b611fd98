"""RabbitMQ: `Relay("shop", RabbitQueues(RabbitBroker("amqp://...")), ...)`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastdjango_signals.extras import needs
from fastdjango_signals.relay.attempts import burying, confirming, repeated, said
from fastdjango_signals.relay.definitions import check_broker
from fastdjango_signals.relay.exceptions import PublishError
from fastdjango_signals.relay.letters import ABOUT, about, letter_from
from fastdjango_signals.relay.transports import Buried, DeadLetter, Subscription
from fastdjango_signals.relay.wire import CONTENT_TYPE

with needs("faststream", extra="relay-rabbit"):
    from faststream import AckPolicy
    from faststream.specification import AsyncAPI
with needs("aio_pika", extra="relay-rabbit"):
    from aio_pika.abc import AbstractIncomingMessage
    from aio_pika.exceptions import AMQPError
    from faststream.rabbit import (
        Channel,
        ExchangeType,
        QueueType,
        RabbitBroker,
        RabbitExchange,
        RabbitMessage,
        RabbitQueue,
    )

# A RuntimeError is what aio-pika has for a channel that is just being opened again.
_FAILURES = (AMQPError, OSError, RuntimeError, TimeoutError)
_ATTEMPT = 2.0  # seconds for a confirmation, before the event is published once more


class RabbitQueues:
    """A RabbitMQ server, or cluster, of version 3.10 or newer.

    Events are published to a durable topic exchange, `signals`, by the name of the signal. Each
    service has a durable quorum queue, `signals.<service>.<signal>`, for each signal that it
    receives, and a durable queue for its dead letters, `signals-dead.<service>`. All are made at
    the start. A service receives what is published once it has been started for the first time,
    and nothing from before.

    An event that is tried again waits in its process, and others of its signal wait behind it, so
    that the order is kept. Events are kept without end: delete the queues of a service that is no
    more. RabbitMQ does not tell that an event was published twice, as it may be where the
    confirmation of the first attempt was lost.

    Args:
        broker: The broker of FastStream, with the server, credentials and TLS. The relay starts
            and stops it.
        prefix: The name of the exchange, and the first word of the queues.
        ordered: Keep to the order of publication over all replicas: one of them receives a signal,
            until it ends. Queues that exist without it have to be deleted first.
        prefetch: Events of a signal that a replica fetches at a time. RabbitMQ takes them back
            when they are not done with after its `consumer_timeout`, half an hour, all together.
        publish_timeout: Seconds in which an event must be confirmed.
        start_timeout: Seconds in which the server must answer at the start. Later the connection
            is made again as often as it breaks, each `reconnect_interval` of the broker.
    """

    def __init__(
        self,
        broker: RabbitBroker,
        *,
        prefix: str = "signals",
        ordered: bool = False,
        prefetch: int = 16,
        publish_timeout: float = 10.0,
        start_timeout: float = 30.0,
    ) -> None:
        check_broker(broker, RabbitBroker, self)
        self._broker = broker
        self._prefix = prefix
        self._ordered = ordered
        self._prefetch = prefetch
        self._publish_timeout = publish_timeout
        self._start_timeout = start_timeout
        self._exchange = RabbitExchange(prefix, type=ExchangeType.TOPIC, durable=True)
        self._queues: list[RabbitQueue] = []
        self._services: set[str] = set()

    @property
    def keep_every(self) -> float | None:
        """None: RabbitMQ keeps an event for a process as long as their connection lasts."""
        return None

    def subscribe(self, subscription: Subscription) -> None:
        """Receive one more signal, once started."""
        queue = self._queue(subscription.service, subscription.signal)
        self._queues.append(queue)
        self._services.add(subscription.service)

        async def receive(delivery: Any) -> None:
            await subscription.handler(delivery)

        self._broker.subscriber(
            queue,
            self._exchange,
            channel=Channel(prefetch_count=self._prefetch),
            decoder=_delivery,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            title=queue.name,
        )(receive)

    def describe(self, signals: Iterable[str], document: AsyncAPI) -> None:
        """Add the routing keys of these signals to a document; nothing is connected."""
        broker = RabbitBroker()
        broker.specification = self._broker.specification
        for signal in signals:
            broker.publisher(routing_key=signal, exchange=self._exchange, title=signal)
        document.add_broker(broker)

    async def connect(self) -> None:
        """Connect, and declare the exchange and the queues."""
        async with self._starting():
            await self._broker.connect()
            await self._broker.declare_exchange(self._exchange)
            for service in self._services:
                await self._broker.declare_queue(self._dead(service))

    async def start(self) -> None:
        """Begin to receive."""
        async with self._starting():
            for subscriber in self._broker.subscribers:
                # FastStream would say so only once the consumer is there, which may have been
                # handed events by then; it ignores them, and they are stuck.
                subscriber.running = True
            await self._broker.start()

    async def stop(self) -> None:
        """Receive no more, let handlers end, and disconnect; RabbitMQ takes back the rest."""
        try:
            await self._broker.stop()
        except ExceptionGroup:  # the server is away, and no consumer can be taken back
            connection = await self._broker.connect()
            await connection.close()
            await self._broker.stop()

    async def publish(self, signal: str, event_id: str, body: bytes) -> None:
        """Publish an event; return once RabbitMQ has confirmed it."""
        with confirming(
            "RabbitMQ", _FAILURES, signal=signal, event_id=event_id, seconds=self._publish_timeout
        ):
            await self._store(signal, body, exchange=self._exchange, message_id=event_id)

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; return once RabbitMQ has confirmed it."""
        queue = self._dead(letter.service).name
        with burying("RabbitMQ", _FAILURES, letter):
            await self._store(
                queue, letter.body, message_id=letter.event_id, headers={ABOUT: about(letter)}
            )

    async def buried(self, service: str) -> AsyncIterator[Buried]:
        """Yield the dead letters of a service, oldest first.

        Meanwhile nobody else can see those that were yielded. Those that are not removed are put
        back at the end.
        """
        connection = await self._broker.connect()
        async with connection.channel() as channel:
            dead = self._dead(service)
            queue = await channel.declare_queue(
                dead.name, durable=True, arguments=dead.arguments, robust=False
            )
            while found := await queue.get(fail=False):
                yield _Buried(service, self._prefix, found)

    @asynccontextmanager
    async def _starting(self) -> AsyncGenerator[None, None]:
        try:
            async with asyncio.timeout(self._start_timeout):
                yield
        except _FAILURES as error:
            raise PublishError(
                f"RabbitMQ cannot be used ({said(error)}); start a server, and give RabbitBroker "
                "its address"
            ) from error

    async def _store(self, routing_key: str, body: bytes, **options: Any) -> None:
        async def attempt() -> None:
            await self._broker.publish(
                body,
                routing_key=routing_key,
                content_type=CONTENT_TYPE,
                persist=True,
                mandatory=False,
                **options,
            )

        await repeated(attempt, passing=_FAILURES, seconds=self._publish_timeout, longest=_ATTEMPT)

    def _queue(self, service: str, signal: str) -> RabbitQueue:
        arguments: Any = {
            # From version 4 on, RabbitMQ gives up what it had to deliver 20 times.
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self._dead(service).name,
        }
        if self._ordered:
            arguments["x-single-active-consumer"] = True
        return RabbitQueue(
            f"{self._prefix}.{service}.{signal}",
            queue_type=QueueType.QUORUM,
            durable=True,
            routing_key=signal,
            arguments=arguments,
        )

    def _dead(self, service: str) -> RabbitQueue:
        # No quorum queue: it would give up a letter that was looked at 20 times.
        return RabbitQueue(f"{self._prefix}-dead.{service}", durable=True)


@dataclass(frozen=True, slots=True)
class _Delivery:
    message: RabbitMessage

    @property
    def body(self) -> bytes:
        return self.message.body

    async def begin(self) -> int:
        """Return how often it was delivered."""
        before: Any = self.message.headers.get("x-delivery-count", 0)
        return int(before) + 1

    async def accept(self) -> None:
        await self.message.ack()

    async def retry(self, delay: float) -> bool:
        # RabbitMQ delivers again at once, or never. What a replica that ends has not settled it
        # delivers to another.
        return False

    async def keep(self) -> None:
        """Do nothing: the connection is enough."""


@dataclass(frozen=True, slots=True)
class _Buried:
    service: str
    prefix: str
    found: AbstractIncomingMessage

    @property
    def letter(self) -> DeadLetter:
        said_of_it: Any = self.found.headers.get(ABOUT)
        if said_of_it is not None:
            return letter_from(self.service, str(said_of_it), self.found.body)
        return _given_up(self.service, self.prefix, self.found)

    async def remove(self) -> None:
        await self.found.ack()


def _given_up(service: str, prefix: str, found: AbstractIncomingMessage) -> DeadLetter:
    """Return the letter that is an event which RabbitMQ itself gave up."""
    headers: Any = found.headers
    deaths: Any = headers.get("x-death") or [{}]
    death = deaths[0]
    return DeadLetter(
        service=service,
        signal=str(death.get("queue", "")).removeprefix(f"{prefix}.{service}."),
        event_id=found.message_id,
        body=found.body,
        error=f"RabbitMQ gave it up: {death.get('reason', 'for reasons unknown')}",
        tries=int(headers.get("x-delivery-count", 0)) + 1,
        time=death.get("time") or datetime.now(UTC),
    )


async def _delivery(message: RabbitMessage) -> _Delivery:
    # In the place of a decoder, as for JetStream.
    return _Delivery(message)
