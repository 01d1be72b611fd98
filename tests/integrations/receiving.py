"""What the tests send, refuse and hear, whatever the integration."""

from __future__ import annotations

from typing import Any

from fastdjango_signals import Payload, Signal


class Noted(Payload):
    text: str


noted = Signal(Noted, name="noted")


class RefusedError(Exception):
    pass


async def refuse(sender: object, **kwargs: object) -> None:
    raise RefusedError


def names(heard: list[Any]) -> list[str]:
    return [each.signal.name.rpartition(".")[2] for each in heard]
