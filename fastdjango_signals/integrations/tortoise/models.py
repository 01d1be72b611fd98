"""`save` and `delete`: the signals of single instances."""

# Tortoise has no public hook that serves all models, or that calls one listener at a time.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias

from tortoise.models import Model
from tortoise.signals import Signals

from fastdjango_signals.builtin import post_delete, post_save, pre_delete, pre_save
from fastdjango_signals.patches import Patch
from fastdjango_signals.signals import Signal

WaitForListeners: TypeAlias = Callable[..., Awaitable[None]]

installed: dict[type[Model], bool] = {}
"""The models whose signals are sent, and whether bulk work sends them too; `Model` is for all."""


@dataclass(frozen=True, slots=True)
class Translation:
    """How an event of Tortoise becomes a signal.

    Attributes:
        signal: The signal.
        names: The payload's names for what Tortoise gives its listeners, in its order.
    """

    signal: Signal[Any, ...]
    names: tuple[str, ...]

    async def send(self, instance: Model, *arguments: Any) -> None:
        """Send the signal, if somebody listens; Tortoise's client becomes its alias."""
        sender = type(instance)
        if self.signal.has_listeners(sender=sender):
            fields = dict(zip(self.names, arguments, strict=True))
            fields["using"] = fields["using"].connection_name
            await self.signal.send(sender, instance=instance, **fields)


TRANSLATIONS: Mapping[Signals, Translation] = {
    Signals.pre_save: Translation(pre_save, ("using", "update_fields")),
    Signals.post_save: Translation(post_save, ("created", "using", "update_fields")),
    Signals.pre_delete: Translation(pre_delete, ("using",)),
    Signals.post_delete: Translation(post_delete, ("using",)),
}


def covers(model: type[Model]) -> bool:
    """Return whether the signals of this model are sent."""
    return issubclass(model, tuple(installed))


def covers_bulk(model: type[Model]) -> bool:
    """Return whether bulk work sends the signals of this model."""
    return issubclass(model, tuple(each for each, bulk in installed.items() if bulk))


def _wait_for_listeners(native: WaitForListeners) -> WaitForListeners:
    @wraps(native)
    async def wait_for_listeners(self: Any, event: Signals, *arguments: Any) -> None:
        model = self.__class__
        if not covers(model):
            await native(self, event, *arguments)
            return
        # Tortoise gathers its listeners, and when one fails the others run on unattended.
        for listener in list(self._listeners[event].get(model, ())):
            await listener(model, self, *arguments)
        await TRANSLATIONS[event].send(self, *arguments)

    return wait_for_listeners


PATCHES = (Patch(Model, "_wait_for_listeners", _wait_for_listeners),)
