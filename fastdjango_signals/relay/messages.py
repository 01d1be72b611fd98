"""One message for a stream of JetStream: an event or a dead letter, sent until it is confirmed."""

from __future__ import annotations

import time
from dataclasses import dataclass

from fastdjango_signals.extras import needs
from fastdjango_signals.relay.attempts import repeated, said
from fastdjango_signals.relay.exceptions import PublishError
from fastdjango_signals.relay.pulls import FAILURES

with needs("faststream", extra="relay"), needs("nats", extra="relay"):
    from faststream.nats import NatsBroker
    from nats.errors import ConnectionReconnectingError, MaxPayloadError
    from nats.js.errors import NoStreamResponseError, ServiceUnavailableError

_OVERHEAD = 512  # bytes that a message has beside its body and our headers
_LONGEST_WAIT = 2.0  # seconds for an answer, which may be lost, before it is asked for again
_PASSING = (
    TimeoutError,
    ConnectionReconnectingError,
    NoStreamResponseError,
    ServiceUnavailableError,
)


@dataclass(slots=True, eq=False)
class Message:
    """What a stream is to keep.

    Attributes:
        broker: Is connected to the server.
        stream: The stream, with whose name the subject begins.
        where: The further words of the subject. The last is the signal.
        headers: Have the id that keeps it from being stored twice.
        body: The event.
        event_id: The id of the event, for errors.
    """

    broker: NatsBroker
    stream: str
    where: tuple[str, ...]
    headers: dict[str, str]
    body: bytes
    event_id: str | None
    _is_sent: bool = False

    def fits(self) -> bool:
        """Return whether the server takes so much."""
        # nats-py counts the body alone; the server counts the headers too, and hangs up.
        room = self.broker.connection.max_payload - len(self.body) - _OVERHEAD
        size = sum(len(name) + len(value) + 4 for name, value in self.headers.items())
        return size <= room

    async def store(self, seconds: float) -> None:
        """Publish, again and again while the server is away; return once JetStream has stored it.

        Raises:
            PublishError: It was not confirmed within these seconds.
        """
        deadline = time.monotonic() + seconds
        longest = min(seconds, _LONGEST_WAIT)
        try:
            if not self.fits():
                raise MaxPayloadError
            try:
                await self._publish(longest)  # as nearly always, without a further timer
            except _PASSING:
                left = deadline - time.monotonic()
                await repeated(lambda: self._publish(longest), passing=_PASSING, seconds=left)
        except FAILURES as error:
            signal = self.where[-1]
            may = "it may have it all the same" if self._is_sent else "it was not sent"
            raise PublishError(
                f"NATS JetStream did not confirm event {self.event_id} of signal {signal} "
                f"within {seconds} s ({said(error)}); {may}",
                signal=signal,
                event_id=self.event_id,
            ) from error

    async def _publish(self, seconds: float) -> None:
        if not self.broker.connection.is_connected:
            raise ConnectionReconnectingError  # the client would keep it, and send it later
        self._is_sent = True
        jetstream = self.broker.config.connection_state.stream
        subject = ".".join((self.stream, *self.where))
        await jetstream.publish(subject, self.body, seconds, self.stream, self.headers)
