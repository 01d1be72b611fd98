"""`fastdjango-signals relay`: a process that is one replica of a service."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import typer

from fastdjango_signals.cli.endings import run
from fastdjango_signals.cli.interruptions import cancelled_by_signals
from fastdjango_signals.cli.relays import HERE, AppDir, Target, load
from fastdjango_signals.relay import Relay
from fastdjango_signals.relay.publishing import Publisher
from fastdjango_signals.signals import Signal


def relay(target: Target, app_dir: AppDir = HERE) -> None:
    """Receive and publish, as one replica of the service, until SIGINT or SIGTERM.

    Receivers that run then are let to their end. A second signal ends the process at once; what it
    was working on comes to another replica.
    """
    run(_work(load(target, app_dir, prints=True)))


async def _work(found: Relay) -> None:
    with suppress(asyncio.CancelledError), cancelled_by_signals():
        async with found:
            typer.echo(_introduction(found), err=True)
            try:
                await asyncio.Event().wait()
            finally:
                typer.echo("Stopping; a second signal does so at once.", err=True)


def _introduction(found: Relay) -> str:
    received = [f"{each.name} ({_receivers(each)})" for each in found.receives]
    published = [each.name for each in found.publishes]
    return (
        f"Service {found.service} receives {', '.join(received) or 'nothing'}; "
        f"publishes {', '.join(published) or 'nothing'}."
    )


def _receivers(signal: Signal[Any, ...]) -> str:
    count = sum(not isinstance(each.receiver, Publisher) for each in signal.receivers)
    return f"{count} receiver{'' if count == 1 else 's'}"
