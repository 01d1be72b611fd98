"""NATS JetStream: `Relay("shop", JetStream(NatsBroker("nats://...")), ...)`."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass

from fastdjango_signals.extras import needs
from fastdjango_signals.relay.attempts import said
from fastdjango_signals.relay.declarations import Declarations, durable_of
from fastdjango_signals.relay.definitions import check_broker
from fastdjango_signals.relay.exceptions import PublishError
from fastdjango_signals.relay.letters import ABOUT, about, letter_from
from fastdjango_signals.relay.messages import Message
from fastdjango_signals.relay.pulls import FAILURES, Pull
from fastdjango_signals.relay.transports import Buried, DeadLetter, Subscription
from fastdjango_signals.relay.wire import CONTENT_TYPE

with needs("faststream", extra="relay"), needs("nats", extra="relay"):
    from faststream.nats import NatsBroker
    from faststream.specification import AsyncAPI
    from nats.aio.client import Client
    from nats.js import JetStreamContext
    from nats.js.api import RawStreamMsg
    from nats.js.errors import APIError, NotFoundError
    from nats.js.kv import KeyValue

logger = logging.getLogger("fastdjango_signals")

_DAY = 86400.0
_NO_SUCH_MESSAGE = 10057
_SILENCE = 2.0  # seconds of waiting: at the start until it is told, at the stop in all


class JetStream:
    """A NATS server, or cluster, with JetStream.

    Events are kept in one stream, `signals`, on subjects `signals.<signal>`; dead letters in
    another, `signals-dead`, on subjects `signals-dead.<service>.<signal>`. Each service has a
    durable consumer, `<service>--<signal>`, for each signal that it receives. The bucket
    `signals-tries` counts how often events were tried. All are made, or brought up to date, at the
    start.

    Args:
        broker: The broker of FastStream, with servers, credentials and TLS. The relay starts and
            stops it. Its middlewares do not see the events.
        prefix: The name of the stream, and the first word of the subjects.
        ordered: Keep to the order of publication over all replicas and all retries: one event of
            a signal at a time, and none overtakes one that is tried again.
        ack_wait: Seconds after which an event comes to another replica if nothing is heard of it.
            A receiver may take longer, as long as its process lives.
        prefetch: Events of a signal that a replica fetches at a time.
        keep: Seconds that events are kept; a service may be away for as long.
        keep_dead: Seconds that dead letters are kept.
        deduplicate: Seconds in which an event that is published twice is kept once.
        replicas: Servers of a cluster that keep a copy.
        publish_timeout: Seconds in which an event must be confirmed.
        start_timeout: Seconds in which the server must answer at the start. Later the connection
            is made again as often as it breaks, whatever the broker's `max_reconnect_attempts`.

    Raises:
        RelayDefinitionError: `prefix` is no name for a stream.
    """

    def __init__(
        self,
        broker: NatsBroker,
        *,
        prefix: str = "signals",
        ordered: bool = False,
        ack_wait: float = 30.0,
        prefetch: int = 64,
        keep: float = 7 * _DAY,
        keep_dead: float = 90 * _DAY,
        deduplicate: float = 120.0,
        replicas: int = 1,
        publish_timeout: float = 10.0,
        start_timeout: float = 30.0,
    ) -> None:
        self._declarations = Declarations(
            prefix=prefix,
            ordered=ordered,
            ack_wait=ack_wait,
            keep=keep,
            keep_dead=keep_dead,
            deduplicate=deduplicate,
            replicas=replicas,
        )
        check_broker(broker, NatsBroker, self)
        self._broker = broker
        self._prefetch = prefetch
        self._publish_timeout = publish_timeout
        self._start_timeout = start_timeout
        self._subscriptions: list[Subscription] = []
        self._pulls: list[Pull] = []

    @property
    def keep_every(self) -> float | None:
        """Seconds between two calls of `Incoming.keep`."""
        return self._declarations.ack_wait / 3

    def subscribe(self, subscription: Subscription) -> None:
        """Receive one more signal, once started."""
        self._subscriptions.append(subscription)

    def describe(self, signals: Iterable[str], document: AsyncAPI) -> None:
        """Add the subjects of these signals to a document of FastStream; nothing is connected."""
        broker = NatsBroker()
        broker.specification = self._broker.specification
        for signal in signals:
            broker.publisher(f"{self._declarations.prefix}.{signal}", title=signal)
        document.add_broker(broker)

    async def connect(self) -> None:
        """Connect, and declare the streams and the consumers."""
        servers = ", ".join(self._broker.specification.url)  # without credentials
        told = asyncio.get_running_loop().call_later(
            _SILENCE, logger.warning, "Waiting for NATS at %s", servers
        )
        try:
            async with asyncio.timeout(self._start_timeout):
                client = await self._broker.connect()
                client.options["max_reconnect_attempts"] = -1
                _quieten(client)
                self._jetstream = self._broker.config.connection_state.stream
                await self._declare()
        except FAILURES as error:
            raise PublishError(
                f"NATS JetStream at {servers} cannot be used within {self._start_timeout} s "
                f"({said(error)}); start a server with -js, and give NatsBroker its address"
            ) from error
        finally:
            told.cancel()

    async def start(self) -> None:
        """Begin to receive."""
        bucket = await self._jetstream.key_value(self._declarations.tries)
        self._pulls = [self._pull(each, bucket) for each in self._subscriptions]
        for pull in self._pulls:
            pull.start()

    async def stop(self) -> None:
        """Receive no more, let handlers end, and disconnect."""
        seconds = self._broker.config.graceful_timeout
        await asyncio.gather(*(pull.stop(seconds) for pull in self._pulls))
        self._pulls = []
        try:
            await self._broker.stop()
        except Exception as error:  # noqa: BLE001 - the server is away: nothing can be drained
            logger.warning("NATS is away, and the relay stops without it: %r", error)
            with suppress(Exception):  # it may write to a transport that is closed
                async with asyncio.timeout(_SILENCE):  # it may wait for what cannot be flushed
                    await self._broker.connection.close()

    async def publish(self, signal: str, event_id: str, body: bytes) -> None:
        """Publish an event; return once JetStream has stored it."""
        headers = {"Nats-Msg-Id": event_id, "content-type": CONTENT_TYPE}
        stream = self._declarations.prefix
        message = Message(self._broker, stream, (signal,), headers, body, event_id)
        await message.store(self._publish_timeout)

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; return once JetStream has stored it."""
        headers = {ABOUT: about(letter), "content-type": CONTENT_TYPE}
        if letter.event_id is not None:
            # Ids are unique per source only, and not even that where the event is broken.
            digest = hashlib.sha256(letter.body).hexdigest()
            headers["Nats-Msg-Id"] = json.dumps([letter.service, letter.signal, digest])
        stream, where = self._declarations.dead, (letter.service, letter.signal)
        message = Message(self._broker, stream, where, headers, letter.body, letter.event_id)
        if not message.fits():
            message.body = b""
        await message.store(self._publish_timeout)

    async def buried(self, service: str) -> AsyncIterator[Buried]:
        """Yield the dead letters of a service, oldest first."""
        jetstream, stream = self._jetstream, self._declarations.dead
        subject, sequence = f"{stream}.{service}.>", 1
        while True:
            try:
                found = await jetstream.get_msg(stream, sequence, subject=subject, next=True)
            except NotFoundError:
                return
            yield _Buried(jetstream, stream, service, found)
            sequence = (found.seq or sequence) + 1

    def _pull(self, subscription: Subscription, tries: KeyValue) -> Pull:
        durable = durable_of(subscription)
        options = self._broker.config.js_options
        domain = options.get("domain")
        api = f"$JS.{domain}.API" if domain else options.get("prefix", "$JS.API")
        return Pull(
            client=self._broker.connection,
            subject=f"{api}.CONSUMER.MSG.NEXT.{self._declarations.prefix}.{durable}",
            durable=durable,
            tries=tries,
            handler=subscription.handler,
            prefetch=1 if self._declarations.ordered else max(self._prefetch, subscription.workers),
            declare=self._declare,
        )

    async def _declare(self) -> None:
        await self._declarations.declare(self._jetstream, self._subscriptions)


@dataclass(frozen=True, slots=True)
class _Buried:
    jetstream: JetStreamContext
    stream: str
    service: str
    found: RawStreamMsg

    @property
    def letter(self) -> DeadLetter:
        headers: dict[str, str] = self.found.headers or {}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return letter_from(self.service, headers.get(ABOUT), self.found.data or b"")

    async def remove(self) -> None:
        try:
            await self.jetstream.delete_msg(self.stream, self.found.seq or 0)
        except APIError as error:
            if error.err_code != _NO_SUCH_MESSAGE:
                raise  # else another replay was faster


def _quieten(client: Client) -> None:
    """Let no error callback raise: FastStream's does, and ends the reconnecting of nats-py."""
    callback = client._error_cb  # pyright: ignore[reportPrivateUsage] - there is no other way

    async def noted(error: Exception) -> None:
        try:
            await callback(error)
        except Exception:  # noqa: BLE001 - it is told
            logger.warning("NATS: %r", error)

    client._error_cb = noted  # pyright: ignore[reportPrivateUsage]
