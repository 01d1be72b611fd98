"""Receive dead letters once more, or forget them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass

from fastdjango_signals.relay.exceptions import DecodeError
from fastdjango_signals.relay.inbox import Inbox
from fastdjango_signals.relay.transports import Buried

logger = logging.getLogger("fastdjango_signals")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay.

    Attributes:
        received: Dead letters that were received, and are no more.
        failed: Those that failed again, and are kept.
    """

    received: int
    failed: int


async def replay(
    letters: AsyncIterator[Buried], inboxes: Mapping[str, Inbox], event_ids: Collection[str] = ()
) -> Replayed:
    """Receive letters once more, in order, and remove those that went well."""
    received = failed = 0
    async for buried in letters:
        if event_ids and buried.letter.event_id not in event_ids:
            continue
        problem = await _problem(buried, inboxes)
        if problem:
            failed += 1
            letter = buried.letter
            logger.error(
                "Dead letter %s of signal %s failed again: %s",
                letter.event_id,
                letter.signal,
                problem,
            )
        else:
            await buried.remove()
            received += 1
    return Replayed(received, failed)


async def discard(letters: AsyncIterator[Buried], event_ids: Collection[str]) -> int:
    """Remove the letters of these events; return how many there were."""
    removed = 0
    async for buried in letters:
        if buried.letter.event_id in event_ids:
            await buried.remove()
            removed += 1
    return removed


async def _problem(buried: Buried, inboxes: Mapping[str, Inbox]) -> str | None:
    letter = buried.letter
    inbox = inboxes.get(letter.signal)
    if inbox is None:
        return "the relay does not receive this signal"
    try:
        return "; ".join(await inbox.receive(letter.body, letter.tries + 1)) or None
    except DecodeError as error:
        return str(error)
