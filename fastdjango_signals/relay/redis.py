"""Redis Streams: `Relay("shop", RedisStreams(RedisBroker("redis://...")), ...)`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

from fastdjango_signals.extras import needs
from fastdjango_signals.relay.attempts import burying, confirming, repeated, said
from fastdjango_signals.relay.definitions import check_broker
from fastdjango_signals.relay.entries import BODY
from fastdjango_signals.relay.exceptions import PublishError
from fastdjango_signals.relay.groups import FAILURES, PASSING, Group
from fastdjango_signals.relay.letters import ABOUT, about, letter_from
from fastdjango_signals.relay.transports import Buried, DeadLetter, Subscription
from fastdjango_signals.relay.wire import CONTENT_TYPE

with needs("faststream", extra="relay-redis"), needs("redis", extra="relay-redis"):
    from faststream.redis import RedisBroker
    from faststream.specification import AsyncAPI

_DAY = 86400.0
_PAGE = 64  # dead letters that are read at a time
_ATTEMPT = 2.0  # seconds for an answer, before it is asked for once more


class RedisStreams:
    """A Redis server of version 6.2 or newer, a cluster of them, or Valkey.

    The events of a signal are kept in a stream `signals:<signal>`, in the field `data`; dead
    letters in a stream `signals-dead:<service>`. Each service has a consumer group of its name on
    the stream of each signal that it receives. It receives what is kept there already, and, once
    it has been started for the first time, what is published while it is away.

    Redis keeps all this in memory, and on disk as it is configured: with `appendonly yes` an event
    survives the process of the server, and with `appendfsync always` its machine too.

    Redis does not tell that an event was published twice, as it may be where the answer to the
    first attempt was lost.

    Args:
        broker: The broker of FastStream, with the server, credentials and TLS. The relay starts
            and stops it. Its middlewares do not see the events.
        prefix: The first word of the keys.
        ack_wait: Seconds after which an event comes to another replica if nothing is heard of it.
            A receiver may take longer, as long as its process lives. An event that is tried again
            later than that stays with its process.
        prefetch: Events of a signal that a replica fetches at a time.
        keep: Seconds that events are kept at least; a service may be away for as long. They are
            removed when newer ones are published.
        keep_dead: Seconds that dead letters are kept at least.
        publish_timeout: Seconds in which an event must be confirmed.
        start_timeout: Seconds in which the server must answer at the start.
    """

    def __init__(
        self,
        broker: RedisBroker,
        *,
        prefix: str = "signals",
        ack_wait: float = 30.0,
        prefetch: int = 64,
        keep: float = 7 * _DAY,
        keep_dead: float = 90 * _DAY,
        publish_timeout: float = 10.0,
        start_timeout: float = 30.0,
    ) -> None:
        check_broker(broker, RedisBroker, self)
        self._broker = broker
        self._prefix = prefix
        self._ack_wait = ack_wait
        self._prefetch = prefetch
        self._keep = keep
        self._keep_dead = keep_dead
        self._publish_timeout = publish_timeout
        self._start_timeout = start_timeout
        self._subscriptions: list[Subscription] = []
        self._groups: list[Group] = []
        self._client: Any = None  # redis-py types its commands otherwise in each version

    @property
    def keep_every(self) -> float | None:
        """Seconds between two calls of `Incoming.keep`."""
        return self._ack_wait / 3

    def subscribe(self, subscription: Subscription) -> None:
        """Receive one more signal, once started."""
        self._subscriptions.append(subscription)

    def describe(self, signals: Iterable[str], document: AsyncAPI) -> None:
        """Add the streams of these signals to a document of FastStream; nothing is connected."""
        broker = RedisBroker()
        broker.specification = self._broker.specification
        for signal in signals:
            broker.publisher(stream=f"{self._prefix}:{signal}", title=signal)
        document.add_broker(broker)

    async def connect(self) -> None:
        """Connect, and make the groups."""
        try:
            async with asyncio.timeout(self._start_timeout):
                self._client = await self._broker.connect()
                await self._client.ping()
                self._groups = [self._group(each) for each in self._subscriptions]
                for group in self._groups:
                    await group.declare()
        except FAILURES as error:
            raise PublishError(
                f"Redis cannot be used ({said(error)}); start a server of version 6.2 or newer, "
                "and give RedisBroker its address"
            ) from error

    async def start(self) -> None:
        """Begin to receive."""
        for group in self._groups:
            group.start()

    async def stop(self) -> None:
        """Receive no more, let handlers end, and disconnect."""
        seconds = self._broker.config.graceful_timeout
        await asyncio.gather(*(group.stop(seconds) for group in self._groups))
        self._groups = []
        await self._broker.stop()
        self._client = None

    async def publish(self, signal: str, event_id: str, body: bytes) -> None:
        """Publish an event; return once Redis has answered."""
        fields = {BODY: body, b"content-type": CONTENT_TYPE}
        with confirming(
            "Redis", FAILURES, signal=signal, event_id=event_id, seconds=self._publish_timeout
        ):
            await self._append(f"{self._prefix}:{signal}", fields, self._keep)

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; return once Redis has answered."""
        fields = {BODY: letter.body, b"content-type": CONTENT_TYPE, ABOUT.encode(): about(letter)}
        with burying("Redis", FAILURES, letter):
            await self._append(self._dead(letter.service), fields, self._keep_dead)

    async def buried(self, service: str) -> AsyncIterator[Buried]:
        """Yield the dead letters of a service, oldest first."""
        client, stream = self._connected(), self._dead(service)
        last = b"-"
        while page := await client.xrange(stream, min=last, count=_PAGE):
            for entry, fields in page:
                yield _Buried(client, stream, service, entry, fields)
            last = b"(" + page[-1][0]

    async def _append(self, stream: str, fields: dict[Any, Any], keep: float) -> None:
        """Add an entry, again and again while the server is away; drop those that are too old."""
        oldest = int((time.time() - keep) * 1000)
        await repeated(
            lambda: self._connected().xadd(stream, fields, minid=oldest),
            passing=PASSING,
            seconds=self._publish_timeout,
            longest=_ATTEMPT,
        )

    def _group(self, subscription: Subscription) -> Group:
        client = self._connected()
        # An answer that comes after the client has given up is lost for `ack_wait`.
        limit = client.get_connection_kwargs().get("socket_timeout") or 2.0
        return Group(
            client=client,
            stream=f"{self._prefix}:{subscription.signal}",
            name=subscription.service,
            handler=subscription.handler,
            prefetch=self._prefetch,
            ack_wait=self._ack_wait,
            patience=self._publish_timeout,
            block=min(1.0, limit / 2),
        )

    def _dead(self, service: str) -> str:
        return f"{self._prefix}-dead:{service}"

    def _connected(self) -> Any:
        if self._client is None:
            raise ConnectionError("the relay is not running")
        return self._client


@dataclass(frozen=True, slots=True)
class _Buried:
    client: Any
    stream: str
    service: str
    entry: bytes
    fields: dict[bytes, bytes]

    @property
    def letter(self) -> DeadLetter:
        return letter_from(
            self.service, self.fields.get(ABOUT.encode()), self.fields.get(BODY, b"")
        )

    async def remove(self) -> None:
        await self.client.xdel(self.stream, self.entry)
