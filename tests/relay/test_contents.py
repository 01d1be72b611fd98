"""Which signals can be relayed: told when a relay is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from faststream.nats import NatsBroker
from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr

from fastdjango_signals import Payload, Signal, post_save, request_started, user_login_failed
from fastdjango_signals.relay import Relay, RelayDefinitionError
from fastdjango_signals.relay.contents import version_of
from fastdjango_signals.relay.kafka import KafkaTopics
from fastdjango_signals.relay.nats import JetStream
from fastdjango_signals.relay.rabbit import RabbitQueues
from fastdjango_signals.relay.redis import RedisStreams
from tests.relay.transports import Recorded


class User:
    pass


class WithInstance(Payload):
    order_id: int
    user: User


class WithAny(Payload):
    items: list[Any]


class WithObject(Payload):
    thing: object


class WithCallable(Payload):
    hook: Callable[[], None]


class Credentials(Payload):
    password: SecretStr | None = None


class WithSecret(Payload):
    logins: list[Credentials]


class WithExcluded(Payload):
    order_id: int
    internal: int = Field(exclude=True)


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class WithOpenInside(Payload):
    inner: list[Open]


class Partly(BaseModel):
    hidden: int = Field(default=0, exclude=True)


class WithExcludedInside(Payload):
    inner: dict[str, Partly | None]


class AnyJson(Payload):
    data: JsonValue
    more: dict[str, JsonValue]


def refusal(signal: Signal[Any, ...]) -> str:
    with pytest.raises(RelayDefinitionError) as caught:
        Relay("shop", Recorded(), publishes=[signal])
    with pytest.raises(RelayDefinitionError, match=re.escape(str(caught.value))):
        Relay("shop", Recorded(), receives=[signal])
    assert caught.value.signal == signal.name
    return str(caught.value)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (WithInstance, 'has a field "user" that is no JSON'),
        (WithAny, 'has a field "items" that is no JSON'),
        (WithObject, 'has a field "thing" that is no JSON'),
        (WithCallable, 'has a field "hook" that is no JSON'),
        (WithSecret, "has a secret, password, which JSON shows masked"),
        (WithExcluded, "leaves internal out of its JSON; drop exclude"),
        (WithOpenInside, "has a model in it, tests.relay.test_contents.Open, which takes any"),
        (WithExcludedInside, "has a model in it, tests.relay.test_contents.Partly, which leaves"),
        (Open, "takes any keywords; declare a model with the fields that cross"),
    ],
)
def test_a_payload_that_cannot_be_json_is_refused_at_registration(
    model: type[BaseModel], said: str
) -> None:
    told = refusal(Signal(model, name="shop.s"))
    assert told.startswith(f"Signal shop.s cannot be relayed: {__name__}.{model.__name__} {said}")


def test_any_json_is_welcome() -> None:
    Relay("shop", Recorded(), publishes=[Signal(AnyJson)])


@pytest.mark.parametrize("signal", [post_save, request_started, user_login_failed])
def test_built_in_signals_that_carry_objects_are_refused(signal: Signal[Any, ...]) -> None:
    assert "cannot be relayed" in refusal(signal)


def test_a_signal_whose_name_is_no_word_of_a_subject_needs_another() -> None:
    assert 'name="shop.order_placed"' in refusal(Signal(["order"]))
    assert 'name="shop.order_placed"' in refusal(Signal(AnyJson, name="shop.>"))


def test_names_alone_say_nothing_of_what_they_carry() -> None:
    assert 'a field "order" that is no JSON' in refusal(Signal(["order"], name="shop.s"))


def test_two_signals_of_one_name_are_refused() -> None:
    first, second = Signal(AnyJson, name="shop.s"), Signal(AnyJson, name="shop.s")
    with pytest.raises(
        RelayDefinitionError, match=r'Two signals of service shop are called "shop\.s"'
    ):
        Relay("shop", Recorded(), publishes=[first], receives=[second])
    Relay("shop", Recorded(), publishes=[first], receives=[first])


@pytest.mark.parametrize("service", ["", "a b", "a.b", "a--b", "-a", "a-", "ä", "a>", "*"])
def test_a_service_has_a_name_that_every_broker_takes(service: str) -> None:
    with pytest.raises(RelayDefinitionError, match="A relay cannot be of service"):
        Relay(service, Recorded())


def test_what_is_no_transport_or_no_list_of_signals_is_refused() -> None:
    signal: Any = Signal(AnyJson, name="shop.s")
    given: list[tuple[Any, dict[str, Any], str]] = [
        (NatsBroker(), {}, r"given <.*NatsBroker object>; write for instance JetStream\("),
        (Recorded(), {"publishes": signal}, r"publishes is given .* publishes=\[order_placed\]"),
        (Recorded(), {"receives": "shop.s"}, r"receives is given 'shop.s'; list signals"),
        (Recorded(), {"receives": [signal, AnyJson]}, "receives is given .*AnyJson; list"),
    ]
    for transport, options, said in given:
        with pytest.raises(RelayDefinitionError, match=said):
            Relay("shop", transport, **options)


@pytest.mark.parametrize("transport", [JetStream, RedisStreams, RabbitQueues, KafkaTopics])
def test_a_transport_takes_its_own_broker_only(transport: Any) -> None:
    with pytest.raises(RelayDefinitionError, match=rf"{transport.__name__} needs a \w+Broker of"):
        transport("nats://localhost")


def test_a_signal_of_the_main_module_needs_a_name() -> None:
    assert 'name="shop.order_placed"' in refusal(Signal(AnyJson, name="__main__.AnyJson"))


def test_a_transport_and_a_broker_belong_to_one_relay() -> None:
    transport, broker = Recorded(), NatsBroker()
    first = Relay("shop", transport)
    with pytest.raises(RelayDefinitionError, match="is in use already: the first to stop would"):
        Relay("shop", transport)
    kept = JetStream(broker)
    with pytest.raises(RelayDefinitionError, match=r"The broker .*NatsBroker object> is in use"):
        JetStream(broker)
    del first, kept
    Relay("shop", transport)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "workers=0 receive nothing"),
        ({"timeout": 0}, "timeout=0 ends every receiver"),
        ({"timeout": -1.5}, "timeout=-1.5 ends every receiver"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RelayDefinitionError, match=said):
        Relay("shop", Recorded(), **options)


class Versioned(Payload):
    payload_version: ClassVar[int] = 7


class FieldOfThatName(Payload):
    payload_version: int = 7


def test_a_model_may_count_its_versions() -> None:
    assert version_of(Versioned) == 7
    assert version_of(AnyJson) == 1
    assert version_of(FieldOfThatName) == 1
