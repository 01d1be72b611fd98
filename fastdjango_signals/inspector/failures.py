"""What is told of an exception: its type and its frames, never a local variable."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import cast

from fastdjango_signals.inspector.texts import VALUE, cut, place_text
from fastdjango_signals.places import name_of

FRAMES = 20
"""Most frames of an exception: the last ones."""
_LINKS = 5  # exceptions that are shown of one chain or group
_OURS = str(Path(__file__).parent.parent)


@dataclass(frozen=True, slots=True)
class Frame:
    """One step on the way to an exception.

    Attributes:
        file: The file, from the current folder where it lies below that.
        line: The line.
        function: The function.
        source: What is written there; empty where the file cannot be read.
    """

    file: str
    line: int
    function: str
    source: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One exception.

    Attributes:
        type: The full name of its class.
        message: Its message and its notes; None where values are hidden.
        frames: The way to it, the innermost frame last.
        frames_left_out: How many frames before them are not shown.
        link: How it belongs to the one before it: "cause", "context" or "member"; empty for none.
    """

    type: str
    message: str | None
    frames: tuple[Frame, ...]
    frames_left_out: int
    link: str


def failures_of(error: BaseException, *, show_values: bool) -> tuple[Failure, ...]:
    """Return what is told of an exception, and then of those that belong to it."""
    return tuple(_failure(each, link, show_values=show_values) for each, link in _chain(error))


def _chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    waiting, seen = [(error, "")], set[int]()
    while waiting and len(seen) < _LINKS:
        found, link = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found, link
        if isinstance(found, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", found)
            waiting += [(each, "member") for each in group.exceptions[:_LINKS]]
        if found.__cause__ is not None:
            waiting.append((found.__cause__, "cause"))
        elif found.__context__ is not None and not found.__suppress_context__:
            waiting.append((found.__context__, "context"))


def _failure(error: BaseException, link: str, *, show_values: bool) -> Failure:
    frames, left_out = _frames(error.__traceback__)
    return Failure(
        type=cut(name_of(type(error)).removeprefix("builtins.")),
        message=cut(_message(error), VALUE) if show_values else None,
        frames=frames,
        frames_left_out=left_out,
        link=link,
    )


def _message(error: BaseException) -> str:
    try:
        notes = getattr(error, "__notes__", ())
        return "\n".join([str(error), *map(str, notes)])
    except Exception as broken:  # noqa: BLE001 - anything may be raised, and it is shown
        return f"<its str() raises {name_of(type(broken))}>"


def _frames(steps: TracebackType | None) -> tuple[tuple[Frame, ...], int]:
    """Return the frames, without those of this library that come first."""
    count = sum(1 for _ in traceback.walk_tb(steps))
    found = traceback.extract_tb(steps, limit=-FRAMES)
    while len(found) > 1 and found[0].filename.startswith(_OURS):
        del found[0]
        count -= 1
    shown = tuple(
        Frame(
            file=place_text(each.filename) or "",
            line=each.lineno or 0,
            function=cut(each.name),
            source=cut(each.line or ""),
        )
        for each in found
    )
    return shown, count - len(shown)
