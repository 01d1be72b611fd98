"""`Relay`, which takes the signals of one service to the receivers of others."""

from __future__ import annotations

import asyncio
import logging
import sys
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Self

from fastdjango_signals.cancellation import finish
from fastdjango_signals.relay.definitions import (
    by_name,
    check_options,
    check_service,
    check_transport,
    signals_of,
)
from fastdjango_signals.relay.exceptions import RelayStateError
from fastdjango_signals.relay.inbox import Inbox
from fastdjango_signals.relay.posting import AnyOutbox, Posting
from fastdjango_signals.relay.publishing import Publisher
from fastdjango_signals.relay.replay import Replayed, discard, replay
from fastdjango_signals.relay.retries import Retry
from fastdjango_signals.relay.transports import DeadLetter, Subscription, Transport
from fastdjango_signals.relay.wire import Wire
from fastdjango_signals.signals import Signal

logger = logging.getLogger("fastdjango_signals")


class Relay:
    """The signals that one service publishes to others, and those that it receives.

        relay = Relay("shop", JetStream(NatsBroker()), publishes=[order_placed])

        async with relay:
            await order_placed.send(Shop, order_id=1)  # the receivers here, then the broker

    A receiver of another service's send is connected as any other. It is called at least once for
    each event: again, should it raise, or should its process end in the middle. Replicas of a
    service share its events. Once the relay is gone, its signals are sent in this process only.

    Args:
        service: Name of the service, the same in all its replicas.
        transport: The broker, such as `JetStream`.
        publishes: The signals whose sends in this process go to the broker.
        receives: The signals whose sends in other services come from it.
        retry: When an event is tried again.
        timeout: Seconds that each receiver has for an event; None for no limit.
        workers: Events of a signal that this process receives at a time. With one, they are
            received in order.
        max_bytes: Size that no event may exceed, published or received.
        outbox: Keeps what is sent inside a transaction, with that transaction.

    Attributes:
        service: Its name.
        transport: The broker.
        publishes: The signals that it publishes.
        receives: The signals that it receives.

    Raises:
        RelayDefinitionError: A signal cannot cross, or an option makes no sense.
    """

    def __init__(
        self,
        service: str,
        transport: Transport,
        *,
        publishes: Iterable[Signal[Any, ...]] = (),
        receives: Iterable[Signal[Any, ...]] = (),
        retry: Retry | None = None,
        timeout: float | None = 60.0,
        workers: int = 1,
        max_bytes: int = 512 * 1024,
        outbox: AnyOutbox | None = None,
    ) -> None:
        check_service(service)
        check_transport(transport, self)
        check_options(workers, timeout)
        self.service = service
        self.publishes = signals_of(publishes, "publishes")
        self.receives = signals_of(receives, "receives")
        self.transport = transport
        self._outbox = outbox
        self._posting = Posting(service, transport, outbox)
        self._is_open = False
        self._open = AsyncExitStack()
        named = by_name((*self.publishes, *self.receives), service)
        wires = {name: Wire(signal, service, max_bytes) for name, signal in named.items()}
        self._inboxes = {
            signal.name: Inbox(
                service=service,
                signal=signal,
                wire=wires[signal.name],
                transport=transport,
                retry=retry or Retry(),
                timeout=timeout,
                workers=workers,
            )
            for signal in self.receives
        }
        for signal in self.publishes:
            publisher = Publisher(wires[signal.name], self._posting.post)
            signal.connect(publisher, weak=False, priority=-sys.maxsize)
            weakref.finalize(self, signal.disconnect, publisher).atexit = False
        for name, inbox in self._inboxes.items():
            transport.subscribe(
                Subscription(service=service, signal=name, workers=workers, handler=inbox.handle)
            )

    def __repr__(self) -> str:
        return f"<relay of service {self.service}>"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect to the broker, and begin to publish and to receive.

        Raises:
            PublishError: The broker cannot be reached.
            RelayStateError: It runs already.
        """
        self._refuse_to_run_twice()
        self._is_open = True
        for signal in self.receives:
            if not signal.has_listeners():
                logger.warning(
                    "Service %s receives signal %s, and no receiver is connected to it; "
                    "import the module that connects it",
                    self.service,
                    signal.name,
                )
        async with AsyncExitStack() as stack:
            # A receiver that runs to its end while the transport stops may still publish.
            stack.callback(self._close)
            stack.push_async_callback(self.transport.stop)
            await self.transport.connect()
            self._posting.is_running = True
            for inbox in self._inboxes.values():
                inbox.open()
            await self.transport.start()
            if self._outbox is not None:
                forwarding = self._outbox.forwarding(self.service, self._posting.forward)
                await stack.enter_async_context(forwarding)
            self._open = stack.pop_all()

    async def stop(self) -> None:
        """Receive no more, let receivers that run end, and disconnect."""
        for inbox in self._inboxes.values():
            inbox.close()
        closing = asyncio.ensure_future(self._open.aclose())
        await finish([closing], lambda: None)  # to the end, even if this is cancelled
        closing.result()

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[Self, None]:
        """Publish for as long as a block lasts, and receive nothing that the broker has.

        For programs that are no replica of the service: one that sends and ends, or that looks at
        the dead letters. What they store in an outbox a replica publishes.

        Raises:
            PublishError: The broker cannot be reached.
            RelayStateError: It runs already.
        """
        self._refuse_to_run_twice()
        self._is_open = True
        try:
            await self.transport.connect()
            self._posting.is_running = True
            yield self
        finally:
            await self.transport.stop()
            self._close()

    @contextmanager
    def offline(self) -> Generator[None, None, None]:
        """Publish nothing for as long as a block lasts, whoever sends; for tests.

        Receivers in this process are called, and payloads that cannot cross are refused.
        """
        self._posting.offline += 1
        try:
            yield
        finally:
            self._posting.offline -= 1

    async def dead_letters(self) -> AsyncIterator[DeadLetter]:
        """Yield the events that this service could not receive, oldest first.

        Raises:
            RelayStateError: It is not running, nor connected.
        """
        self._refuse_unless_running()
        async for buried in self.transport.buried(self.service):
            yield buried.letter

    async def replay(self, *event_ids: str) -> Replayed:
        """Receive the dead letters of this service once more; keep those that fail again.

        Args:
            event_ids: Those to receive; all, where none is given.

        Raises:
            RelayStateError: It is not running, nor connected.
        """
        self._refuse_unless_running()
        return await replay(self.transport.buried(self.service), self._inboxes, event_ids)

    async def discard(self, *event_ids: str) -> int:
        """Forget the dead letters of these events; return how many there were.

        Raises:
            RelayStateError: It is not running, nor connected.
        """
        self._refuse_unless_running()
        return await discard(self.transport.buried(self.service), event_ids)

    def _refuse_to_run_twice(self) -> None:
        if self._is_open:
            raise RelayStateError(
                f"The relay of service {self.service} is running already; start it once, for "
                'instance by "async with relay:" around the whole program'
            )

    def _refuse_unless_running(self) -> None:
        if not self._posting.is_running:
            raise RelayStateError(
                f"The relay of service {self.service} is not running; look at its dead letters "
                'inside "async with relay.connected():"'
            )

    def _close(self) -> None:
        self._is_open = self._posting.is_running = False
