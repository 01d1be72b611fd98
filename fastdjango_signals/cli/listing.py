"""`fastdjango-signals list` and `show`: what signals there are, and who listens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from fastdjango_signals.catalogue import SignalEntry, catalogue, entry_of, json_schema
from fastdjango_signals.cli.apps import (
    App,
    AppOption,
    AsJson,
    Everything,
    SignalName,
    find,
    load,
    signals,
)
from fastdjango_signals.cli.endings import failure
from fastdjango_signals.cli.modules import HERE, AppDir
from fastdjango_signals.cli.writing import (
    field_text,
    options_text,
    receiver_text,
    write_json,
    write_line,
)
from fastdjango_signals.exceptions import SignalDefinitionError


def list_signals(
    app: App, everything: Everything = False, as_json: AsJson = False, app_dir: AppDir = HERE
) -> None:
    """List the signals of an application: what they carry, and who listens, in call order.

    A built-in signal is listed where somebody listens.
    """
    load(app, app_dir)
    found = catalogue(signals(everything=everything))
    if as_json:
        write_json(asdict(found))
        return
    for each in found.signals:
        write_line(each.name, bold=True)
        write_line(f"    ({', '.join(_fields(each))})")
        _write_receivers(each)


def show(
    name: SignalName, app: AppOption = None, as_json: AsJson = False, app_dir: AppDir = HERE
) -> None:
    """Show one signal: its payload, with the JSON Schema, and its receivers."""
    signal = find(name, app, app_dir)
    entry = entry_of(signal)
    try:
        schema = json_schema(signal)
    except SignalDefinitionError as error:
        raise failure(error) from None
    if as_json:
        write_json({**asdict(entry), "schema": schema})
        return
    write_line(entry.name, bold=True)
    write_line(f"Payload: {entry.payload}")
    for field in _fields(entry):
        write_line(f"    {field}")
    write_line("Receivers, called " + ("together:" if entry.concurrent else "in this order:"))
    _write_receivers(entry)
    write_line("JSON Schema:")
    write_json(schema)


def _fields(entry: SignalEntry) -> Iterator[str]:
    yield from map(field_text, entry.fields)
    if entry.is_open:
        yield "**any keywords"


def _write_receivers(entry: SignalEntry) -> None:
    if not entry.receivers:
        write_line("    nobody listens")
    for each in entry.receivers:
        write_line(f"    {each.order}. {receiver_text(each)}")
        write_line(f"       {options_text(each)}")
