"""`fastdjango-signals asyncapi`: what crosses, for people and tools that know AsyncAPI."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from typing import Annotated, Any

import typer

from fastdjango_signals.cli.endings import failure
from fastdjango_signals.cli.relays import HERE, AppDir, Target, load
from fastdjango_signals.extras import needs
from fastdjango_signals.relay import RelayDefinitionError


class Format(StrEnum):
    """How a document is written."""

    JSON = "json"
    YAML = "yaml"


def asyncapi(
    target: Target,
    written: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.JSON,
    service_version: Annotated[
        str, typer.Option(help="Version of the service, to stand in the document.")
    ] = "0.1.0",
    app_dir: AppDir = HERE,
) -> None:
    """Write an AsyncAPI 3 document of the signals that the service sends and receives.

    No connection is made.
    """
    found = load(target, app_dir)
    try:
        from fastdjango_signals.relay.asyncapi import document  # noqa: PLC0415 - needs faststream

        write = _writer(written)
        text = write(document(found, version=service_version))
    except ImportError as error:
        raise failure(error, code=2) from None
    except RelayDefinitionError as error:
        raise failure(error) from None
    typer.echo(text.rstrip())


def _writer(written: Format) -> Callable[[dict[str, Any]], str]:
    if written is Format.JSON:
        return lambda document: json.dumps(document, indent=2)
    with needs("yaml", extra="cli"):
        yaml: Any = import_module("yaml")  # it has no types

    def write(document: dict[str, Any]) -> str:
        # By way of JSON, since YAML would write what is one object twice as a reference.
        return str(yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False))

    return write
