"""See who receives what: every connected receiver is replaced by one that calls it and notes it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastdjango_signals import ConnectedReceiver, Signal, all_signals

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One receiver that was called.

    Attributes:
        signal: Name of the signal.
        sender: Name of the sender.
        receiver: Name of the receiver.
        place: `file:line` of the receiver.
        on_commit: Whether it waited for a commit.
        outcome: The class of its response, or what it raised.
    """

    signal: str
    sender: str
    receiver: str
    place: str
    on_commit: bool
    outcome: str


class Recorder:
    """Notes the deliveries of all signals, from `attach` on.

    Attributes:
        deliveries: How often each kind of delivery took place, in order of the first.
    """

    def __init__(self) -> None:
        self.deliveries: Counter[Delivery] = Counter()

    def attach(self) -> None:
        """Put a recording receiver in the place of each that is connected now."""
        for signal in all_signals():
            for connected in signal.receivers:
                self._replace(signal, connected)

    def calls(self, receiver: str) -> int:
        """Return how often a receiver was called."""
        return sum(n for each, n in self.deliveries.items() if each.receiver == receiver)

    def _replace(self, signal: Signal[Any, ...], connected: ConnectedReceiver) -> None:
        signal.disconnect(
            connected.receiver, sender=connected.sender, dispatch_uid=connected.dispatch_uid
        )
        signal.connect(
            self._recording(signal, connected),
            weak=False,  # nothing else holds it
            sender=connected.sender,
            dispatch_uid=connected.dispatch_uid,
            priority=connected.priority,
            subclasses=connected.subclasses,
            on_commit=connected.on_commit,
        )

    def _recording(self, signal: Signal[Any, ...], connected: ConnectedReceiver) -> Any:
        async def record(sender: object, **fields: Any) -> Any:
            outcome = "cancelled"
            try:
                response = await connected.receiver(sender=sender, **fields)
                outcome = kind_of(response)
                return response
            except Exception as error:
                outcome = f"raised {type(error).__name__}"
                raise
            finally:
                self._note(signal, connected, sender, outcome)

        async def record_whole(sender: object, payload: object) -> Any:
            return await record(sender, payload=payload)

        # It takes the payload as the receiver does: whole, or by its fields.
        return record_whole if connected.takes_payload else record

    def _note(
        self, signal: Signal[Any, ...], connected: ConnectedReceiver, sender: object, outcome: str
    ) -> None:
        delivery = Delivery(
            signal=signal.name.rpartition(".")[2],
            sender=short_name(sender),
            receiver=short_name(connected.receiver),
            place=(connected.location or "").removeprefix(f"{ROOT}/"),
            on_commit=connected.on_commit,
            outcome=outcome,
        )
        self.deliveries[delivery] += 1


def kind_of(response: object) -> str:
    """Return the class of a response; None stands for itself."""
    return "None" if response is None else type(response).__name__


def short_name(subject: object) -> str:
    """Return the bare name of a class or function; of other objects their text, or their class."""
    name = getattr(subject, "__name__", None)
    if isinstance(name, str):
        return name
    has_text = type(subject).__str__ is not object.__str__
    return str(subject) if has_text else f"{type(subject).__name__} object"
