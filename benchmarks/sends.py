"""What a send costs: beside the floor, beside validation, and beside its own variants."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from benchmarks import peers
from benchmarks.measuring import by_turns, ratio
from benchmarks.peers import Receiver, Run, Shop, Two, floor, ours, receivers, validation
from fastdjango_signals import Payload, Signal

COUNTS = (1, 3, 10, 100, 1000)
BY_HAND = "2 fields by hand"


class Eight(Payload):
    """A payload of eight fields."""

    a: int
    b: int
    c: int
    d: str
    e: str
    f: float
    g: bool
    h: int | None = None


async def beside_peers(rounds: int) -> dict[str, dict[str, float]]:
    """Return time / floor of each library, by the number of receivers."""
    table: dict[str, dict[str, float]] = {name: {} for name in peers.PEERS}
    for count in COUNTS:
        connected = receivers(count)
        runs = {name: make(connected) for name, make in peers.PEERS.items()}
        took = await by_turns({"floor": floor(connected), **runs}, rounds)
        for name in runs:
            table[name][str(count)] = ratio(took, name, "floor")
    return table


async def beside_validation(rounds: int) -> dict[str, dict[str, float]]:
    """Return time / (floor + bare validation), by fields and number of receivers.

    What is written by hand for two fields shows how near any send could come.
    """
    table: dict[str, dict[str, float]] = {"2 fields": {}, BY_HAND: {}, "8 fields": {}}
    for count in map(str, (1, 3, 10, 100)):
        two = await by_turns(_two(int(count)), rounds)
        eight = await by_turns(_eight(int(count)), rounds)
        for row, took, run in (
            ("2 fields", two, "ours"),
            (BY_HAND, two, BY_HAND),
            ("8 fields", eight, "ours"),
        ):
            table[row][count] = ratio(took, run, "floor", "validation")
    return table


def _two(count: int) -> dict[str, Run]:
    connected = receivers(count)
    return {
        "floor": floor(connected),
        "validation": validation(connected),
        "ours": ours(connected),
        BY_HAND: _by_hand(connected),
    }


def _by_hand(connected: list[Receiver]) -> Run:
    """Send with the least code that validates, holds receivers weakly and returns responses."""
    validate: Callable[[object], Two] = Two.__pydantic_validator__.validate_python
    references = tuple(map(weakref.ref, connected))

    async def send(sender: object, **fields: object) -> list[tuple[Receiver, object]]:
        attributes = validate(fields).__dict__
        a, b = attributes["a"], attributes["b"]
        responses = []
        for reference in references:
            receiver = reference()
            if receiver is not None:
                responses.append((receiver, await receiver(sender=sender, a=a, b=b)))
        return responses

    async def run(times: int) -> None:
        for _ in range(times):
            await send(sender=Shop, a=1, b=2)

    return run


def _eight(count: int) -> dict[str, Run]:
    connected = [_receiver_of_eight() for _ in range(count)]
    return {
        "floor": _floor_of_eight(connected),
        "validation": _validation_of_eight(),
        "ours": _ours_of_eight(connected),
    }


def _receiver_of_eight() -> Receiver:
    async def receiver(
        *, sender: object, a: int, b: int, c: int, d: str, e: str, f: float, g: bool, h: int | None
    ) -> None:
        return None

    return receiver


def _floor_of_eight(connected: list[Receiver]) -> Run:
    async def run(times: int) -> None:
        for _ in range(times):
            responses = []
            for receiver in connected:
                response = await receiver(
                    sender=Shop, a=1, b=2, c=3, d="d", e="e", f=1.5, g=True, h=8
                )
                responses.append((receiver, response))

    return run


def _validation_of_eight() -> Run:
    validate = Eight.__pydantic_validator__.validate_python

    async def run(times: int) -> None:
        for _ in range(times):
            validate({"a": 1, "b": 2, "c": 3, "d": "d", "e": "e", "f": 1.5, "g": True, "h": 8})

    return run


def _ours_of_eight(connected: list[Receiver]) -> Run:
    signal = Signal(Eight)
    for receiver in connected:
        signal.connect(receiver)

    async def run(times: int, kept: object = connected) -> None:
        for _ in range(times):
            await signal.send(sender=Shop, a=1, b=2, c=3, d="d", e="e", f=1.5, g=True, h=8)

    return run


async def variants(rounds: int) -> dict[str, float]:
    """Return the time of each way to send to ten receivers, against a plain send to ten."""
    connected = receivers(10)
    plain = ours(connected)
    made = {
        "send_robust": _sending(Signal(Two), connected, robust=True),
        "bound methods": _sending(Signal(Two), _methods(10)),
        "payload as a whole": _sending(Signal(Two), _whole(10)),
        "names instead of a model": _sending(Signal(["a", "b"]), connected),
        "on call loops that are not written out": _sending(Signal(), connected),
        "held strongly": _sending(Signal(Two), connected, weak=False),
    }
    took = await by_turns({"send": plain, **made}, rounds)
    return {name: ratio(took, name, "send") for name in made}


async def together(rounds: int) -> float:
    """Return time / floor of a concurrent send to ten receivers that never wait."""
    connected = receivers(10)
    concurrent = _sending(Signal(Two, concurrent=True), connected)
    took = await by_turns({"floor": floor(connected), "together": concurrent}, rounds)
    return ratio(took, "together", "floor")


async def nobody(rounds: int) -> float:
    """Return the time of a send that nobody receives, against bare validation."""
    took = await by_turns({"validation": validation([]), "ours": ours([])}, rounds)
    return ratio(took, "ours", "validation")


def _sending(
    signal: Signal[Any, ...], connected: list[Any], *, robust: bool = False, weak: bool = True
) -> Run:
    for receiver in connected:
        signal.connect(receiver, weak=weak)
    send: Callable[..., Any] = signal.send_robust if robust else signal.send

    async def run(times: int, kept: object = connected) -> None:
        for _ in range(times):
            await send(sender=Shop, a=1, b=2)

    return run


def _methods(count: int) -> list[Receiver]:
    class Owner:
        async def receive(self, sender: object, a: int, b: int, **_: object) -> None:
            return None

    return [Owner().receive for _ in range(count)]


def _whole(count: int) -> list[Receiver]:
    def make() -> Receiver:
        async def receiver(sender: object, payload: Two) -> None:
            return None

        return receiver

    return [make() for _ in range(count)]
