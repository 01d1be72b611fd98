"""Receivers that a test has left connected."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from fastdjango_signals.places import describe, name_of
from fastdjango_signals.receivers import ConnectedReceiver, key_of
from fastdjango_signals.references import key_of_sender
from fastdjango_signals.signals import Signal, all_signals


class Leftovers:
    """What has been connected since this was made, and still is.

    Receivers of a module that was imported meanwhile do not count: importing it once more, for
    another test, would not connect them again.
    """

    def __init__(self) -> None:
        # Identities alone: a receiver that is held weakly must be free to end during the test.
        self._before = _identities()
        self._modules = set(sys.modules)

    @contextmanager
    def excused(self) -> Generator[None, None, None]:
        """Do not count what is connected in a block."""
        before = _identities()
        yield
        self._before |= _identities() - before

    def found(self) -> list[str]:
        """Return a line for each: the signal, the receiver with its place, and the sender."""
        return [
            f"signal {signal.name}: {describe(each.receiver)}"
            + (f" for sender {name_of(each.sender)}" if each.sender is not None else "")
            for signal, each in self._left()
        ]

    def message(self) -> str | None:
        """Return what to tell whoever wrote the test, or None where nothing was left."""
        if not (found := self.found()):
            return None
        return "\n".join(
            [
                "the test left receivers connected:",
                *(f"  {line}" for line in found),
                "connect them until the test ends, with signals.connect(signal, receiver) of the "
                "fixture `signals`, or for a block, with signal.connected_to(receiver)",
            ]
        )

    def disconnect(self) -> None:
        """Disconnect what was left, so that the tests that follow are not disturbed."""
        for signal, each in self._left():
            signal.disconnect(each.receiver, sender=each.sender, dispatch_uid=each.dispatch_uid)

    def _left(self) -> list[tuple[Signal[Any, ...], ConnectedReceiver]]:
        if self._new():
            gc.collect()  # a test may leave cycles behind, which keep its receivers for a while
        return self._new()

    def _new(self) -> list[tuple[Signal[Any, ...], ConnectedReceiver]]:
        return [
            (signal, each)
            for identity, signal, each in _connections()
            if identity not in self._before and not self._is_of_new_module(each)
        ]

    def _is_of_new_module(self, each: ConnectedReceiver) -> bool:
        module = getattr(each.receiver, "__module__", None)
        return module in sys.modules and module not in self._modules


def _identities() -> set[Hashable]:
    return {identity for identity, _, _ in _connections()}


def _connections() -> Iterator[tuple[Hashable, Signal[Any, ...], ConnectedReceiver]]:
    for signal in all_signals():
        for each in signal.receivers:
            key = key_of(each.receiver, each.dispatch_uid)
            yield (id(signal), key_of_sender(each.sender), key), signal, each
