"""`@receiver`, which connects to one signal or to several at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeGuard, cast, overload

from pydantic import BaseModel
from typing_extensions import ParamSpec, TypeVar, Unpack

from fastdjango_signals.exceptions import SignalOptionError
from fastdjango_signals.options import ConnectOptions, read_options, refuse_positional
from fastdjango_signals.receivers import Connector, Receiver
from fastdjango_signals.signals import Signal

P = ParamSpec("P")
M = TypeVar("M", bound=BaseModel)
F = TypeVar("F", bound=Receiver)


@overload
def receiver(signal: Signal[M, P], /, **options: Unpack[ConnectOptions]) -> Connector[M, P]: ...
@overload
def receiver(
    signal: Sequence[Signal[Any, ...]], /, **options: Unpack[ConnectOptions]
) -> Callable[[F], F]: ...
def receiver(signal: object, /, *misplaced: object, **options: Unpack[ConnectOptions]) -> object:
    """Decorate a receiver to connect it to a signal, or to each of several.

    It takes the options of `connect`. Where one of the signals refuses, none is connected.
    """
    refuse_positional(misplaced, "of @receiver")
    if _is_signal(signal):
        return signal.connect(**options)
    signals = _several(signal)
    for each in signals:
        read_options(options, each.name)

    def connect(function: Receiver) -> Receiver:
        for each in signals:
            each.check(function, **options)
        for each in signals:
            each.connect(function, **options)
        return function

    return connect


def _several(signals: object) -> Sequence[Signal[Any, ...]]:
    given = list(cast("Sequence[object]", signals)) if isinstance(signals, list | tuple) else []
    found = [each for each in given if _is_signal(each)]
    if not found or len(found) < len(given):
        raise SignalOptionError(
            "@receiver needs a signal, or a list of signals, as in @receiver([saved, deleted])"
        )
    return found


def _is_signal(value: object) -> TypeGuard[Signal[Any, ...]]:
    return isinstance(value, Signal)
