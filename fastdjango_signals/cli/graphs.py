"""`fastdjango-signals graph`: signals and receivers, as Mermaid, DOT, SVG or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from fastdjango_signals.catalogue import catalogue
from fastdjango_signals.cli.apps import App, AsJson, Everything, load, signals
from fastdjango_signals.cli.modules import HERE, AppDir
from fastdjango_signals.cli.writing import write_json
from fastdjango_signals.graphs import Graph, as_dot, as_mermaid, as_svg, graph_of


class Format(StrEnum):
    """How a graph is written."""

    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"


def graph(
    app: App,
    written: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.MERMAID,
    everything: Everything = False,
    as_json: AsJson = False,
    app_dir: AppDir = HERE,
) -> None:
    """Draw the signals of an application, with an arrow to each receiver.

    An arrow bears the sender, and is dashed where the receiver waits for the commit.
    """
    load(app, app_dir)
    found = graph_of(catalogue(signals(everything=everything)))
    if as_json:
        write_json(asdict(found))
    else:
        typer.echo("\n".join(_WRITERS[written](found)))


_WRITERS: Mapping[Format, Callable[[Graph], Iterator[str]]] = {
    Format.MERMAID: as_mermaid,
    Format.DOT: as_dot,
    Format.SVG: as_svg,
}
