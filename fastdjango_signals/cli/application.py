"""All commands, each from the module of its group."""

from __future__ import annotations

from typing import Annotated

from fastdjango_signals.extras import needs

with needs("typer", extra="cli"):
    import typer

from fastdjango_signals import __version__
from fastdjango_signals.cli import asyncapi, letters, workers

_CODES = "Exit codes: 0 all is well, 1 what was asked failed, 2 wrong usage."

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",  # which joins the lines of a paragraph
    pretty_exceptions_enable=False,  # they are long, and may show values
)
app.command(epilog=_CODES)(workers.relay)
app.command(epilog=_CODES)(letters.dead_letters)
app.command(epilog=_CODES)(letters.replay)
app.command(epilog=_CODES)(letters.discard)
app.command(epilog=_CODES)(asyncapi.asyncapi)


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
    """Run the relay of a service, and look after what it could not receive."""
