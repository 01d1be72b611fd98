"""How a command ends that cannot do what it was asked, and what it logs until then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

from fastdjango_signals.exceptions import SignalError

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run this in a new event loop, and return what it returns.

    Raises:
        Exit: It failed in a way that its own words explain; they have been shown.
    """
    show_logs()
    try:
        return asyncio.run(work)
    except SignalError as error:
        raise failure(error) from None


def failure(problem: object, code: int = 1) -> typer.Exit:
    """Show a problem in one line on stderr; return what ends the command."""
    typer.echo(f"Error: {problem}", err=True)
    return typer.Exit(code)


def show_logs() -> None:
    """Write what this library logs to stderr, unless the program has set up logging by itself."""
    logger = logging.getLogger("fastdjango_signals")
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
