"""Observe every send of this process, and each receiver: for tracing, and for pages that show it.

    class Slow(Observer):
        def sending(self, send: Send) -> AbstractContextManager[SendObserver]:
            return measured(send.signal)

    add_observer(Slow())

While nobody observes, a send pays nothing for it.
"""

from __future__ import annotations

import threading

from fastdjango_signals import observations
from fastdjango_signals.exceptions import SignalOptionError
from fastdjango_signals.observations import Observer, Send, SendObserver
from fastdjango_signals.places import name_of
from fastdjango_signals.signals import all_signals

__all__ = ["Observer", "Send", "SendObserver", "add_observer", "remove_observer"]

_lock = threading.Lock()


def add_observer(observer: Observer) -> None:
    """Show an observer the sends that begin from now on, of every signal, those to come included.

    Adding it again changes nothing.

    Raises:
        SignalOptionError: It is no `Observer`.
    """
    if not isinstance(observer, Observer):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise SignalOptionError(
            f"{name_of(observer)} cannot observe sends; give an instance of a subclass of Observer"
        )
    with _lock:
        observations.begin(observer)
        _refresh()


def remove_observer(observer: Observer) -> None:
    """Show an observer nothing more, but for the end of what has begun."""
    with _lock:
        observations.end(observer)
        _refresh()


def _refresh() -> None:
    for signal in all_signals():
        signal.watch.refresh()
