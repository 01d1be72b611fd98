"""What the applications of the frameworks have in common: what they stream, and what they note."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

NOTES = "NOTES"
"""Name of the environment variable that holds the path of the file with the notes."""

NAP = 0.25
"""Seconds that a slow handler takes."""


def note(scope: Any, event: str, **more: object) -> None:
    """Write down that something happened to the request that has this id in its query."""
    query = parse_qs(bytes(scope["query_string"]).decode())
    line = json.dumps([query.get("id", [""])[0], {"event": event, **more}])
    with Path(os.environ[NOTES]).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


async def chunks(scope: Any) -> AsyncIterator[bytes]:
    """Stream three times."""
    for _ in range(3):
        await asyncio.sleep(0)
        yield b"chunk,"
    note(scope, "streamed")


async def endless() -> AsyncIterator[bytes]:
    """Stream for as long as anybody wants it."""
    while True:
        yield b"x" * 1024
        await asyncio.sleep(0.005)


async def task(scope: Any) -> None:
    """Do what is left to do when the response is sent."""
    await asyncio.sleep(0.02)
    note(scope, "task")


async def nap(scope: Any) -> None:
    """Take long, and note a cancellation."""
    try:
        await asyncio.sleep(NAP)
    except asyncio.CancelledError:
        note(scope, "cancelled")
        raise
