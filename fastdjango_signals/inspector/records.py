"""What is kept of one send: texts and numbers, nothing that was sent."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from fastdjango_signals.inspector.failures import Failure
from fastdjango_signals.inspector.values import Field, Problem

CALLS = 100
"""Most receivers that are kept of one send, in the order in which they were called."""
FAILED_CALLS = 20
"""Most receivers with a traceback; beyond CALLS, failures are still kept up to this."""

State: TypeAlias = Literal["running", "done", "failed", "cancelled", "refused"]


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One receiver that was called.

    Attributes:
        name: Its full name.
        location: `file:line` of its definition.
        start: Milliseconds from the beginning of the send.
        duration: Milliseconds that it took; None while it runs.
        after_send: Whether it came when the send was over, as after a commit.
        state: What became of it.
        failures: What it raised, and what that came from.
    """

    name: str
    location: str | None
    start: float
    duration: float | None = None
    after_send: bool = False
    state: State = "running"
    failures: tuple[Failure, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class Record:
    """One send.

    Attributes:
        id: Its number, from 1.
        signal: The name of the signal.
        sender: What the sender is called.
        time: When it began, in seconds since 1970.
        receivers: How many receivers it reached.
        robust: Whether it called all of them, whatever they raised.
        concurrent: Whether it called them together.
        from_broker: Whether it was an event from another process.
        fields: What it carried.
        fields_left_out: How many fields are not among them.
        state: What became of it.
        duration: Milliseconds that it took; None while it runs.
        calls: The receivers that were called.
        called: How many receivers were called, those that are not among `calls` too.
        failed: How many of them failed.
        failures: What the send raised, where no receiver did.
        problems: Why it was refused.
    """

    id: int
    signal: str
    sender: str
    time: float
    receivers: int = 0
    robust: bool = False
    concurrent: bool = False
    from_broker: bool = False
    fields: tuple[Field, ...] = ()
    fields_left_out: int = 0
    state: State = "running"
    duration: float | None = None
    calls: list[Call] = field(default_factory=list[Call])
    called: int = 0
    failed: int = 0
    failures: tuple[Failure, ...] = ()
    problems: tuple[Problem, ...] = ()

    def begin(self, call: Call) -> None:
        """Note that a receiver is called."""
        self.called += 1
        if len(self.calls) < CALLS:
            self.calls.append(call)

    def fail(self, call: Call, failures: tuple[Failure, ...]) -> None:
        """Note that a receiver has failed."""
        self.failed += 1
        if self.failed <= FAILED_CALLS:
            call.failures = failures
            if call not in self.calls:
                self.calls.append(call)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    def text(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(self.as_json(), separators=(",", ":"))
