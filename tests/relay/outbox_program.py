"""A process with an outbox, which the tests end with SIGKILL.

python -m tests.relay.outbox_program URL store 1 2 3    # stores and commits them, and hangs
python -m tests.relay.outbox_program URL forward 2      # publishes 2 events, hangs in the next
"""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from fastdjango_signals.integrations import sqlalchemy
from fastdjango_signals.relay.outbox import Outbox
from tests.relay.outbox_events import event, number_of

SERVICE = "shop"


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


async def store(
    outbox: Outbox, sessions: async_sessionmaker[AsyncSession], numbers: list[str]
) -> None:
    async with sessions.begin():
        for number in numbers:
            assert await outbox.store(SERVICE, event(int(number)), None)
    say("committed")
    await asyncio.sleep(60)


async def forward(outbox: Outbox, count: int) -> None:
    published: list[int] = []

    async def publish(body: bytes) -> None:
        published.append(number_of(body))
        say(published[-1])
        if len(published) > count:
            await asyncio.sleep(60)

    async with outbox.forwarding(SERVICE, publish):
        await asyncio.sleep(60)


async def main(url: str, what: str, *arguments: str) -> None:
    engine = create_async_engine(url)
    sessions = async_sessionmaker(engine)
    sqlalchemy.install(sessions)
    outbox = Outbox(engine)
    if what == "store":
        await store(outbox, sessions, list(arguments))
    else:
        await forward(outbox, int(arguments[0]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
