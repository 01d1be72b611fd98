"""Connect, disconnect, drop, send and scopes in any order, against a plain model of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from fastdjango_signals import Payload, Signal


class Ping(Payload):
    x: int = 0


class Base: ...


class Child(Base): ...


SENDERS = st.sampled_from(["none", "base", "child", "object", "shop", "number"])


class Owner:
    """Owns a bound method, and can be collected."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def method(self, sender: object, **kwargs: Any) -> str:
        return self.name


@dataclass(eq=False)
class Expected:
    """One connection, as the model sees it."""

    receiver: str
    identity: str
    sender: str
    priority: int
    subclasses: bool
    strong: bool
    order: int
    blocks: int | None = None  # None: connected for good


@dataclass
class Block:
    """A `connected_to` that was entered."""

    receiver: str
    scope: Any
    connection: Expected


@dataclass
class Model:
    """All that a signal should know, in the plainest form."""

    alive: dict[str, Any] = field(default_factory=dict)
    connections: list[Expected] = field(default_factory=list)
    muted: int = 0

    def find(self, identity: str, sender: str) -> Expected | None:
        for each in self.connections:
            if (each.identity, each.sender) == (identity, sender):
                return each
        return None

    def reached_from(self, sender: str) -> list[str]:
        if self.muted:
            return []
        reached = [
            each
            for each in self.connections
            if each.sender in ("none", sender)
            or (each.subclasses and (each.sender, sender) == ("base", "child"))
        ]
        return [each.receiver for each in sorted(reached, key=lambda e: (-e.priority, e.order))]


class Signals(RuleBasedStateMachine):
    receivers = Bundle("receivers")
    blocks = Bundle("blocks")
    mutes = Bundle("mutes")

    def __init__(self) -> None:
        super().__init__()
        self.signal = Signal(Ping)
        self.model = Model()
        self.objects: dict[str, Any] = {
            "none": None,
            "base": Base,
            "child": Child,
            "object": Base(),
            "shop": "shop",
            "number": 10**20,
        }
        self.entered: dict[int, Block] = {}  # the bundle has their numbers, and keeps no object
        self.count = 0

    def number(self) -> int:
        self.count += 1
        return self.count

    @rule(target=receivers, method=st.booleans())
    def make_receiver(self, *, method: bool) -> str:
        name = f"receiver {self.number()}"
        if method:
            self.model.alive[name] = Owner(name)
            return name

        async def function(sender: object, **kwargs: Any) -> str:
            return name

        self.model.alive[name] = function
        return name

    def callable(self, name: str) -> Any:
        found = self.model.alive[name]
        return found.method if isinstance(found, Owner) else found

    @rule(
        name=receivers,
        sender=SENDERS,
        priority=st.integers(-1, 1),
        subclasses=st.booleans(),
        weak=st.booleans(),
        uid=st.sampled_from([None, None, "uid"]),
    )
    def connect(
        self,
        name: str,
        sender: str,
        priority: int,
        uid: str | None,
        *,
        subclasses: bool,
        weak: bool,
    ) -> None:
        if name not in self.model.alive:
            return
        subclasses = subclasses and sender in ("base", "child")
        self.signal.connect(
            self.callable(name),
            sender=self.objects[sender],
            priority=priority,
            subclasses=subclasses,
            weak=weak,
            dispatch_uid=uid,
        )
        present = self.model.find(uid or name, sender)
        if present:
            present.blocks = None
            return
        self.model.connections.append(
            Expected(name, uid or name, sender, priority, subclasses, not weak, self.number())
        )

    @rule(name=receivers, sender=SENDERS, uid=st.sampled_from([None, None, "uid"]))
    def disconnect(self, name: str, sender: str, uid: str | None) -> None:
        if name not in self.model.alive:
            return
        present = self.model.find(uid or name, sender)
        if present:
            self.model.connections.remove(present)

        done = self.signal.disconnect(
            self.callable(name), sender=self.objects[sender], dispatch_uid=uid
        )

        assert done == (present is not None)

    @rule(name=receivers)
    def drop_receiver(self, name: str) -> None:
        """Give it up, unless a strong connection or a block keeps it alive."""
        held = any(each.strong for each in self.model.connections if each.receiver == name)
        if held or any(block.receiver == name for block in self.entered.values()):
            return
        self.model.connections = [e for e in self.model.connections if e.receiver != name]
        self.model.alive.pop(name, None)

    @rule()
    def drop_sender(self) -> None:
        """The object that sends dies, and another takes its place."""
        self.objects["object"] = Base()
        self.model.connections = [e for e in self.model.connections if e.sender != "object"]

    @rule(target=blocks, name=receivers, sender=SENDERS.filter(lambda name: name != "object"))
    def enter_block(self, name: str, sender: str) -> int:
        number = self.number()
        if name not in self.model.alive:
            return number
        scope = self.signal.connected_to(self.callable(name), sender=self.objects[sender])
        scope.__enter__()
        present = self.model.find(name, sender)
        if present is None:
            present = Expected(name, name, sender, 0, False, False, number, blocks=0)
            self.model.connections.append(present)
        if present.blocks is not None:
            present.blocks += 1
        self.entered[number] = Block(name, scope, present)
        return number

    @rule(number=consumes(blocks))
    def leave_block(self, number: int) -> None:
        block = self.entered.pop(number, None)
        if block is None:
            return
        block.scope.__exit__(None, None, None)
        if block.connection.blocks is not None:
            block.connection.blocks -= 1
            if block.connection.blocks == 0 and block.connection in self.model.connections:
                self.model.connections.remove(block.connection)

    @rule(target=mutes)
    def mute(self) -> Any:
        self.model.muted += 1
        block = self.signal.muted()
        block.__enter__()
        return block

    @rule(block=consumes(mutes))
    def unmute(self, block: Any) -> None:
        self.model.muted -= 1
        block.__exit__(None, None, None)

    @rule(sender=SENDERS)
    def send(self, sender: str) -> None:
        assert self.sent(sender) == self.model.reached_from(sender)

    def sent(self, sender: str) -> list[str]:
        try:
            self.signal.send(self.objects[sender]).send(None)
        except StopIteration as stopped:
            return [response for _, response in stopped.value]
        raise AssertionError("nothing here suspends")

    @invariant()
    def listeners_are_those_of_the_model(self) -> None:
        for name, sender in self.objects.items():
            reached = self.model.reached_from(name)
            assert self.signal.has_listeners(sender=sender) == bool(reached)

    @invariant()
    def the_listing_is_that_of_the_model(self) -> None:
        expected = sorted(self.model.connections, key=lambda e: (-e.priority, e.order))
        listed = [(each.sender, each.priority) for each in self.signal.receivers]
        assert listed == [(self.objects[e.sender], e.priority) for e in expected]


TestSignals = Signals.TestCase
TestSignals.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
