"""What a test has captured: sends, and assertions that tell what was sent instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, overload

from pydantic import BaseModel
from typing_extensions import TypeVar

from fastdjango_signals.exceptions import UnknownOptionError
from fastdjango_signals.scopes import Watcher
from fastdjango_signals.signals import Signal
from fastdjango_signals.values import contrasted, hidden_in, listed_values, same, shown, values_of
from fastdjango_signals.wording import near

M = TypeVar("M", bound=BaseModel, default=Any)

_ANY: Any = object()
_LISTED = 20  # sends in a message


@dataclass(frozen=True, slots=True, eq=False)
class Captured(Generic[M]):
    """One send that was captured.

    Attributes:
        signal: The signal.
        sender: The sender, as it was given.
        payload: The payload, validated: the very object that receivers are given.
    """

    signal: Signal[M, ...]
    sender: object
    payload: M

    def __repr__(self) -> str:
        hidden = hidden_in([type(self.payload)])
        fields = listed_values(values_of(self.payload), hidden) or "no fields"
        return f"{self.signal.name} from {shown(self.sender)}: {fields}"


class Sends(Sequence[Captured[M]]):
    """Captured sends in the order of sending, and what can be asserted of them.

    The assertions take a sender, and some of the fields or all; each is compared with `==`. Here,
    other than in the errors of this package, values are shown: they are those of the test. Those of
    a field with `repr=False` are not.
    """

    def __init__(self, signals: Iterable[Signal[Any, ...]], sends: list[Captured[M]]) -> None:
        self._signals = tuple(dict.fromkeys(signals))
        self._sends = sends

    @overload
    def __getitem__(self, index: int) -> Captured[M]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Captured[M]]: ...
    def __getitem__(self, index: int | slice) -> Captured[M] | list[Captured[M]]:
        return self._so_far()[index]

    def __len__(self) -> int:
        return len(self._so_far())

    def __eq__(self, other: object) -> bool:
        return self._so_far() == other if isinstance(other, list) else self is other

    __hash__ = object.__hash__  # as no list has a hash, what is equal has the same

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._names()}: {self._sends!r}>"

    @property
    def payloads(self) -> list[M]:
        """The payloads, in the order of sending."""
        return [sent.payload for sent in self._so_far()]

    def assert_sent(self, /, sender: object = _ANY, **fields: object) -> list[Captured[M]]:
        """Return the sends that fit, of which there must be one at least.

        Raises:
            AssertionError: Nothing fits. It lists what was sent instead, and where that differs.
            UnknownOptionError: The signal has no such field.
        """
        __tracebackhide__ = True
        expected = self._expected(sender, fields)
        if found := self._fitting(expected):
            return found
        raise AssertionError(self._message(expected, "was not sent", self._so_far()))

    def assert_sent_once(self, /, sender: object = _ANY, **fields: object) -> Captured[M]:
        """Return the only send that fits; others, that do not fit, may have been made too.

        Raises:
            AssertionError: Nothing fits, or more than one send.
            UnknownOptionError: The signal has no such field.
        """
        __tracebackhide__ = True
        expected = self._expected(sender, fields)
        found = self._fitting(expected)
        if len(found) == 1:
            return found[0]
        count = f"was sent {len(found)} times, and not once," if found else "was not sent"
        raise AssertionError(self._message(expected, count, found or self._so_far()))

    def assert_not_sent(self, /, sender: object = _ANY, **fields: object) -> None:
        """Do nothing, if nothing that fits was sent.

        Raises:
            AssertionError: Something was.
            UnknownOptionError: The signal has no such field.
        """
        __tracebackhide__ = True
        expected = self._expected(sender, fields)
        if found := self._fitting(expected):
            raise AssertionError(self._message(expected, "was sent", found))

    def _so_far(self) -> list[Captured[M]]:
        """Return the sends."""
        return self._sends

    def _expected(self, sender: object, fields: Mapping[str, object]) -> dict[str, object]:
        """Return what is expected by name; a field that is misspelt would never, or always, fit."""
        models = [signal.providing_args for signal in self._signals]
        known = [name for model in models for name in model.model_fields]
        if all(model.model_config.get("extra") != "allow" for model in models):
            for name in fields:
                if name not in known:
                    hint = near(name, known) or f"there are {', '.join(known) or 'none'}"
                    raise UnknownOptionError(f'{self._names()} has no field "{name}"; {hint}')
        return {**fields} if sender is _ANY else {"sender": sender, **fields}

    def _fitting(self, expected: Mapping[str, object]) -> list[Captured[M]]:
        return [sent for sent in self._so_far() if not _differing(sent, expected)]

    def _names(self) -> str:
        return " or ".join(signal.name for signal in self._signals)

    def _message(
        self, expected: Mapping[str, object], happened: str, sends: list[Captured[M]]
    ) -> str:
        hidden = hidden_in(signal.providing_args for signal in self._signals)
        wanted = f" with {listed_values(expected, hidden)}" if expected else ""
        title = f"{self._names()} {happened}{wanted}."
        if not self._sends:
            return f"{title} Nothing was sent."
        lines = [f"{title} What was sent:"]
        numbers = {sent: number for number, sent in enumerate(self._sends, start=1)}
        for sent in sends[:_LISTED]:
            lines.append(f"  {numbers[sent]}. {sent!r}")
            lines += [f"       {line}" for line in _differences(sent, expected)]
        if len(sends) > _LISTED:
            lines.append(f"  ... and {len(sends) - _LISTED} more")
        if len(sends) < len(numbers):
            lines.append(f"  ... and {len(numbers) - len(sends)} that do not fit")
        return "\n".join(lines)


class Recorder(Watcher):
    """Context manager that records the sends of one signal."""

    __slots__ = ("_record", "_signal")

    # Integrations send nothing where nobody listens.
    listens = True

    def __init__(
        self, signal: Signal[Any, ...], record: Callable[[Captured[Any]], None], *, everywhere: bool
    ) -> None:
        super().__init__(signal.watch, everywhere=everywhere)
        self._signal = signal
        self._record = record

    def see(self, sender: object, payload: BaseModel) -> None:
        """Record a send, before any receiver is called."""
        self._record(Captured(self._signal, sender, payload))


def _differing(sent: Captured[Any], expected: Mapping[str, object]) -> list[str]:
    actual = _actual(sent)
    return [
        name
        for name, value in expected.items()
        if name not in actual or not same(value, actual[name], name, sent.signal.name)
    ]


def _differences(sent: Captured[Any], expected: Mapping[str, object]) -> Iterable[str]:
    payload: BaseModel = sent.payload
    actual, hidden = _actual(sent), hidden_in([type(payload)])
    for name in _differing(sent, expected):
        if name not in actual:
            yield f"there is no {name}"
        elif name in hidden:
            yield f"{name} differs; its field has repr=False, so it is not shown"
        else:
            yield f"{name} is {', not '.join(contrasted(actual[name], expected[name]))}"


def _actual(sent: Captured[Any]) -> dict[str, object]:
    return {"sender": sent.sender, **values_of(sent.payload)}
