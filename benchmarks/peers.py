"""The contenders of the benchmark: ours, other libraries, and the bare loop as the floor.

Each is a coroutine function that sends `times` payloads `a=1, b=2` to `count` receivers which do
nothing. What cannot be had of a library, such as a response or an await, is missing there: see
`ABILITIES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from fastdjango_signals import Payload, Signal

Receiver: TypeAlias = Callable[..., Awaitable[object]]
Run: TypeAlias = Callable[[int], Awaitable[None]]


class Two(Payload):
    """The payload of most measurements."""

    a: int
    b: int


class Shop:
    """The sender."""


def receivers(count: int) -> list[Receiver]:
    """Return so many receivers, each a function of its own."""

    def make() -> Receiver:
        async def receiver(sender: object, a: int, b: int, **kwargs: object) -> None:
            return None

        return receiver

    return [make() for _ in range(count)]


def floor(connected: list[Receiver]) -> Run:
    """Call the receivers in a bare loop, and keep what they return."""

    async def run(times: int) -> None:
        for _ in range(times):
            responses = []
            for receiver in connected:
                response = await receiver(sender=Shop, a=1, b=2)
                responses.append((receiver, response))

    return run


def validation(connected: list[Receiver]) -> Run:
    """Validate a payload, and call nobody."""
    validate = Two.__pydantic_validator__.validate_python

    async def run(times: int) -> None:
        for _ in range(times):
            validate({"a": 1, "b": 2})

    return run


def ours(connected: list[Receiver]) -> Run:
    """Send with this library."""
    signal = Signal(Two)
    for receiver in connected:
        signal.connect(receiver)

    async def run(times: int) -> None:
        for _ in range(times):
            await signal.send(sender=Shop, a=1, b=2)

    return run


def aiosignal(connected: list[Receiver]) -> Run:
    """Send with aiosignal, to a frozen list of functions."""
    signal = importlib.import_module("aiosignal").Signal(Shop)
    signal.extend(connected)
    signal.freeze()

    async def run(times: int) -> None:
        for _ in range(times):
            await signal.send(sender=Shop, a=1, b=2)

    return run


def blinker(connected: list[Receiver]) -> Run:
    """Send with blinker."""
    signal = importlib.import_module("blinker").Signal()
    for receiver in connected:
        signal.connect(receiver)

    async def run(times: int) -> None:
        for _ in range(times):
            await signal.send_async(Shop, a=1, b=2)

    return run


def async_signals(connected: list[Receiver]) -> Run:
    """Send with async-signals, whose receivers take the signal too."""

    def accepting(receiver: Receiver) -> Receiver:
        async def accepts(sender: object, signal: object, a: int, b: int, **_: object) -> None:
            return None

        return accepts

    signal = importlib.import_module("async_signals").Signal()
    kept = [accepting(receiver) for receiver in connected]
    for receiver in kept:
        signal.connect(receiver)

    async def run(times: int, kept: list[Receiver] = kept) -> None:
        for _ in range(times):
            await signal.send(Shop, a=1, b=2)

    return run


def django(connected: list[Receiver]) -> Run:
    """Send with Django, which caches the receivers of a sender."""
    signal = importlib.import_module("django.dispatch").Signal(use_caching=True)
    for receiver in connected:
        signal.connect(receiver)

    async def run(times: int) -> None:
        for _ in range(times):
            await signal.asend(Shop, a=1, b=2)

    return run


def pyee(connected: list[Receiver]) -> Run:
    """Emit with pyee, and wait for all callbacks."""
    emitter: Any = importlib.import_module("pyee.asyncio").AsyncIOEventEmitter()
    for receiver in connected:
        emitter.on("event", receiver)

    async def run(times: int) -> None:
        for _ in range(times):
            emitter.emit("event", sender=Shop, a=1, b=2)
            await emitter.wait_for_complete()

    return run


def psygnal(connected: list[Receiver]) -> Run:
    """Emit to plain functions: its async callbacks cannot be awaited by the sender."""
    signal = importlib.import_module("psygnal").SignalInstance((int, int))

    def make() -> Callable[[int, int], None]:
        return lambda a, b: None

    kept = [make() for _ in connected]
    for function in kept:
        signal.connect(function)

    async def run(times: int, kept: object = kept) -> None:
        for _ in range(times):
            signal.emit(1, 2)

    return run


def bubus(connected: list[Receiver]) -> Run:
    """Dispatch with bubus, and wait for all handlers."""
    module = importlib.import_module("bubus")
    event_class = type("Event", (module.BaseEvent,), {"__annotations__": {"a": int, "b": int}})

    def make(number: int) -> Receiver:
        async def handler(event: object) -> None:
            return None

        handler.__name__ = handler.__qualname__ = f"handler_{number}"
        return handler

    bus = module.EventBus()
    for number in range(len(connected)):
        bus.on("Event", make(number))

    async def run(times: int) -> None:
        for _ in range(times):
            await bus.dispatch(event_class(a=1, b=2))

    return run


PEERS: dict[str, Callable[[list[Receiver]], Run]] = {
    "fastdjango-signals": ours,
    "aiosignal": aiosignal,
    "blinker": blinker,
    "async-signals": async_signals,
    "psygnal": psygnal,
    "pyee": pyee,
    "Django": django,
}

ABILITIES: dict[str, tuple[str, str, str, str]] = {
    "fastdjango-signals": ("yes", "yes", "yes", "yes"),
    "aiosignal": ("no", "no", "no", "no"),
    "blinker": ("no", "yes", "yes", "yes"),
    "async-signals": ("no", "yes", "yes", "yes"),
    "psygnal": ("no", "no", "no", "yes"),
    "pyee": ("no", "no", "no", "no"),
    "Django": ("no", "yes", "yes", "yes"),
    "bubus": ("yes", "yes", "no", "no"),
}
"""Whether each validates, returns responses, has senders, and holds receivers weakly."""
