"""Signals and receivers as a graph, written as Mermaid, DOT or SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastdjango_signals.catalogue import Catalogue
from fastdjango_signals.drawings import Arrow, svg


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


def graph_of(found: Catalogue) -> Graph:
    """Return the graph of a catalogue. An arrow bears the sender."""
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


def as_mermaid(drawn: Graph) -> Iterator[str]:
    """Return the lines of a graph in Mermaid."""
    nodes = _nodes(drawn)
    yield "flowchart LR"
    for name in drawn.signals:
        yield f"    {nodes['signal', name]}([{_mermaid_text(name)}])"
    for name in drawn.receivers:
        yield f"    {nodes['receiver', name]}[{_mermaid_text(name)}]"
    for each in drawn.arrows:
        line = "-.->" if each.is_dashed else "-->"
        label = f"|{_mermaid_text(each.label)}|" if each.label else ""
        yield (
            f"    {nodes['signal', each.signal]} {line}{label} {nodes['receiver', each.receiver]}"
        )


def _mermaid_text(text: str) -> str:
    # In one go, since what stands for a character has a "#" itself.
    return f'"{text.translate(_ENTITIES)}"'


_ENTITIES = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "\n": " "})


def as_dot(drawn: Graph) -> Iterator[str]:
    """Return the lines of a graph in DOT, for Graphviz."""
    nodes = _nodes(drawn)
    yield "digraph signals {"
    yield "    rankdir=LR;"
    for name in drawn.signals:
        yield f"    {nodes['signal', name]} [label={_dot_text(name)}, shape=ellipse];"
    for name in drawn.receivers:
        yield f"    {nodes['receiver', name]} [label={_dot_text(name)}, shape=box];"
    for each in drawn.arrows:
        options = [f"label={_dot_text(each.label)}"] if each.label else []
        options += ["style=dashed"] if each.is_dashed else []
        shown = f" [{', '.join(options)}]" if options else ""
        yield f"    {nodes['signal', each.signal]} -> {nodes['receiver', each.receiver]}{shown};"
    yield "}"


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def as_svg(drawn: Graph) -> Iterator[str]:
    """Return the lines of a graph as a picture."""
    return svg(drawn.signals, drawn.arrows)


def _nodes(drawn: Graph) -> dict[tuple[str, str], str]:
    """Return a short name for each node: names may hold what these languages do not take."""
    return {
        **{("signal", name): f"s{number}" for number, name in enumerate(drawn.signals, 1)},
        **{("receiver", name): f"r{number}" for number, name in enumerate(drawn.receivers, 1)},
    }
