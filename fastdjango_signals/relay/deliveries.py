"""Call the receivers of an event from another process."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import groupby
from typing import Any

from pydantic import BaseModel

from fastdjango_signals.cancellation import cancellations, cancellations_met, current_task
from fastdjango_signals.dispatch import report_failure
from fastdjango_signals.observations import Observation, Send
from fastdjango_signals.places import describe, name_of
from fastdjango_signals.receivers import Connection
from fastdjango_signals.relay.events import Event
from fastdjango_signals.relay.publishing import Publisher
from fastdjango_signals.signals import Signal
from fastdjango_signals.values import values_of


async def deliver(
    signal: Signal[Any, ...],
    event: Event,
    sender: object,
    payload: BaseModel,
    *,
    seconds: float | None,
) -> list[str]:
    """Call every receiver of a signal, as `send_robust` does; log and return who failed.

    Relays, of this service or of another in this process, are not among them: what has come from
    a broker goes to none, lest it goes round for ever.

    Args:
        signal: The signal.
        event: The event.
        sender: The sender.
        payload: The payload, valid.
        seconds: That each receiver has; None for no limit.
    """
    reached = [
        each
        for each in signal.reach(sender, payload).connections
        if not isinstance(each.resolve(), Publisher)
    ]
    send = Send(
        signal=signal.name,
        sender=sender,
        payload=payload,
        receivers=len(reached),
        robust=True,
        concurrent=signal.concurrent,
        carrier=event.carrier,
        event_id=event.id,
    )
    with Observation(send) as observation:
        call = partial(_attempt, observation, send, seconds)
        ended: list[str | None] = []
        if signal.concurrent:
            for _, together in groupby(reached, lambda each: each.options.priority):
                ended += await asyncio.gather(*map(call, together))
        else:
            ended += [await call(each) for each in reached]
        return [failure for failure in ended if failure is not None]


async def _attempt(
    observation: Observation, send: Send, seconds: float | None, connection: Connection
) -> str | None:
    receiver = connection.resolve()
    if receiver is None:
        return None
    carried = {"payload": send.payload} if connection.takes_payload else values_of(send.payload)
    before = cancellations_met(current_task())
    limit = asyncio.timeout(seconds)

    async def limited(**arguments: Any) -> None:
        async with limit:
            await receiver(**arguments)

    try:
        await observation.receiver(receiver, limited)(sender=send.sender, **carried)
    except (Exception, asyncio.CancelledError) as error:
        if cancellations(current_task()) > before:
            raise
        late = TimeoutError(f"it took longer than {seconds} s") if limit.expired() else None
        failure = report_failure(late or error, receiver, send.signal)
        failed_with = name_of(type(failure))
        del failure, late  # whose tracebacks lead to this frame, which must not lead back
        return f"{describe(receiver)} failed with {failed_with}"
    return None
