"""What a test has captured: sends, and assertions that tell what was sent instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, overload

from pydantic import BaseModel
from typing_extensions import TypeVar

from fastdjango_signals.exceptions import UnknownOptionError
from fastdjango_signals.places import name_of
from fastdjango_signals.signals import Signal
from fastdjango_signals.wording import near

M = TypeVar("M", bound=BaseModel, default=Any)

_ANY: Any = object()
_LISTED = 20  # sends in a message
_SHOWN = 200  # characters of a value


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
        fields = _fields(dict(self.payload)) or "no fields"
        return f"{self.signal.name} from {_shown(self.sender)}: {fields}"


class Sends(Sequence[Captured[M]]):
    """Captured sends in the order of sending, and what can be asserted of them.

    The assertions take a sender, and some of the fields or all; each is compared with `==`. Here,
    other than in the errors of this package, values are shown: they are those of the test.
    """

    def __init__(self, signals: Iterable[Signal[Any, ...]], sends: list[Captured[M]]) -> None:
        self._signals = tuple(dict.fromkeys(signals))
        self._sends = sends

    @overload
    def __getitem__(self, index: int) -> Captured[M]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Captured[M]]: ...
    def __getitem__(self, index: int | slice) -> Captured[M] | list[Captured[M]]:
        return self._sends[index]

    def __len__(self) -> int:
        return len(self._sends)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._names()}: {self._sends!r}>"

    @property
    def payloads(self) -> list[M]:
        """The payloads, in the order of sending."""
        return [sent.payload for sent in self._sends]

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
        raise AssertionError(self._message(expected, "was not sent"))

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
        raise AssertionError(self._message(expected, count))

    def assert_not_sent(self, /, sender: object = _ANY, **fields: object) -> None:
        """Do nothing, if nothing that fits was sent.

        Raises:
            AssertionError: Something was.
            UnknownOptionError: The signal has no such field.
        """
        __tracebackhide__ = True
        expected = self._expected(sender, fields)
        if self._fitting(expected):
            raise AssertionError(self._message(expected, "was sent"))

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
        return [sent for sent in self._sends if not _differences(sent, expected)]

    def _names(self) -> str:
        return " or ".join(signal.name for signal in self._signals)

    def _message(self, expected: Mapping[str, object], happened: str) -> str:
        wanted = f" with {_fields(expected)}" if expected else ""
        title = f"{self._names()} {happened}{wanted}."
        if not self._sends:
            return f"{title} Nothing was sent."
        lines = [f"{title} What was sent:"]
        for number, sent in enumerate(self._sends[:_LISTED], start=1):
            lines.append(f"  {number}. {sent!r}")
            lines += [f"       {difference}" for difference in _differences(sent, expected)]
        if len(self._sends) > _LISTED:
            lines.append(f"  ... and {len(self._sends) - _LISTED} more")
        return "\n".join(lines)


def _differences(sent: Captured[Any], expected: Mapping[str, object]) -> list[str]:
    actual: dict[str, object] = {"sender": sent.sender, **dict(sent.payload)}
    return [
        f"{name} is {_shown(actual[name])}, not {_shown(value)}"
        if name in actual
        else f"there is no {name}"
        for name, value in expected.items()
        if name not in actual or not _same(value, actual[name])
    ]


def _same(expected: object, actual: object) -> bool:
    # In this order, so that what stands for many values, as `unittest.mock.ANY` does, is asked.
    return expected is actual or bool(expected == actual)


def _fields(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={_shown(value)}" for name, value in values.items())


def _shown(value: object) -> str:
    if isinstance(value, type):
        return name_of(value)
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - the failed assertion matters, not the value
        return name_of(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
