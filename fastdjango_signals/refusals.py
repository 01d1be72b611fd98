"""What is said of a send whose keywords are no payload."""

from __future__ import annotations

from collections.abc import Mapping

from fastdjango_signals import observations
from fastdjango_signals.exceptions import SendError, annotate
from fastdjango_signals.payloads import Schema
from fastdjango_signals.places import name_of


def not_by_keyword(signal: str, schema: Schema) -> SendError:
    """Return the error of a send that gives a payload by position, or whole."""
    fields = ", ".join(["sender", *(f"{name}=..." for name in schema.fields)])
    return SendError(
        f"Signal {signal} takes its payload by keyword; write send({fields}), or "
        "send(sender, **dict(payload)) for a payload that exists already",
        signal=signal,
    )


def explain(
    error: Exception, signal: str, schema: Schema, sender: object, fields: Mapping[str, object]
) -> None:
    """Note on the error of a validation which send it was, and show it to the observers.

    Raises:
        SendError: The sender, or a keyword, is the payload itself.
    """
    # Before pydantic 2.12, isinstance asks the object itself, which may raise anything.
    if any(issubclass(type(each), schema.model) for each in (sender, fields.get("payload"))):
        raise not_by_keyword(signal, schema) from error
    annotate(error, f"in a send of signal {signal} by sender {name_of(sender)}")
    observations.refused(signal, sender, error)
