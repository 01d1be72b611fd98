"""All commands, each from the module of its group."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

from fastdjango_signals.extras import needs

with needs("typer", extra="cli"):
    import typer
with needs("rich", extra="cli"):
    import_module("rich")  # Typer writes the help with it, and would ask for it only then

from fastdjango_signals import __version__
from fastdjango_signals.cli import (
    asyncapi,
    checking,
    explaining,
    graphs,
    letters,
    listing,
    schemas,
    workers,
)

_CODES = "Exit codes: 0 all is well, 1 what was asked failed, 2 wrong usage."
_SIGNALS, _RELAY = "Signals", "Relay"

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",  # which joins the lines of a paragraph
    pretty_exceptions_enable=False,  # they are long, and may show values
)
app.command("list", epilog=_CODES, rich_help_panel=_SIGNALS)(listing.list_signals)
app.command(epilog=_CODES, rich_help_panel=_SIGNALS)(listing.show)
app.command(epilog=_CODES, rich_help_panel=_SIGNALS)(explaining.explain)
app.command(epilog=_CODES, rich_help_panel=_SIGNALS)(checking.check)
app.command(epilog=_CODES, rich_help_panel=_SIGNALS)(schemas.schema)
app.command(epilog=_CODES, rich_help_panel=_SIGNALS)(graphs.graph)
app.command(epilog=_CODES, rich_help_panel=_RELAY)(workers.relay)
app.command(epilog=_CODES, rich_help_panel=_RELAY)(letters.dead_letters)
app.command(epilog=_CODES, rich_help_panel=_RELAY)(letters.replay)
app.command(epilog=_CODES, rich_help_panel=_RELAY)(letters.discard)
app.command(epilog=_CODES, rich_help_panel=_RELAY)(asyncapi.asyncapi)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"fastdjango-signals {__version__}")
        raise typer.Exit


@app.callback(epilog=_CODES)
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """See and check the signals of an application, and run the relay of a service."""
