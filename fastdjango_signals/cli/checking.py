"""`fastdjango-signals check`: what is wrong with the signals of an application, for CI."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fastdjango_signals.cli.apps import App, AsJson, called, load, signals, similar
from fastdjango_signals.cli.comparisons import Schema
from fastdjango_signals.cli.findings import Finding, findings
from fastdjango_signals.cli.losses import losses
from fastdjango_signals.cli.modules import HERE, AppDir, refusal
from fastdjango_signals.cli.snapshots import breaking, read_snapshot
from fastdjango_signals.cli.writing import place_text, write_json, write_line
from fastdjango_signals.signals import all_signals

CODES = {
    "S101": "a receiver was collected",
    "S102": "no send can come from the sender of a receiver",
    "S103": "a local function is held weakly",
    "S104": "one send calls a receiver twice",
    "S105": "two signals have one name",
    "S106": "nobody listens to a signal",
    "S107": "a payload is not complete",
    "S201": "a signal of the snapshot is gone",
    "S202": "a field is removed",
    "S203": "a field is required that was not",
    "S204": "a field has another type",
    "S205": "other keywords are refused or dropped that were not",
}
"""What each code stands for."""


def check(
    app: App,
    snapshot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Report what breaks, of the schemas in this file."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE[:SIGNAL]", help="Leave out a code, for one signal or all."),
    ] = None,
    as_json: AsJson = False,
    app_dir: AppDir = HERE,
) -> None:
    """Report what is wrong with the signals of an application; if anything is, the exit code is 1.

    Receivers that can never run, or run twice; local functions held weakly; signals nobody
    listens to; and changes of payloads since a snapshot, which `schema --write FILE` makes.
    """
    before = {} if snapshot is None else _read(snapshot)
    with losses() as lost:
        load(app, app_dir)
    ignored = {pair for each in ignore or () for pair in _ignored(each, before)}
    present = signals()
    found = [*findings(present, lost), *breaking(before, all_signals())]
    found = [each for each in found if not ignored & {(each.code, ""), (each.code, each.signal)}]
    if as_json:
        write_json({"findings": [asdict(each) for each in found]})
    else:
        _write(found)
        count = f"{len(found)} finding{'' if len(found) == 1 else 's'}"
        typer.echo(f"{count} in {len(present)} signals", err=True)
    if found or not present:
        raise typer.Exit(1 if found else 2)


def _read(file: Path) -> dict[str, Schema]:
    try:
        return read_snapshot(file)
    except FileNotFoundError:
        problem = f"there is no file {file}; schema --write {file} makes it"
    except (OSError, ValueError) as error:
        problem = f"{file} is no snapshot ({error}); schema --write makes one"
    raise refusal(problem, "--snapshot")


def _ignored(text: str, before: Iterable[str]) -> set[tuple[str, str]]:
    """Return the pairs of a code and the name of a signal, empty for all, that this stands for."""
    code, _, name = text.partition(":")
    if code not in CODES:
        raise refusal(f"there is no code {code!r}; there are {', '.join(CODES)}", "--ignore")
    if not name or name in before:
        return {(code, name)}
    names = {each.name for each in called(name)}
    if not names:
        hint = similar(name) or "list shows all"
        raise refusal(f"there is no signal {name!r}; {hint}", "--ignore")
    return {(code, each) for each in names}


def _write(found: Sequence[Finding]) -> None:
    for each in found:
        place = f"{place_text(each.place)}: " if each.place else ""
        write_line(f"{place}{each.code} {each.signal}: {each.text}")
        write_line(f"    {each.remedy}")
