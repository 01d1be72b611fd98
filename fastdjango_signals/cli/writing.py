"""How the commands write what they have found: lines for people, JSON for programs."""

from __future__ import annotations

import json

import typer

from fastdjango_signals.catalogue import FieldEntry, ReceiverEntry
from fastdjango_signals.places import from_here
from fastdjango_signals.wording import printable


def write_json(found: object) -> None:
    """Write this as one JSON document."""
    typer.echo(json.dumps(found, indent=2))


def write_line(text: str, *, bold: bool = False) -> None:
    """Write a line that no terminal breaks, so that it can be searched and copied."""
    typer.secho(printable(text), bold=bold or None)


def place_text(location: str | None) -> str:
    """Return `file:line` from the current folder, where the file lies below it."""
    return "(no Python code)" if location is None else from_here(location)


def field_text(field: FieldEntry) -> str:
    """Return a field as in a signature, where `= ...` stands for any default."""
    return f"{field.name}: {field.type}{'' if field.required else ' = ...'}"


def receiver_text(receiver: ReceiverEntry) -> str:
    """Return the name and the place of a receiver."""
    return f"{receiver.name}  {place_text(receiver.location)}"


def options_text(receiver: ReceiverEntry) -> str:
    """Return what was asked for a receiver, as people say it."""
    sender = "any sender" if receiver.sender is None else receiver.sender
    return ", ".join(
        filter(
            None,
            [
                f"from {sender}" + (" and its subclasses" if receiver.subclasses else ""),
                "weak" if receiver.weak else "strong",
                f"priority {receiver.priority}" if receiver.priority else "",
                "after the commit" if receiver.on_commit else "",
                "takes the payload" if receiver.takes_payload else "",
                f"dispatch_uid of type {receiver.dispatch_uid}" if receiver.dispatch_uid else "",
            ],
        )
    )
