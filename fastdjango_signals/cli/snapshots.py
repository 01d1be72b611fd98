"""The schemas of payloads in a file, and what breaks since then."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from fastdjango_signals.catalogue import json_schema
from fastdjango_signals.cli.apps import AnySignal
from fastdjango_signals.cli.comparisons import Schema, changes
from fastdjango_signals.cli.findings import Finding
from fastdjango_signals.cli.variables import Variables
from fastdjango_signals.exceptions import SignalDefinitionError


def snapshot(signals: Iterable[AnySignal]) -> dict[str, dict[str, Schema]]:
    """Return the JSON Schemas of these signals, by name.

    Raises:
        SignalDefinitionError: A payload is not complete, or signals of one name differ.
    """
    found: dict[str, Schema] = {}
    for each in signals:
        schema = json_schema(each)
        if found.setdefault(each.name, schema) != schema:
            raise SignalDefinitionError(
                f"signals with different payloads are called {each.name}; give each a name=... of "
                "its own",
                signal=each.name,
            )
    return {"signals": found}


def read_snapshot(file: Path) -> dict[str, Schema]:
    """Return the schemas that a file holds, by the name of the signal.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no snapshot.
    """
    try:
        document: object = json.loads(file.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    schemas = _object(_object(document).get("signals"))
    return {name: _object(schema) for name, schema in schemas.items()}


def _object(value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise ValueError('it must hold {"signals": {NAME: SCHEMA}}')


def breaking(before: Mapping[str, Schema], signals: Iterable[AnySignal]) -> Iterator[Finding]:
    """Find what breaks, of what was in a snapshot before."""
    variables = Variables()
    present: defaultdict[str, list[AnySignal]] = defaultdict(list)
    for each in signals:
        present[each.name].append(each)
    for name, schema in before.items():
        if name not in present:
            yield Finding(
                "S201", name, None, "the signal is gone", f"bring it back, or {_ACCEPTED}"
            )
        for signal in present.get(name, ()):
            try:
                now = json_schema(signal)
            except SignalDefinitionError:  # which S107 tells
                continue
            for code, text, remedy in changes(schema, now):
                yield Finding(code, name, variables.of(signal), text, f"{remedy}, or {_ACCEPTED}")


_ACCEPTED = "accept the change: schema --write"
