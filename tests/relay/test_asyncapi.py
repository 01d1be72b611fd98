"""The AsyncAPI document of a relay.

Documents like these were held against the JSON schema of AsyncAPI 3.0.0 by hand; no package on PyPI
brings it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from faststream.nats import NatsBroker, NatsToken
from faststream.security import SASLPlaintext
from pydantic import BaseModel, Discriminator, Field, Tag, create_model

from fastdjango_signals import Payload, Signal
from fastdjango_signals.relay import Relay, RelayDefinitionError, asyncapi
from fastdjango_signals.relay.nats import JetStream
from fastdjango_signals.relay.wire import Wire
from tests.relay.transports import Recorded


class Card(BaseModel):
    kind: Literal["card"]
    last_digits: str


class Invoice(BaseModel):
    kind: Literal["invoice"]


class Placed(Payload):
    number: int = Field(alias="orderNumber", description="Counts from 1.")
    total: Decimal
    paid_by: Annotated[Card | Invoice, Field(discriminator="kind")]
    note: str = ""


def placed_elsewhere() -> type[Payload]:
    """Return another model of the same name."""

    class Card(BaseModel):
        colour: str

    class Placed(Payload):
        card: Card

    return Placed


placed = Signal(Placed, name="shop.placed")
cancelled = Signal(Placed, name="shop.cancelled")
drawn = Signal(placed_elsewhere(), name="cards.drawn")


def described(broker: NatsBroker | None = None, **options: Any) -> dict[str, Any]:
    options = options or {"publishes": [placed, cancelled], "receives": [drawn, cancelled]}
    relay = Relay("shop", JetStream(broker or NatsBroker(), prefix="events"), **options)
    return asyncapi.document(relay, version="1.4.0")


def references(found: object) -> Iterator[str]:
    """Yield all that a document refers to."""
    if isinstance(found, dict):
        yield from [found["$ref"]] if isinstance(found.get("$ref"), str) else []
    for each in found.values() if isinstance(found, dict) else found:  # type: ignore[attr-defined]
        if isinstance(each, dict | list):
            yield from references(each)


def at(document: dict[str, Any], reference: str) -> Any:
    """Return what a reference is to."""
    found: Any = document
    for key in reference.removeprefix("#/").split("/"):
        found = found[key]
    return found


def data_of(document: dict[str, Any], signal: str) -> dict[str, Any]:
    """Return the schema of a signal's payload."""
    message = document["components"]["messages"][signal]
    envelope = at(document, message["payload"]["$ref"])
    found: dict[str, Any] = at(document, envelope["properties"]["data"]["$ref"])
    return found


def test_the_title_is_the_service() -> None:
    document = described()

    assert document["asyncapi"] == "3.0.0"
    assert document["info"] == {"title": "shop", "version": "1.4.0"}


def test_each_signal_is_a_channel_with_its_address() -> None:
    channels = described()["channels"]

    assert {name: channel["address"] for name, channel in channels.items()} == {
        "cards.drawn": "events.cards.drawn",
        "shop.cancelled": "events.shop.cancelled",
        "shop.placed": "events.shop.placed",
    }
    assert channels["shop.placed"]["bindings"]["nats"]["subject"] == "events.shop.placed"


def test_what_is_published_is_sent_and_what_is_received_is_received() -> None:
    operations = described()["operations"]

    assert {
        name: (operation["action"], operation["channel"]["$ref"])
        for name, operation in operations.items()
    } == {
        "send.shop.cancelled": ("send", "#/channels/shop.cancelled"),
        "send.shop.placed": ("send", "#/channels/shop.placed"),
        "receive.cards.drawn": ("receive", "#/channels/cards.drawn"),
        "receive.shop.cancelled": ("receive", "#/channels/shop.cancelled"),
    }


def test_all_references_lead_somewhere() -> None:
    document = described()

    found = list(references(document))

    assert len(found) > 20
    assert all(at(document, each) for each in found)


def test_a_message_is_a_cloud_event() -> None:
    document = described()

    message = document["components"]["messages"]["shop.placed"]
    envelope = at(document, message["payload"]["$ref"])
    assert message["contentType"] == "application/cloudevents+json"
    assert envelope["properties"]["specversion"]["const"] == "1.0"
    assert envelope["required"] == ["specversion", "id", "source", "type", "data"]


def test_the_payload_has_the_names_that_cross_not_the_aliases() -> None:
    payload = data_of(described(), "shop.placed")

    assert list(payload["properties"]) == ["number", "total", "paid_by", "note"]
    assert payload["properties"]["number"]["description"] == "Counts from 1."
    assert payload["required"] == ["number", "total", "paid_by"]


def test_a_discriminator_is_the_name_of_a_property_as_asyncapi_wants_it() -> None:
    paid_by = data_of(described(), "shop.placed")["properties"]["paid_by"]

    assert paid_by["discriminator"] == "kind"
    assert len(paid_by["oneOf"]) == 2


def test_a_discriminator_that_is_a_function_is_left_out() -> None:
    either = Annotated[
        Annotated[int, Tag("number")] | Annotated[str, Tag("text")],
        Discriminator(lambda value: "number" if isinstance(value, int) else "text"),
    ]
    counted = Signal(create_model("Counted", __base__=Payload, count=(either, ...)), name="counted")

    schema = data_of(described(publishes=[counted]), "counted")["properties"]["count"]

    assert "discriminator" not in schema
    assert len(schema["oneOf"]) == 2


def test_models_of_one_name_stay_apart() -> None:
    document = described()

    drawn_card = data_of(document, "cards.drawn")["properties"]["card"]["$ref"]
    assert list(at(document, drawn_card)["properties"]) == ["colour"]
    options = data_of(document, "shop.placed")["properties"]["paid_by"]["oneOf"]
    assert list(at(document, options[0]["$ref"])["properties"]) == ["kind", "last_digits"]


def test_what_events_are_is_what_the_schema_allows() -> None:
    payload = Placed(
        orderNumber=1, total=Decimal("9.99"), paid_by=Card(kind="card", last_digits="1234")
    )
    _, body = Wire(placed, "shop", 10_000).encode("a sender", payload)
    document = described()

    message = document["components"]["messages"]["shop.placed"]
    jsonschema.validate(json.loads(body), {**document, **message["payload"]})


def test_keys_are_those_that_asyncapi_allows() -> None:
    components = described()["components"]

    keys = [key for part in components.values() for key in part]
    assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", key) for key in keys)


def test_the_document_is_the_same_each_time() -> None:
    reverse: dict[str, Any] = {"publishes": [cancelled, placed], "receives": [cancelled, drawn]}

    assert json.dumps(described()) == json.dumps(described()) == json.dumps(described(**reverse))


def test_no_credentials_are_shown() -> None:
    addresses = ["nats://user:hunter2@one:4222", "nats://two:4222"]
    shown = ["nats://user:hunter2@three:4222"]

    servers = described(NatsBroker(addresses))["servers"]
    document = described(NatsBroker(addresses, specification_url=shown))

    assert [server["host"] for server in servers.values()] == ["one:4222", "two:4222"]
    assert [server["host"] for server in document["servers"].values()] == ["three:4222"]
    assert "hunter2" not in json.dumps([servers, document])


@pytest.mark.parametrize("security", [NatsToken("hunter2"), SASLPlaintext("user", "hunter2")])
def test_the_kind_of_security_is_told_but_no_secret(security: Any) -> None:
    document = described(NatsBroker(security=security))

    [server] = document["servers"].values()
    [scheme] = server["security"]
    assert at(document, scheme["$ref"])["type"]
    assert "hunter2" not in json.dumps(document)


def test_a_relay_without_signals_has_a_document() -> None:
    document = described(publishes=[])

    assert document["channels"] == document["operations"] == {}


def test_the_relay_is_as_it_was() -> None:
    broker = NatsBroker()
    described(broker)

    assert broker.publishers == []


def test_a_transport_that_cannot_be_described_is_refused() -> None:
    with pytest.raises(
        RelayDefinitionError, match=r"tests\.relay\.transports\.Recorded, which has"
    ):
        asyncapi.document(Relay("shop", Recorded()))
