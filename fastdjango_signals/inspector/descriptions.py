"""What there is to tell of the signals themselves."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from fastdjango_signals.catalogue import catalogue, entry_of, json_schema
from fastdjango_signals.exceptions import SignalDefinitionError
from fastdjango_signals.graphs import as_svg, graph_of
from fastdjango_signals.inspector.texts import place_text
from fastdjango_signals.signals import Signal, all_signals


def describe_signals() -> list[dict[str, Any]]:
    """Return each signal with what it carries and who listens, as JSON has it."""
    return [_signal(each) for each in all_signals()]


def describe_process(*, show_values: bool, keep: int) -> dict[str, Any]:
    """Return which process this is, and what its inspector shows."""
    return {"process": os.getpid(), "show_values": show_values, "keep": keep}


def draw_signals(chosen: frozenset[str]) -> str:
    """Return the graph of all signals, or of those of these names, as a picture."""
    found = [each for each in all_signals() if not chosen or each.name in chosen]
    return "\n".join(as_svg(graph_of(catalogue(found))))


def _signal(signal: Signal[Any, ...]) -> dict[str, Any]:
    entry = entry_of(signal)
    described: dict[str, Any] = asdict(entry)
    described |= {"is_builtin": entry.is_builtin, "schema": None, "schema_problem": None}
    for receiver in described["receivers"]:
        receiver["location"] = place_text(receiver["location"])
    try:
        described["schema"] = json_schema(signal)
    except SignalDefinitionError as error:
        described["schema_problem"] = str(error)
    return described
