"""`fastdjango-signals graph`: signals and receivers, as Mermaid, DOT, SVG or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated

import typer

from fastdjango_signals.catalogue import Catalogue, catalogue
from fastdjango_signals.cli.apps import App, AsJson, Everything, load, signals
from fastdjango_signals.cli.drawings import Arrow, svg
from fastdjango_signals.cli.modules import HERE, AppDir
from fastdjango_signals.cli.writing import write_json


class Format(StrEnum):
    """How a graph is written."""

    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"


@dataclass(frozen=True, slots=True)
class Graph:
    """What is drawn.

    Attributes:
        signals: The names of the signals.
        receivers: The names of the receivers, each once.
        arrows: Which signal calls which receiver, in call order.
    """

    signals: tuple[str, ...]
    receivers: tuple[str, ...]
    arrows: tuple[Arrow, ...]


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
    found = _graph(catalogue(signals(everything=everything)))
    if as_json:
        write_json(asdict(found))
    else:
        typer.echo("\n".join(_WRITERS[written](found)))


def _graph(found: Catalogue) -> Graph:
    arrows = tuple(
        Arrow(signal.name, receiver.name, receiver.sender, receiver.on_commit)
        for signal in found.signals
        for receiver in signal.receivers
    )
    return Graph(
        tuple(dict.fromkeys(signal.name for signal in found.signals)),
        tuple(dict.fromkeys(arrow.receiver for arrow in arrows)),
        arrows,
    )


def _mermaid(found: Graph) -> Iterator[str]:
    nodes = _nodes(found)
    yield "flowchart LR"
    for name in found.signals:
        yield f"    {nodes['signal', name]}([{_mermaid_text(name)}])"
    for name in found.receivers:
        yield f"    {nodes['receiver', name]}[{_mermaid_text(name)}]"
    for each in found.arrows:
        line = "-.->" if each.is_dashed else "-->"
        label = f"|{_mermaid_text(each.label)}|" if each.label else ""
        yield (
            f"    {nodes['signal', each.signal]} {line}{label} {nodes['receiver', each.receiver]}"
        )


def _mermaid_text(text: str) -> str:
    # In one go, since what stands for a character has a "#" itself.
    return f'"{text.translate(_ENTITIES)}"'


_ENTITIES = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "\n": " "})


def _dot(found: Graph) -> Iterator[str]:
    nodes = _nodes(found)
    yield "digraph signals {"
    yield "    rankdir=LR;"
    for name in found.signals:
        yield f"    {nodes['signal', name]} [label={_dot_text(name)}, shape=ellipse];"
    for name in found.receivers:
        yield f"    {nodes['receiver', name]} [label={_dot_text(name)}, shape=box];"
    for each in found.arrows:
        options = [f"label={_dot_text(each.label)}"] if each.label else []
        options += ["style=dashed"] if each.is_dashed else []
        shown = f" [{', '.join(options)}]" if options else ""
        yield f"    {nodes['signal', each.signal]} -> {nodes['receiver', each.receiver]}{shown};"
    yield "}"


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _svg(found: Graph) -> Iterator[str]:
    return svg(found.signals, found.arrows)


def _nodes(found: Graph) -> dict[tuple[str, str], str]:
    """Return a short name for each node: names may hold what these languages do not take."""
    return {
        **{("signal", name): f"s{number}" for number, name in enumerate(found.signals, 1)},
        **{("receiver", name): f"r{number}" for number, name in enumerate(found.receivers, 1)},
    }


_WRITERS: Mapping[Format, Callable[[Graph], Iterator[str]]] = {
    Format.MERMAID: _mermaid,
    Format.DOT: _dot,
    Format.SVG: _svg,
}
