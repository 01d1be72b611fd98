"""From a signal of Django to ours: receivers of Django's signal that send ours."""

# Django has no types.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from fastdjango_signals.integrations.django import threads, transactions
from fastdjango_signals.places import name_of
from fastdjango_signals.signals import Signal


@dataclass(frozen=True, slots=True, eq=False)
class Bridge:
    """Forwards a signal of Django, where somebody listens to ours.

    Attributes:
        native: Django's signal.
        signal: Ours.
        names: What is forwarded, by its name; both signals use the same.
        defaults: What is forwarded where the code that sends Django's signal leaves it out.
    """

    native: Any
    signal: Signal[Any, ...]
    names: tuple[str, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def connect(self) -> None:
        """Begin to forward."""
        self.native.connect(self.forward, weak=False, dispatch_uid=self.signal.name)
        # Django asks this before it deletes, or adds to a relation, the fast way.
        self.native.has_listeners = self.has_listeners

    def disconnect(self) -> None:
        """Forward no longer."""
        self.native.disconnect(dispatch_uid=self.signal.name)
        del self.native.has_listeners  # its own, not that of its class

    def has_listeners(self, sender: Any = None) -> bool:
        """Return what Django's method would: this bridge counts if somebody listens to ours."""
        found = self.native._live_receivers(sender)
        others = [each for kind in found for each in kind if each != self.forward]
        return bool(others) or self.signal.has_listeners(sender=sender)

    # Not async: Django calls synchronous receivers in turn, and stops at the first that fails.
    # It gathers async ones, starts a loop for them though nobody may listen, and when one fails
    # the others run on.
    def forward(self, sender: Any, **named: Any) -> None:
        """Send our signal, and wait for its receivers."""
        if not self.concerns(sender, named) or not self.signal.has_listeners(sender=sender):
            return
        given = {name: named[name] for name in self.names if name in named}
        fields = {**self.defaults, **given}
        using = named.get("using")

        async def send() -> None:
            await self.signal.send(sender, **fields)

        occasion = f"the receivers of {self.signal.name} for {name_of(sender)}"
        seen = transactions.backend.seen_by(connections[using]) if using else nullcontext()
        with seen:
            threads.run(send, occasion, self.signal.name)

    def concerns(self, sender: Any, named: Mapping[str, Any]) -> bool:
        """Return whether this is a sender whose signals are forwarded."""
        return True
