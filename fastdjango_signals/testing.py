"""For tests: capture what is sent, and mute signals or single receivers.

`capture` and `muted` hold for a `with` block, in its context and the tasks that it starts; with
`everywhere=True` in all tasks and threads of the process. The fixtures of the pytest plugin,
`signals` and `captured`, hold everywhere until their test ends.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, ParamSpec, Self, cast, overload

from pydantic import BaseModel
from typing_extensions import TypeVar, Unpack

from fastdjango_signals.captures import Captured, Recorder, Sends
from fastdjango_signals.exceptions import SignalOptionError
from fastdjango_signals.options import ConnectOptions, read_options
from fastdjango_signals.places import describe, name_of
from fastdjango_signals.receivers import (
    Connector,
    FieldReceiver,
    PayloadReceiver,
    Receiver,
    key_of,
)
from fastdjango_signals.scopes import ConnectedBlock, Mute, ReceiverMute, Watcher, Watchers
from fastdjango_signals.signals import Signal

__all__ = [
    "Capture",
    "Captured",
    "CapturedFixture",
    "Sends",
    "SignalsFixture",
    "Watchers",
    "capture",
    "muted",
]

P = ParamSpec("P")
M = TypeVar("M", bound=BaseModel, default=Any)
N = TypeVar("N", bound=BaseModel)
R = TypeVar("R")


class Capture(Sends[M]):
    """Context manager that captures what is sent; it is the captured sends as well."""

    def __init__(
        self, signals: tuple[Signal[Any, ...], ...], *, run: bool, everywhere: bool
    ) -> None:
        super().__init__(_checked(signals), [])
        self._has_begun = False
        watchers: list[Watcher] = [
            Recorder(signal, self._sends.append, everywhere=everywhere) for signal in self._signals
        ]
        if not run:
            watchers += [Mute(signal.watch, everywhere=everywhere) for signal in self._signals]
        self._watchers = Watchers(watchers)

    def of(self, signal: Signal[N, ...]) -> Sends[N]:
        """Return those sends that are of this signal, up to now: theirs is the payload's type."""
        (checked,) = _checked((signal,))
        if checked not in self._signals:
            raise SignalOptionError(
                f"{self._names()} was captured, and {checked.name} was not; "
                "give it to capture(...) too",
                signal=checked.name,
            )
        sends = [sent for sent in self._so_far() if sent.signal is checked]
        return Sends([checked], cast("list[Captured[N]]", sends))

    def _so_far(self) -> list[Captured[M]]:
        if not self._has_begun:  # without its block, nothing would ever be sent
            raise SignalOptionError(
                f"the capture of {self._names()} has not begun; "
                "write: with capture(...) as captured:"
            )
        return super()._so_far()

    def __enter__(self) -> Self:
        self._has_begun = True
        self._watchers.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._watchers.__exit__()


@overload
def capture(
    signal: Signal[N, ...], /, *, run: bool = True, everywhere: bool = False
) -> Capture[N]: ...
@overload
def capture(
    signal: Signal[Any, ...],
    other: Signal[Any, ...],
    /,
    *more: Signal[Any, ...],
    run: bool = True,
    everywhere: bool = False,
) -> Capture[BaseModel]: ...
def capture(
    signal: Signal[Any, ...], /, *more: Signal[Any, ...], run: bool = True, everywhere: bool = False
) -> Capture[Any]:
    """Capture what is sent in a `with` block, whose `as` gives a sequence of the sends.

    A send is captured once its payload is valid, before any receiver is called, and also if none
    is connected or the signal is muted.

    Args:
        signal: The signal.
        more: More of them; then `captured.of(signal)` has the sends of one, typed.
        run: Whether receivers are called.
        everywhere: Capture in every task and thread, not only in the context of the block.

    Raises:
        SignalOptionError: Something that is given is no signal.
    """
    return Capture((signal, *more), run=run, everywhere=everywhere)


def muted(
    signal: Signal[Any, ...],
    /,
    *more: Signal[Any, ...],
    receiver: Receiver | None = None,
    everywhere: bool = False,
) -> Watchers:
    """Call nobody in a `with` block that sends these signals; or all, but for one receiver.

    Payloads are checked all the same, and captured.

    Args:
        signal: The signal.
        more: More of them.
        receiver: Mute this one alone, for whichever senders it is connected.
        everywhere: Mute in every task and thread, not only in the context of the block.

    Raises:
        SignalOptionError: Something that is given is no signal, or the receiver is not connected.
    """
    signals = _checked((signal, *more))
    if receiver is None:
        return Watchers([Mute(each.watch, everywhere=everywhere) for each in signals])
    for each in signals:
        _require_connected(each, receiver)
    return Watchers([ReceiverMute(each.watch, receiver, everywhere=everywhere) for each in signals])


class CapturedFixture:
    """The fixture `captured`: `captured(signal)` captures everywhere until the test ends."""

    def __init__(self, until_end: ExitStack) -> None:
        self._until_end = until_end

    @overload
    def __call__(self, signal: Signal[N, ...], /, *, run: bool = True) -> Capture[N]: ...
    @overload
    def __call__(
        self,
        signal: Signal[Any, ...],
        other: Signal[Any, ...],
        /,
        *more: Signal[Any, ...],
        run: bool = True,
    ) -> Capture[BaseModel]: ...
    def __call__(
        self, signal: Signal[Any, ...], /, *more: Signal[Any, ...], run: bool = True
    ) -> Capture[Any]:
        """Begin to capture, as `capture` does."""
        return self._until_end.enter_context(Capture((signal, *more), run=run, everywhere=True))


class SignalsFixture:
    """The fixture `signals`: what it is asked for holds everywhere until the test ends.

    Attributes:
        capture: What the fixture `captured` is: `signals.capture(signal)`.
    """

    def __init__(self) -> None:
        self._until_end = ExitStack()
        self.capture = CapturedFixture(self._until_end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._until_end.close()

    def mute(
        self, signal: Signal[Any, ...], /, *more: Signal[Any, ...], receiver: Receiver | None = None
    ) -> None:
        """Mute signals, or one receiver, as `muted` does."""
        self._until_end.enter_context(muted(signal, *more, receiver=receiver, everywhere=True))

    @overload
    def connect(
        self, signal: Signal[N, P], receiver: None = None, **options: Unpack[ConnectOptions]
    ) -> Connector[N, P]: ...
    @overload
    def connect(
        self,
        signal: Signal[N, P],
        receiver: FieldReceiver[P, R],
        **options: Unpack[ConnectOptions],
    ) -> FieldReceiver[P, R]: ...
    @overload
    def connect(
        self,
        signal: Signal[N, P],
        receiver: PayloadReceiver[N, R],
        **options: Unpack[ConnectOptions],
    ) -> PayloadReceiver[N, R]: ...
    def connect(self, signal: Any, receiver: Any = None, **options: Unpack[ConnectOptions]) -> Any:
        """Connect a receiver and keep it, with the options of `Signal.connect`; return it.

        Without a receiver it is a decorator: `@signals.connect(signal, sender=...)`.
        """
        (checked,) = _checked((signal,))
        if receiver is None:
            read_options(options, checked.name)  # at once, and not with the receiver
            connect: Callable[..., Any] = self.connect
            return Connector(partial(connect, checked, **options))
        connected_to: Callable[..., ConnectedBlock[Any]] = checked.connected_to
        return self._until_end.enter_context(connected_to(receiver, **options))


def _checked(signals: tuple[object, ...]) -> tuple[Signal[Any, ...], ...]:
    for each in signals:
        if not isinstance(each, Signal):
            raise SignalOptionError(f"this takes signals, and was given {name_of(each)}")
    return cast("tuple[Signal[Any, ...], ...]", signals)


def _require_connected(signal: Signal[Any, ...], receiver: Receiver) -> None:
    key = key_of(receiver, None)
    if not any(key_of(each.receiver, None) == key for each in signal.receivers):
        described = describe(receiver)
        raise SignalOptionError(
            f"Signal {signal.name} has no receiver {described} that could be muted; "
            "connect it first, and give it as it was connected",
            signal=signal.name,
            receiver=described,
        )
