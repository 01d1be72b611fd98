"""`fastdjango-signals schema`: the JSON Schemas of the payloads, to read and to commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fastdjango_signals.cli.apps import App, Everything, load, signals
from fastdjango_signals.cli.endings import failure
from fastdjango_signals.cli.modules import HERE, AppDir
from fastdjango_signals.cli.snapshots import snapshot
from fastdjango_signals.cli.writing import write_json
from fastdjango_signals.exceptions import SignalDefinitionError


def schema(
    app: App,
    file: Annotated[
        Path | None,
        typer.Option("--write", metavar="FILE", help="Write them to a file, for check --snapshot."),
    ] = None,
    everything: Everything = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, as always.")] = False,
    app_dir: AppDir = HERE,
) -> None:
    """Write the JSON Schema of the payload of each signal of an application, by name.

    Defaults are left out, since they may be secret.
    """
    file = None if file is None else file.resolve()  # before the module changes the folder
    load(app, app_dir)
    try:
        document = snapshot(signals(everything=everything))
        if file is None:
            write_json(document)
        else:
            file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except (SignalDefinitionError, OSError) as error:
        raise failure(error) from None
