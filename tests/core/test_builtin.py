"""The ten built-in signals: their fields, and what reaches a receiver unchanged."""

from __future__ import annotations

from collections import deque
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticUndefined

import fastdjango_signals
from fastdjango_signals import (
    M2MChanged,
    Payload,
    PostSave,
    Signal,
    m2m_changed,
    post_save,
    pre_save,
    request_finished,
    request_started,
    user_logged_in,
    user_login_failed,
)
from fastdjango_signals.builtin import MASK

REQUIRED = PydanticUndefined
FIELDS: dict[str, dict[str, Any]] = {
    "pre_save": {"instance": REQUIRED, "raw": False, "using": None, "update_fields": None},
    "post_save": {
        "instance": REQUIRED,
        "created": REQUIRED,
        "raw": False,
        "using": None,
        "update_fields": None,
    },
    "pre_delete": {"instance": REQUIRED, "using": None},
    "post_delete": {"instance": REQUIRED, "using": None},
    "m2m_changed": {
        "instance": REQUIRED,
        "action": REQUIRED,
        "reverse": REQUIRED,
        "model": REQUIRED,
        "pk_set": REQUIRED,
        "using": None,
    },
    "request_started": {"scope": REQUIRED},
    "request_finished": {"scope": REQUIRED, "status": None, "exception": None},
    "user_logged_in": {"request": REQUIRED, "user": REQUIRED},
    "user_logged_out": {"request": REQUIRED, "user": REQUIRED},
    "user_login_failed": {"credentials": REQUIRED, "request": REQUIRED},
}


class User:
    """Stands for a model."""


async def fields_of(signal: Signal[Any, ...], **fields: Any) -> dict[str, Any]:
    async def echo(sender: object, **received: Any) -> dict[str, Any]:
        return received

    received: dict[str, Any]
    with signal.connected_to(echo, sender=User):
        ((_, received),) = await signal.send(sender=User, **fields)
    return received


@pytest.mark.parametrize("name", FIELDS)
def test_each_signal_has_its_fields_and_name(name: str) -> None:
    signal = getattr(fastdjango_signals, name)
    fields = {key: field.default for key, field in signal.providing_args.model_fields.items()}

    assert fields == FIELDS[name]
    assert signal.name == f"fastdjango_signals.{name}"


class Row(BaseModel):
    """A model that pydantic would rather copy."""

    model_config = ConfigDict(revalidate_instances="always")
    x: int = 1


@pytest.mark.parametrize("payload", [PostSave, PostSave[Any], PostSave[Row]])
async def test_an_instance_is_the_very_object(payload: type[BaseModel]) -> None:
    row = Row()

    assert (await fields_of(Signal(payload), instance=row, created=True))["instance"] is row


async def test_a_payload_of_one_model_takes_its_instances_only() -> None:
    with pytest.raises(ValidationError, match="instance of User"):
        await fields_of(Signal(PostSave[User]), instance=Row(), created=True)
    with pytest.raises(ValidationError, match="valid integer"):
        await fields_of(Signal(PostSave[int | None]), instance="1", created=True)


@pytest.mark.parametrize(
    "names", [["name"], ("name",), {"name"}, frozenset({"name"}), {"name": 1}.keys(), None]
)
async def test_update_fields_arrive_as_the_orm_gave_them(names: Any) -> None:
    for signal in (pre_save, post_save):
        extra = {"created": False} if signal is post_save else {}
        received = await fields_of(signal, instance=User(), update_fields=names, **extra)
        assert received["update_fields"] is names


@pytest.mark.parametrize("names", ["name", 1, {"name": 1}])
async def test_update_fields_are_a_collection_of_names(names: Any) -> None:
    with pytest.raises(ValidationError, match="update_fields"):
        await fields_of(pre_save, instance=User(), update_fields=names)


async def test_a_scope_is_the_very_mapping() -> None:
    class Scope(dict[str, Any]):
        """A server may have its own."""

    for scope in ({"type": "http"}, Scope(type="http")):
        assert (await fields_of(request_started, scope=scope))["scope"] is scope
        error = LookupError("boom")
        received = await fields_of(request_finished, scope=scope, status=500, exception=error)
        assert (received["scope"], received["exception"]) == (scope, error)
        assert received["scope"] is scope
        assert received["exception"] is error


@pytest.mark.parametrize("scope", [None, [], "http", MappingProxyType({})])
async def test_a_scope_is_a_mutable_mapping(scope: Any) -> None:
    with pytest.raises(ValidationError, match="MutableMapping"):
        await fields_of(request_started, scope=scope)


async def test_a_change_of_a_relation_keeps_its_keys() -> None:
    keys = {1, 2}
    change: dict[str, Any] = {"instance": User(), "reverse": False, "model": User}

    received = await fields_of(m2m_changed, action="post_add", pk_set=keys, **change)
    assert received["pk_set"] is keys
    assert received["model"] is User
    assert (await fields_of(m2m_changed, action="pre_clear", pk_set=None, **change))[
        "pk_set"
    ] is None
    with pytest.raises(ValidationError, match="'pre_add', 'post_add'"):
        await fields_of(m2m_changed, action="add", pk_set=keys, **change)
    with pytest.raises(ValidationError, match="pk_set"):
        await fields_of(m2m_changed, action="post_add", pk_set=[1], **change)
    assert M2MChanged[User].model_fields["instance"].annotation is User


async def test_users_and_requests_are_the_very_objects() -> None:
    request, user = object(), User()
    received = await fields_of(user_logged_in, request=request, user=user)

    assert received["request"] is request
    assert received["user"] is user


async def test_secrets_in_credentials_are_masked_at_any_depth() -> None:
    credentials = {
        "username": "ada",
        "password": "hunter2",
        "API_Key": "k",
        "access_token": "t",
        "nested": {"client_secret": "s", "plain": 1, 3: "number"},
        "several": [{"signature": "x"}, "plain"],
        "queue": deque([{"password": "p"}]),
        "pairs": [("password", "p"), ("name", "ada")],
    }

    received = await fields_of(user_login_failed, credentials=credentials, request=None)

    assert received["credentials"] == {
        "username": "ada",
        "password": MASK,
        "API_Key": MASK,
        "access_token": MASK,
        "nested": {"client_secret": MASK, "plain": 1, 3: "number"},
        "several": [{"signature": MASK}, "plain"],
        "queue": [{"password": MASK}],
        "pairs": [["password", MASK], ["name", "ada"]],
    }
    assert credentials["password"] == "hunter2"


@pytest.mark.parametrize(
    "fields",
    [{"credentials": "hunter2", "request": None}, {"credentials": {"password": "hunter2"}}],
)
async def test_errors_about_credentials_never_show_them(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        await user_login_failed.send(sender=None, **fields)
    assert "hunter2" not in str(caught.value)


def test_payloads_have_a_json_schema_where_their_objects_are_anything() -> None:
    schema = PostSave[User].model_json_schema()

    assert schema["properties"]["instance"] == {"title": "Instance"}
    assert schema["required"] == ["instance", "created"]


def test_payloads_are_subclasses_of_payload() -> None:
    for name in FIELDS:
        assert issubclass(getattr(fastdjango_signals, name).providing_args, Payload)
