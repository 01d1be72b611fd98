"""The built-in signals, by both import paths."""

from collections.abc import MutableMapping
from typing import Any, assert_type

import fastdjango.core.signals as documented
from fastdjango.core.signals import post_save as documented_post_save
from fastdjango.core.signals import receiver as documented_receiver

from fastdjango_signals import (
    M2MChanged,
    PostDelete,
    PostSave,
    PreDelete,
    PreSave,
    RequestFinished,
    RequestStarted,
    Signal,
    UserLoggedIn,
    UserLoggedOut,
    UserLoginFailed,
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
    receiver,
    request_finished,
    request_started,
    user_logged_in,
    user_logged_out,
    user_login_failed,
)


class User:
    name: str = ""


class Post: ...


def check_types() -> None:
    """Built-in: the type of each"""
    assert_type(pre_save.providing_args, type[PreSave[Any]])
    assert_type(post_save.providing_args, type[PostSave[Any]])
    assert_type(pre_delete.providing_args, type[PreDelete[Any]])
    assert_type(post_delete.providing_args, type[PostDelete[Any]])
    assert_type(m2m_changed.providing_args, type[M2MChanged[Any]])
    assert_type(request_started.providing_args, type[RequestStarted])
    assert_type(request_finished.providing_args, type[RequestFinished])
    assert_type(user_logged_in.providing_args, type[UserLoggedIn])
    assert_type(user_logged_out.providing_args, type[UserLoggedOut])
    assert_type(user_login_failed.providing_args, type[UserLoginFailed])


def check_model_receivers() -> None:
    """Built-in: receivers of model signals"""

    @post_save.connect(sender=User)
    async def saved(
        sender: type[User], instance: User, created: bool, **kwargs: object
    ) -> None: ...

    @pre_save.connect
    async def narrowed(sender: object, payload: PreSave[User]) -> None:
        assert_type(payload.instance, User)
        assert_type(payload.using, str | None)

    @post_save.connect(sender=User)
    async def payload_style(sender: type[User], payload: PostSave[User]) -> None:
        assert_type(payload.instance, User)
        assert_type(payload.created, bool)

    @receiver([post_save, post_delete], sender=User)
    async def several(sender: type[User], instance: User, **kwargs: object) -> None: ...

    @m2m_changed.connect
    async def changed(sender: object, action: str, model: type[Any], **kwargs: object) -> None: ...


def check_bad_model_receivers() -> None:
    """Built-in: bad receivers of model signals"""

    @post_save.connect(sender=User)  # E
    async def misspelt(sender: type[User], instnce: User, **kwargs: object) -> None: ...

    @post_save.connect(sender=User)  # E[static]: connect reads no annotations
    async def wrong(sender: type[User], created: str, **kwargs: object) -> None: ...

    @pre_save.connect  # E
    async def never_created(sender: object, created: bool, **kwargs: object) -> None: ...

    @pre_save.connect  # E[static]: connect reads no annotations
    async def other_payload(sender: object, payload: PostSave[User]) -> None: ...


async def check_model_sends() -> None:
    """Built-in: sends of model signals"""
    await post_save.send(sender=User, instance=User(), created=True)
    await post_save.send(User, instance=User(), created=True, update_fields=["name"])
    await post_save.send(User, instance=User(), created=True, update_fields=frozenset({"name"}))
    await pre_delete.send(sender=User, instance=User(), using="default")
    await m2m_changed.send(
        User, instance=User(), action="pre_add", reverse=False, model=Post, pk_set={1}
    )
    await post_save.send(sender=User, instance=User())  # E
    await post_save.send(sender=User, instance=User(), created="yes")  # E
    await pre_save.send(sender=User, instance=User(), created=True)  # E
    await post_save.send(User, instance=User(), created=True, update_fields="name")  # E
    await post_save.send(
        User, instance=User(), created=True, update_fields=[1]
    )  # E[static]: kept as it is, so its items are not looked at
    await m2m_changed.send(
        User, instance=User(), action="add", reverse=False, model=Post, pk_set=None
    )  # E
    await m2m_changed.send(
        User, instance=User(), action="pre_add", reverse=False, model=Post()
    )  # E


def check_request_signals() -> None:
    """Built-in: request and login signals"""

    @request_started.connect
    async def started(
        sender: object, scope: MutableMapping[str, Any], **kwargs: object
    ) -> None: ...

    @request_finished.connect
    async def finished(sender: object, payload: RequestFinished) -> None:
        assert_type(payload.scope, MutableMapping[str, Any])
        assert_type(payload.status, int | None)
        assert_type(payload.exception, BaseException | None)

    @user_logged_in.connect
    async def logged_in(sender: object, user: User, request: object, **kwargs: object) -> None: ...

    @request_started.connect  # E
    async def early(sender: object, status: int, **kwargs: object) -> None: ...

    @request_started.connect  # E[static]: connect reads no annotations
    async def wrong(sender: object, scope: str, **kwargs: object) -> None: ...


async def check_request_sends() -> None:
    """Built-in: sends of request and login signals"""
    await request_started.send(sender=User, scope={"type": "http"})
    await request_finished.send(sender=User, scope={}, status=200, exception=ValueError("no"))
    await user_login_failed.send(sender=User, credentials={"password": "x"}, request=None)
    await request_started.send(sender=User)  # E
    await request_started.send(sender=User, scope=[])  # E
    await request_finished.send(sender=User, scope={}, status="200")  # E
    await user_logged_in.send(sender=User, request=None, usr=None)  # E


async def check_narrow_signal() -> None:
    """Built-in: a signal of one's own for one model"""
    user_saved = Signal(PostSave[User])
    assert_type(user_saved.providing_args, type[PostSave[User]])
    await user_saved.send(User, instance=User(), created=True)
    await user_saved.send(User, instance=Post(), created=True)  # E

    @user_saved.connect
    async def right(sender: type[User], instance: User, **kwargs: object) -> None: ...

    @user_saved.connect  # E[static]: connect reads no annotations
    async def wrong(sender: type[User], instance: Post, **kwargs: object) -> None: ...


async def check_documented_path() -> None:
    """fastdjango.core.signals: the same signals"""
    assert_type(documented_post_save.providing_args, type[PostSave[Any]])
    assert_type(documented.request_started.providing_args, type[RequestStarted])
    assert_type(documented.Signal(RequestStarted).providing_args, type[RequestStarted])

    @documented_receiver(documented_post_save, sender=User)
    async def saved(sender: type[User], instance: User, **kwargs: object) -> None: ...

    @documented_receiver(documented_post_save, sender=User)  # E
    async def misspelt(sender: type[User], instnce: User, **kwargs: object) -> None: ...

    await documented_post_save.send(sender=User, instance=User(), created=True)
    await documented_post_save.send(sender=User, instance=User())  # E
