"""`fastdjango-signals explain`: who would run, who would not, and why."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from fastdjango_signals.catalogue import ReceiverEntry, receiver_entries
from fastdjango_signals.cli.apps import AnySignal, AppOption, AsJson, SignalName, find, value_at
from fastdjango_signals.cli.modules import HERE, AppDir
from fastdjango_signals.cli.reasons import Reached, reached
from fastdjango_signals.cli.writing import receiver_text, write_json, write_line
from fastdjango_signals.places import name_of

_WHERE = "--sender"
_AFTER = "; runs after the commit, or in its turn where no transaction is open"


def explain(
    name: SignalName,
    sender: Annotated[
        str | None,
        typer.Option(_WHERE, metavar="MODULE:NAME", help="The sender; without it, None."),
    ] = None,
    app: AppOption = None,
    as_json: AsJson = False,
    app_dir: AppDir = HERE,
) -> None:
    """Tell who would run if a sender sent a signal now, in what order, and who not, and why."""
    signal = find(name, app, app_dir)
    subject = None if sender is None else value_at(sender, app_dir, _WHERE)
    found = list(reached(signal, subject))
    entries = receiver_entries(each.receiver for each in found)
    pairs = list(zip(found, entries, strict=True))
    runs = [pair for pair in pairs if pair[0].runs]
    others = [pair for pair in pairs if not pair[0].runs]
    if as_json:
        write_json(
            {
                "signal": signal.name,
                "sender": None if subject is None else name_of(subject),
                "concurrent": signal.concurrent,
                "runs": list(map(_told, runs)),
                "does_not_run": list(map(_told, others)),
            }
        )
        return
    _write_runs(signal, subject, runs)
    if others:
        write_line("These do not run:")
    for each, entry in others:
        write_line(f"    -  {receiver_text(entry)}")
        write_line(f"       {each.why}")


def _told(pair: tuple[Reached, ReceiverEntry]) -> dict[str, object]:
    return {**asdict(pair[1]), "why": pair[0].why}


def _write_runs(
    signal: AnySignal, sender: object, runs: list[tuple[Reached, ReceiverEntry]]
) -> None:
    source = "no sender" if sender is None else name_of(sender)
    way = "together" if signal.concurrent else "one after another"
    whom = f"reaches {len(runs)}, {way}:" if runs else "reaches nobody."
    write_line(f"A send of {signal.name} from {source} {whom}", bold=True)
    for order, (each, entry) in enumerate(runs, start=1):
        write_line(f"    {order}. {receiver_text(entry)}")
        write_line(f"       {each.why}{_AFTER if entry.on_commit else ''}")
