"""An AsyncAPI 3 document of what a relay sends and receives.

    from fastdjango_signals.relay import asyncapi

    json.dumps(asyncapi.document(relay, version="1.4.0"))

FastStream writes the servers and the channels, with the address and the bindings of each. The
schemas come from pydantic, of all payloads in one go, so that two models of one name stay apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from fastdjango_signals.extras import needs
from fastdjango_signals.places import name_of
from fastdjango_signals.relay.exceptions import RelayDefinitionError
from fastdjango_signals.relay.relays import Relay
from fastdjango_signals.relay.wire import CONTENT_TYPE, Envelope

with needs("faststream", extra="relay"):
    from faststream.specification import AsyncAPI

_SCHEMAS = "#/components/schemas/{model}"


@runtime_checkable
class Describable(Protocol):
    """A transport on a broker of FastStream, which can be described."""

    def describe(self, signals: Iterable[str], document: AsyncAPI) -> None:
        """Add a broker to a document, with one publisher for each signal, titled with its name.

        It has the addresses that the transport uses, and is made for the document only.
        """
        ...


def document(relay: Relay, *, version: str = "0.1.0") -> dict[str, Any]:
    """Return an AsyncAPI 3.0 document of the signals that cross; no broker is asked for it.

    Each signal is a channel. Its message is the CloudEvent, with the payload as `data`. The
    servers are shown without credentials.

    Args:
        relay: The relay. Its service is the title.
        version: The version of the service.

    Raises:
        RelayDefinitionError: The transport cannot be described.
    """
    models = {
        signal.name: Envelope[signal.providing_args]  # type: ignore[name-defined]
        for signal in (*relay.publishes, *relay.receives)
    }
    described = _described(relay, sorted(models), version)
    payloads, schemas = _schemas(models)
    return {
        "asyncapi": described["asyncapi"],
        "info": described["info"],
        "defaultContentType": CONTENT_TYPE,
        "servers": {name: _server(found) for name, found in described["servers"].items()},
        "channels": {signal: _channel(described, signal) for signal in payloads},
        "operations": dict(_operations(relay)),
        "components": {
            **described["components"],
            "messages": {
                signal: {
                    "name": signal,
                    "title": signal,
                    "contentType": CONTENT_TYPE,
                    "payload": payload,
                }
                for signal, payload in payloads.items()
            },
            "schemas": schemas,
        },
    }


def _described(relay: Relay, signals: Iterable[str], version: str) -> dict[str, Any]:
    transport: object = relay.transport
    if not isinstance(transport, Describable):
        raise RelayDefinitionError(
            f"The transport of service {relay.service} cannot be described: it is of class "
            f"{name_of(type(transport))}, which has no method describe(signals, document)"
        )
    factory = AsyncAPI(title=relay.service, version=version, schema_version="3.0.0")
    transport.describe(signals, factory)
    return factory.to_specification().to_jsonable()  # type: ignore[no-any-return]


def _schemas(
    models: Mapping[str, type[BaseModel]],
) -> tuple[dict[str, JsonSchemaValue], dict[str, JsonSchemaValue]]:
    """Return the schema of each signal's message, sorted by signal, and what they refer to."""
    references, definitions = models_json_schema(
        [(models[signal], "validation") for signal in sorted(models)],
        by_alias=False,  # names cross, and aliases do not
        ref_template=_SCHEMAS,
        schema_generator=_Schema,
    )
    found = {signal: references[models[signal], "validation"] for signal in sorted(models)}
    return found, definitions.get("$defs", {})


class _Schema(GenerateJsonSchema):
    """The JSON Schema of AsyncAPI, where a discriminator is the name of a property."""

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        written = super().tagged_union_schema(schema)
        if "discriminator" in written:
            written["discriminator"] = written["discriminator"]["propertyName"]
        return written


def _server(described: dict[str, Any]) -> dict[str, Any]:
    return {**described, "host": described["host"].rpartition("@")[2]}


def _channel(described: dict[str, Any], signal: str) -> dict[str, Any]:
    messages = {"Message": {"$ref": f"#/components/messages/{signal}"}}
    return {**described["channels"][signal], "messages": messages}


def _operations(relay: Relay) -> Iterator[tuple[str, dict[str, Any]]]:
    for action, signals in (("send", relay.publishes), ("receive", relay.receives)):
        for signal in sorted(each.name for each in signals):
            yield (
                f"{action}.{signal}",
                {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{signal}"},
                    "messages": [{"$ref": f"#/channels/{signal}/messages/Message"}],
                },
            )
