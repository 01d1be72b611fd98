"""Kafka: `Relay("shop", KafkaTopics(KafkaBroker("localhost:9092")), ...)`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from fastdjango_signals.extras import needs
from fastdjango_signals.relay.attempts import burying, confirming, repeated, said
from fastdjango_signals.relay.definitions import check_broker
from fastdjango_signals.relay.exceptions import PublishError
from fastdjango_signals.relay.letters import ABOUT, about, letter_from
from fastdjango_signals.relay.transports import Buried, DeadLetter, Subscription
from fastdjango_signals.relay.wire import CONTENT_TYPE

with needs("faststream", extra="relay-kafka"):
    from faststream import AckPolicy
    from faststream.specification import AsyncAPI
with needs("aiokafka", extra="relay-kafka"):
    # aiokafka has no types.
    from aiokafka.admin import NewTopic  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    from aiokafka.errors import KafkaError  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    from faststream.kafka import KafkaBroker, KafkaMessage, Topic

logger = logging.getLogger("fastdjango_signals")

_DAY = 86400.0
_PAUSE = 1.0  # seconds before an event comes again that could not be settled
_EXISTS = 36  # Kafka's code of an error
_FAILURES = (KafkaError, OSError, TimeoutError)


class KafkaTopics:
    """A Kafka cluster.

    The events of a signal are kept in a topic `signals.<signal>`, dead letters in a topic
    `signals-dead.<service>`. Each service has a consumer group, `<service>--<signal>`, for each
    signal that it receives: one for each, since whoever joins a group holds up all of it. A service
    receives what is kept there already, and, once it has been started for the first time, what is
    published while it is away. Topics that do not exist are made.

    An event that is tried again waits in its process, and others of its partition wait behind it.
    How often it was tried is forgotten with the process; an event that kills its process comes
    again without end.

    Args:
        broker: The broker of FastStream, with servers, credentials and TLS. The relay starts and
            stops it. With `acks="all"` an event survives a server of a cluster, and with
            `enable_idempotence=True` it is kept once if it has to be published again.
        prefix: The first word of the topics.
        ordered: Keep to the order of publication over all replicas and all retries: all events of
            a signal go to one partition, which one worker of one replica receives. Without it they
            go to all partitions, and as many workers receive them, over all replicas.
        partitions: Of the topic of a signal, where the relay makes it.
        replicas: Servers that keep a copy of a topic, where the relay makes it.
        ack_wait: Seconds after which the events of a replica come to another if nothing is heard
            of its process. A receiver may take longer. Kafka allows 6 or more.
        keep: Seconds that events are kept, where the relay makes the topic; a service may be away
            for as long.
        keep_dead: Seconds that dead letters are kept, where the relay makes the topic.
        publish_timeout: Seconds in which an event must be confirmed.
        start_timeout: Seconds in which the cluster must answer at the start.
    """

    def __init__(
        self,
        broker: KafkaBroker,
        *,
        prefix: str = "signals",
        ordered: bool = True,
        partitions: int = 1,
        replicas: int = 1,
        ack_wait: float = 10.0,
        keep: float = 7 * _DAY,
        keep_dead: float = 90 * _DAY,
        publish_timeout: float = 10.0,
        start_timeout: float = 30.0,
    ) -> None:
        check_broker(broker, KafkaBroker, self)
        self._broker = broker
        self._prefix = prefix
        self._ordered = ordered
        self._partitions = partitions
        self._replicas = replicas
        self._ack_wait = ack_wait
        self._keep = keep
        self._keep_dead = keep_dead
        self._publish_timeout = publish_timeout
        self._start_timeout = start_timeout
        self._needed: set[str] = set()
        self._made: set[str] = set()

    @property
    def keep_every(self) -> float | None:
        """None: aiokafka tells the cluster that the process lives."""
        return None

    def subscribe(self, subscription: Subscription) -> None:
        """Receive one more signal, once started."""
        topic = self._topic(subscription.signal)
        group = f"{subscription.service}--{subscription.signal}"
        self._needed |= {topic, self._dead(subscription.service)}

        async def receive(delivery: Any) -> None:
            await subscription.handler(delivery)
            if not delivery.is_done:
                # The next one would take it with it when it is done.
                await asyncio.sleep(_PAUSE)
                await delivery.message.nack()

        self._broker.subscriber(
            Topic(topic, declare=False),
            group_id=group,
            max_workers=subscription.workers,
            auto_offset_reset="earliest",
            session_timeout_ms=int(self._ack_wait * 1000),
            heartbeat_interval_ms=int(self._ack_wait * 250),
            # A receiver may take its time, which the relay limits.
            max_poll_interval_ms=int(_DAY * 1000),
            decoder=_delivery,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            title=group,
        )(receive)

    def describe(self, signals: Iterable[str], document: AsyncAPI) -> None:
        """Add the topics of these signals to a document of FastStream; nothing is connected."""
        broker = KafkaBroker()
        broker.specification = self._broker.specification
        for signal in signals:
            broker.publisher(self._topic(signal), title=signal)
        document.add_broker(broker)

    async def connect(self) -> None:
        """Connect, and make the topics."""
        async with self._starting():
            await self._broker.connect()
            for topic in self._needed:
                await self._make(topic)

    async def start(self) -> None:
        """Begin to receive."""
        async with self._starting():
            await self._broker.start()

    async def stop(self) -> None:
        """Receive no more, let handlers end, and disconnect."""
        await self._broker.stop()

    async def publish(self, signal: str, event_id: str, body: bytes) -> None:
        """Publish an event; return once Kafka has confirmed it."""
        key = signal.encode() if self._ordered else None
        headers = {"content-type": CONTENT_TYPE}
        with confirming(
            "Kafka", _FAILURES, signal=signal, event_id=event_id, seconds=self._publish_timeout
        ):
            await self._store(self._topic(signal), key, body, headers)

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; return once Kafka has confirmed it."""
        key = (letter.event_id or str(uuid4())).encode()
        headers = {"content-type": CONTENT_TYPE, ABOUT: about(letter)}
        with burying("Kafka", _FAILURES, letter):
            await self._store(self._dead(letter.service), key, letter.body, headers)

    async def buried(self, service: str) -> AsyncIterator[Buried]:
        """Yield the dead letters of a service, oldest first."""
        topic = self._dead(service)
        reader = self._broker.subscriber(
            Topic(topic, declare=False), auto_offset_reset="earliest", persistent=False
        )
        await reader.start()
        try:
            # Nothing can be taken out of a topic: a letter is removed by a later record of its
            # key, without a body. So all are read twice, first to see which of them hold.
            last = {record.key: record.offset async for record in _records(reader.consumer)}
            async for record in _records(reader.consumer):
                if record.value is not None and last.get(record.key) == record.offset:
                    yield _Buried(self._broker, topic, service, record)
        finally:
            await reader.stop()

    @asynccontextmanager
    async def _starting(self) -> AsyncGenerator[None, None]:
        try:
            async with asyncio.timeout(self._start_timeout):
                yield
        except _FAILURES as error:
            raise PublishError(
                f"Kafka cannot be used ({said(error)}); start a server, and give KafkaBroker its "
                "address"
            ) from error

    async def _store(
        self, topic: str, key: bytes | None, body: bytes | None, headers: dict[str, str]
    ) -> None:
        async def attempt() -> None:
            await self._make(topic)
            await self._broker.publish(body, topic, key=key, headers=headers)

        await repeated(attempt, passing=_FAILURES, seconds=self._publish_timeout)

    async def _make(self, topic: str) -> None:
        """Make a topic, unless there is one."""
        if topic in self._made:
            return
        is_dead = topic.startswith(f"{self._prefix}-dead.")
        configs = {"retention.ms": str(int((self._keep_dead if is_dead else self._keep) * 1000))}
        if is_dead:
            configs["cleanup.policy"] = "compact,delete"
        made = NewTopic(
            topic,
            num_partitions=1 if is_dead else self._partitions,
            replication_factor=self._replicas,
            topic_configs=configs,
        )
        response = await self._broker.config.admin_client.create_topics([made])
        for _, code, *more in response.topic_errors:
            if code not in {0, _EXISTS}:
                logger.warning("Kafka did not make topic %s: error %d, %s", topic, code, more)
        self._made.add(topic)

    def _topic(self, signal: str) -> str:
        return f"{self._prefix}.{signal}"

    def _dead(self, service: str) -> str:
        return f"{self._prefix}-dead.{service}"


@dataclass(slots=True)
class _Delivery:
    message: KafkaMessage
    is_done: bool = False

    @property
    def body(self) -> bytes:
        return self.message.body or b""

    async def begin(self) -> int:
        """Return 1: Kafka does not count."""
        return 1

    async def accept(self) -> None:
        await self.message.ack()
        self.is_done = True

    async def retry(self, delay: float) -> bool:
        return False  # Kafka delivers what follows only after what was before

    async def keep(self) -> None:
        """Do nothing: aiokafka does."""


@dataclass(frozen=True, slots=True)
class _Buried:
    broker: KafkaBroker
    topic: str
    service: str
    record: Any

    @property
    def letter(self) -> DeadLetter:
        headers = dict(self.record.headers)
        return letter_from(self.service, headers.get(ABOUT), self.record.value)

    async def remove(self) -> None:
        await self.broker.publish(None, self.topic, key=self.record.key)


async def _records(consumer: Any) -> AsyncIterator[Any]:
    """Yield all that a topic has now."""
    partitions = consumer.assignment()
    await consumer.seek_to_beginning(*partitions)
    ends = await consumer.end_offsets(partitions)
    while any([await consumer.position(each) < end for each, end in ends.items()]):
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                yield record


async def _delivery(message: KafkaMessage) -> _Delivery:
    # In the place of a decoder, as for JetStream.
    return _Delivery(message)
