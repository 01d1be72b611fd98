"""A crowd of receivers and senders that comes and goes, and what must be connected meanwhile."""

from __future__ import annotations

from fastdjango_signals import Payload, Signal

SAMPLE = 1_000  # senders that send


class CountError(Exception):
    """Something was called, or is connected, more or less often than it must be."""


class OrderPlaced(Payload):
    """What every send carries."""

    order_id: int
    email: str


class Shop:
    """A sender; it can be held weakly, and has nothing else."""

    __slots__ = ("__weakref__",)


class Listener:
    """Two receivers: the object itself, and its method."""

    __slots__ = ("__weakref__", "heard")

    def __init__(self) -> None:
        self.heard = 0

    async def __call__(self, sender: object, order_id: int, email: str) -> None:
        """Count one send."""
        self.heard += 1

    async def hear(self, sender: object, order_id: int, email: str) -> None:
        """Count one send."""
        self.heard += 1


def expect(what: str, found: int, expected: int) -> None:
    """Raise CountError unless both numbers are the same."""
    if found != expected:
        raise CountError(f"{what}: expected {expected:,}, found {found:,}")


def expect_connected(signal: Signal[OrderPlaced, ...], receivers: int, senders: int) -> None:
    """Check how many receivers a signal holds, for how many senders that it knows."""
    registry = signal._registry
    expect("connected receivers", len(registry.connections()), receivers)
    expect("senders with receivers", len(registry._entries), senders)
    if not receivers:
        expect("listed receivers", len(signal.receivers), 0)
        expect("plans of senders", len(registry._planned - {registry._any}), 0)
    expect("has_listeners()", signal.has_listeners(), receivers > 0)


class Crowd:
    """Receivers by turns of so many senders: one row of receivers after another.

    Of the first two rows the objects themselves are connected, of the next two their methods.
    """

    def __init__(self, receivers: int, senders: int) -> None:
        self.signal = Signal(OrderPlaced, name="crowd")
        self._listeners: list[Listener | None] = [Listener() for _ in range(receivers)]
        self._shops: list[Shop | None] = [Shop() for _ in range(senders)]

    def __str__(self) -> str:
        return f"{len(self._listeners):,} receivers to {len(self._shops):,} senders"

    def connect(self) -> None:
        """Connect them all.

        There is no progress bar: the few objects that it makes meanwhile would lie among those of
        the crowd, and keep the memory around them from being given back.
        """
        count = len(self._shops)
        for number, listener in enumerate(self._listeners):
            shop = self._shops[number % count]
            if listener and number // count // 2 % 2:
                self.signal.connect(listener.hear, sender=shop)
            elif listener:
                self.signal.connect(listener, sender=shop)

    def halve(self) -> None:
        """Let every second row of receivers be collected, and every second sender."""
        count = len(self._shops)
        for number in range(len(self._listeners)):
            if number // count % 2:
                self._listeners[number] = None
        self._shops[1::2] = [None] * (count // 2)

    def clear(self) -> None:
        """Let all be collected."""
        self._listeners.clear()
        self._shops.clear()

    def check_connected(self) -> None:
        """Check that the living are connected, and no others."""
        living = [number for number, shop in enumerate(self._shops) if shop]
        expect_connected(self.signal, sum(map(self._expected, living)), len(living))

    async def check_sends(self) -> str:
        """Send from some of the senders; check who is reached, and say how many were."""
        total = senders = 0
        for number in range(0, len(self._shops), max(1, len(self._shops) // SAMPLE)):
            shop = self._shops[number]
            if shop:
                responses = await self.signal.send(sender=shop, order_id=number, email="")
                expect(f"responses of sender {number}", len(responses), self._expected(number))
                total, senders = total + len(responses), senders + 1
        return f"{total:,} responses to {senders:,} senders"

    async def check_strangers(self) -> str:
        """Check that new senders, some of them where others were before, reach nobody."""
        strangers = [Shop() for shop in self._shops if shop is None]
        for stranger in strangers:
            responses = await self.signal.send(sender=stranger, order_id=1, email="")
            expect("responses of a new sender", len(responses), 0)
        return f"0 responses to {len(strangers):,} new senders"

    def _expected(self, number: int) -> int:
        return sum(each is not None for each in self._listeners[number :: len(self._shops)])
