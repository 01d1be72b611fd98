"""The examples that FastDjango's users know, run as they are written there.

Each example is a script; what it takes for granted (a model, a logger) stands in its world.
"""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import logging
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

import fastdjango_signals
from fastdjango_signals import all_signals
from fastdjango_signals.install import PATH


class World(dict[str, Any]):
    """The names that an example sees, and what it did."""

    def run(self, script: str) -> None:
        code = compile(script, "<example>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, self)
        if inspect.isawaitable(result):
            asyncio.run(self._wait(result))

    async def _wait(self, result: Any) -> None:
        await result

    def send(self, name: str, **fields: Any) -> list[tuple[Any, Any]]:
        """Send one of the built-in signals, or of the example's own."""
        signal = self.get(name) or getattr(fastdjango_signals, name)
        return asyncio.run(signal.send(**fields))


class Model:
    """Stands for the models of the examples."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world without receivers, in which the documented path can be imported."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "fastdjango"]:
        monkeypatch.delitem(sys.modules, name)
    fastdjango_signals.install()

    models = ModuleType("myapp.models")
    names = ("User", "Post", "Tag", "AuditLog", "Order")
    vars(models).update({name: type(name, (Model,), {}) for name in names})
    models.AuditLog.objects = AsyncMock()
    models.Post.tags = SimpleNamespace(through=type("PostTags", (Model,), {}))
    monkeypatch.setitem(sys.modules, "myapp", ModuleType("myapp"))
    monkeypatch.setitem(sys.modules, "myapp.models", models)

    world = World({name: getattr(models, name) for name in names})
    yield world
    world.clear()
    gc.collect()
    for signal in all_signals():
        for each in signal.receivers:
            signal.disconnect(each.receiver, sender=each.sender)
    for name in [name for name in sys.modules if name.partition(".")[0] == "fastdjango"]:
        del sys.modules[name]


def test_every_built_in_signal_is_importable_from_the_documented_path(world: World) -> None:
    world.run("""
from fastdjango.core.signals import (
    pre_save,
    post_save,
    pre_delete,
    post_delete,
    m2m_changed,
)
from fastdjango.core.signals import (
    request_started,
    request_finished,
)
from fastdjango.core.signals import (
    user_logged_in,
    user_logged_out,
    user_login_failed,
)
""")
    assert world["post_save"] is fastdjango_signals.post_save
    assert PATH in sys.modules


def test_decorators_and_manual_connection(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world["send_welcome_email"] = AsyncMock()
    world.run("""
from fastdjango.core.signals import post_save
from myapp.models import User

@post_save.connect
async def on_any_save(sender, instance, created, **kwargs):
    print(f"Saved: {instance}")

@post_save.connect(sender=User)
async def on_user_save(sender, instance, created, **kwargs):
    if created:
        await send_welcome_email(instance)

async def my_handler(sender, instance, **kwargs):
    pass

post_save.connect(my_handler, sender=User)
""")
    responses = world.send("post_save", sender=world["User"], instance="ada", created=True)
    names = [receiver.__name__ for receiver, _ in responses]
    assert names == ["on_any_save", "on_user_save", "my_handler"]
    assert capsys.readouterr().out == "Saved: ada\n"
    world["send_welcome_email"].assert_awaited_once_with("ada")

    world.run("post_save.disconnect(my_handler, sender=User)")
    responses = world.send("post_save", sender=world["Post"], instance="post", created=True)
    assert len(responses) == 1


def test_a_basic_send(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world["MyClass"] = Model
    world.run("""
from fastdjango.core.signals import Signal

my_signal = Signal(providing_args=["data"])

@my_signal.connect
async def returns_the_key(sender, data, **kwargs):
    return data["key"]

responses = await my_signal.send(sender=MyClass, data={"key": "value"})

for receiver, response in responses:
    print(f"{receiver} returned {response}")
""")
    assert "returns_the_key" in capsys.readouterr().out
    assert [response for _, response in world["responses"]] == ["value"]


def test_a_robust_send(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.update(MyClass=Model, data=1, logger=logging.getLogger("example"))
    world.run("""
from fastdjango.core.signals import Signal

my_signal = Signal(providing_args=["data"])

@my_signal.connect
async def fails(sender, data, **kwargs):
    raise ValueError("no")

responses = await my_signal.send_robust(sender=MyClass, data=data)

for receiver, response in responses:
    if isinstance(response, Exception):
        logger.error(f"Handler {receiver} failed: {response}")
""")
    assert [record.name for record in caplog.records] == ["fastdjango_signals", "example"]
    assert caplog.records[1].getMessage().endswith("failed: no")


def test_custom_signals(world: World) -> None:
    user = Model(email="ada@example.com")
    world.update(
        send_email=AsyncMock(),
        warehouse_api=AsyncMock(),
        order=Model(id=7),
        request=SimpleNamespace(state=SimpleNamespace(user=user)),
    )
    world.run("""
from fastdjango.core.signals import Signal

order_placed = Signal(providing_args=["order", "user"])

@order_placed.connect
async def send_confirmation(sender, order, user, **kwargs):
    await send_email(
        to=user.email,
        subject=f"Order #{order.id} confirmed",
        body=f"Thank you for your order!",
    )

@order_placed.connect
async def notify_warehouse(sender, order, **kwargs):
    await warehouse_api.create_shipment(order)

await order_placed.send(
    sender=Order,
    order=order,
    user=request.state.user,
)
""")
    assert world["send_email"].await_args.kwargs["to"] == "ada@example.com"
    world["warehouse_api"].create_shipment.assert_awaited_once_with(world["order"])


def test_arguments_of_model_signals(world: World) -> None:
    for name in ("notify_followers", "delete_attachments", "update_tag_counts"):
        world[name] = AsyncMock()
    world.run("""
from fastdjango.core.signals import m2m_changed, post_save, pre_delete

@post_save.connect(sender=Post)
async def on_post_save(
    sender,
    instance,
    created,
    raw=False,
    using=None,
    update_fields=None,
    **kwargs
):
    if created:
        await notify_followers(instance.author, instance)

@pre_delete.connect(sender=Post)
async def on_post_delete(
    sender,
    instance,
    using=None,
    **kwargs
):
    await delete_attachments(instance)

@m2m_changed.connect(sender=Post.tags.through)
async def on_tags_changed(
    sender,
    instance,
    action,
    reverse,
    model,
    pk_set,
    using=None,
    **kwargs
):
    if action == "post_add":
        await update_tag_counts(pk_set)
""")
    post = world["Post"](author="ada")
    world.send("post_save", sender=world["Post"], instance=post, created=True)
    world["notify_followers"].assert_awaited_once_with("ada", post)
    world.send("pre_delete", sender=world["Post"], instance=post)
    world["delete_attachments"].assert_awaited_once_with(post)
    change = {"instance": post, "reverse": False, "model": world["Tag"], "pk_set": {1, 2}}
    for action in ("pre_add", "post_add"):
        world.send("m2m_changed", sender=world["Post"].tags.through, action=action, **change)
    world["update_tag_counts"].assert_awaited_once_with({1, 2})


def test_request_signals(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world["logger"] = logging.getLogger("example")
    caplog.set_level(logging.INFO)
    world.run("""
from fastdjango.core.signals import request_finished, request_started

@request_started.connect
async def on_request_start(sender, scope, **kwargs):
    logger.info(f"Request started: {scope['path']}")

@request_finished.connect
async def on_request_end(sender, scope, **kwargs):
    pass
""")
    scope = {"type": "http", "path": "/orders"}
    world.send("request_started", sender=None, scope=scope)
    assert len(world.send("request_finished", sender=None, scope=scope)) == 1
    assert caplog.messages == ["Request started: /orders"]


def test_user_signals(world: World) -> None:
    for name in ("log_login", "log_logout", "log_failed_attempt"):
        world[name] = AsyncMock()
    world.run("""
from fastdjango.core.signals import user_logged_in, user_logged_out, user_login_failed

@user_logged_in.connect
async def on_login(sender, request, user, **kwargs):
    await log_login(user, request.client.host)

@user_logged_out.connect
async def on_logout(sender, request, user, **kwargs):
    await log_logout(user)

@user_login_failed.connect
async def on_login_failed(sender, credentials, request, **kwargs):
    await log_failed_attempt(credentials.get("username"), request.client.host)
""")
    request, user = SimpleNamespace(client=SimpleNamespace(host="127.0.0.1")), Model()
    world.send("user_logged_in", sender=Model, request=request, user=user)
    world["log_login"].assert_awaited_once_with(user, "127.0.0.1")
    world.send("user_logged_out", sender=Model, request=request, user=user)
    world["log_logout"].assert_awaited_once_with(user)
    credentials = {"username": "ada", "password": "wrong"}
    world.send("user_login_failed", sender=None, credentials=credentials, request=request)
    world["log_failed_attempt"].assert_awaited_once_with("ada", "127.0.0.1")


def test_weak_references(world: World) -> None:
    world.run("""
from fastdjango.core.signals import post_save

@post_save.connect(weak=True)  # Default
async def handler(sender, **kwargs):
    pass

@post_save.connect(weak=False)
async def persistent_handler(sender, **kwargs):
    pass

del handler, persistent_handler
""")
    gc.collect()
    responses = world.send("post_save", sender=None, instance=1, created=True)
    assert [receiver.__name__ for receiver, _ in responses] == ["persistent_handler"]


def test_checking_for_listeners(world: World) -> None:
    script = """
from fastdjango.core.signals import post_save

if post_save.has_listeners(sender=User):
    found = True
"""
    world.run(script)
    assert "found" not in world

    async def handler(sender: object, **kwargs: Any) -> None: ...

    with fastdjango_signals.post_save.connected_to(handler, sender=world["User"]):
        world.run(script)
    assert world["found"]


def test_the_audit_log(world: World) -> None:
    world.run("""
from fastdjango.core.signals import post_save, post_delete, Signal
from myapp.models import AuditLog

@post_save.connect
async def log_save(sender, instance, created, **kwargs):
    if sender == AuditLog:
        return  # Don't log audit logs

    await AuditLog.objects.create(
        model=sender.__name__,
        object_id=instance.pk,
        action="create" if created else "update",
        changes=kwargs.get("update_fields"),
    )

@post_delete.connect
async def log_delete(sender, instance, **kwargs):
    if sender == AuditLog:
        return

    await AuditLog.objects.create(
        model=sender.__name__,
        object_id=instance.pk,
        action="delete",
    )
""")
    user = world["User"](pk=3)
    create = world["AuditLog"].objects.create
    world.send(
        "post_save", sender=world["User"], instance=user, created=False, update_fields=["name"]
    )
    create.assert_awaited_once_with(model="User", object_id=3, action="update", changes=["name"])
    world.send("post_delete", sender=world["User"], instance=user)
    create.assert_awaited_with(model="User", object_id=3, action="delete")
    world.send("post_save", sender=world["AuditLog"], instance=user, created=True)
    assert create.await_count == 2
