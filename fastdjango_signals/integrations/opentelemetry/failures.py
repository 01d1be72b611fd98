"""What is told of an exception: nothing that may be a value, unless that is wanted.

Its message may quote values, and so may its notes. Its type, and the lines by which it came, are
those of the program.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from traceback import format_tb
from typing import cast

from opentelemetry.trace import Span
from pydantic import ValidationError

from fastdjango_signals.cancellation import cancellations, current_task
from fastdjango_signals.places import name_of

_MOST_FIELDS = 10  # of a payload
_MOST_CAUSES = 20  # of an exception


def type_of(error: BaseException) -> str:
    """Return the full name of an exception's class, as `error.type` has it."""
    return name_of(type(error)).removeprefix("builtins.")


def is_failure(error: BaseException, before: int) -> bool:
    """Return whether code has failed, and was not ended from outside.

    `CancelledError` is a failure where nobody has cancelled the task, as it is to a robust send.

    Args:
        error: What came out of it.
        before: How often its task had been cancelled when it began.
    """
    if isinstance(error, asyncio.CancelledError):
        return cancellations(current_task()) <= before
    return isinstance(error, Exception)


def can_be_written(error: BaseException) -> bool:
    """Return whether an exception has a message: its `__str__` may raise one of its own."""
    try:
        str(error)
    except Exception:  # noqa: BLE001 - the failure matters, not its message
        return False
    return True


def record(span: Span, error: BaseException, *, with_message: bool) -> None:
    """Add the event of an exception to a span."""
    if with_message:
        span.record_exception(error)
    elif span.is_recording():
        stack = "\n".join(_stack(error, set()))
        span.add_event(
            "exception", {"exception.type": type_of(error), "exception.stacktrace": stack}
        )


def refused_fields(error: Exception) -> list[str]:
    """Return the fields that were refused, each with the name of the rule that it breaks.

    Only the names of fields: further inside, the place of an error may be a key of a dictionary,
    which is a value too. And a keyword that is no name was not written down by a programmer.
    """
    if not isinstance(error, ValidationError):
        return []
    found = error.errors(include_url=False, include_context=False, include_input=False)
    fields = [(str(next(iter(each["loc"]), "")), each["type"]) for each in found[:_MOST_FIELDS]]
    return [f"{name if name.isidentifier() else '(payload)'}: {rule}" for name, rule in fields]


def _stack(error: BaseException, seen: set[int]) -> Generator[str, None, None]:
    """Give the traceback of an exception, after those of its causes, without their messages."""
    if id(error) in seen or len(seen) >= _MOST_CAUSES:
        return
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _stack(cause, seen)
    yield "".join(format_tb(error.__traceback__)) + type_of(error)
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        for each in group.exceptions:
            yield from _stack(each, seen)
