"""Signals of models, whose sender tells what the instance is."""

from typing import Any

from fastdjango_signals import (
    M2MChanged,
    PostSave,
    Signal,
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
    receiver,
)


class Model: ...


class User(Model): ...


class Post(Model): ...


def check_instance() -> None:
    """Sender-aware: instance"""

    @post_save.connect(sender=User)
    async def right(sender: type[User], instance: User, **kwargs: object) -> None: ...

    @pre_save.connect(sender=User, subclasses=True)
    async def wider(sender: type[Model], instance: Model, **kwargs: object) -> None: ...

    # E: Receiver "wrong" takes "instance: Post", but PreDelete.instance is "User"  [signal-receiver]
    @pre_delete.connect(sender=User)
    async def wrong(sender: type[User], instance: Post, **kwargs: object) -> None: ...

    @post_delete.connect
    async def unknown(sender: object, instance: Post, **kwargs: object) -> None: ...


def check_payload() -> None:
    """Sender-aware: payload"""

    @post_save.connect(sender=User)
    async def right(sender: object, payload: PostSave[User]) -> None: ...

    @post_save.connect(sender=User)
    async def wider(sender: object, payload: PostSave[Model]) -> None: ...

    @post_save.connect(sender=User)
    async def anything(sender: object, payload: PostSave[Any]) -> None: ...

    # E: Receiver "wrong" takes "payload: PostSave[Post]", but the payload is "PostSave[User]"  [signal-receiver]
    @post_save.connect(sender=User)
    async def wrong(sender: object, payload: PostSave[Post]) -> None: ...


def check_forms(model: type[User], name: str) -> None:
    """Sender-aware: every form of connect"""

    async def of_post(sender: object, instance: Post, **kwargs: object) -> None: ...

    # E: Receiver "of_post" takes "instance: Post", but PostSave.instance is "User"  [signal-receiver]
    post_save.connect(of_post, sender=User)
    # E: Receiver "of_post" takes "instance: Post", but PostSave.instance is "User"  [signal-receiver]
    post_save.check(of_post, sender=User)
    # E: Receiver "of_post" takes "instance: Post", but PostSave.instance is "User"  [signal-receiver]
    post_save.connect(of_post, sender=model)
    post_save.connect(of_post, sender=Post)
    post_save.connect(of_post, sender=name)
    # E: Receiver "of_post" takes "instance: Post", but PostSave.instance is "User"  [signal-receiver]
    with post_save.connected_to(of_post, sender=User):
        pass

    # E: Receiver "several" takes "instance: Post", but PostSave.instance is "User". It takes "instance: Post", but PostDelete.instance is "User"  [signal-receiver]
    @receiver([post_save, post_delete], sender=User)
    async def several(sender: object, instance: Post, **kwargs: object) -> None: ...

    # E: Receiver "single" takes "instance: Post", but PreSave.instance is "User"  [signal-receiver]
    @receiver(pre_save, sender=User)
    async def single(sender: object, instance: Post, **kwargs: object) -> None: ...


def check_not_the_instance() -> None:
    """Sender-aware: not where the sender is something else"""

    class Membership: ...

    @m2m_changed.connect(sender=Membership)
    async def changed(sender: object, instance: User, **kwargs: object) -> None: ...

    @m2m_changed.connect(sender=Membership)
    async def whole(sender: object, payload: M2MChanged[User]) -> None: ...

    user_saved = Signal(PostSave[User])

    # E: Receiver "narrow" takes "instance: Post", but PostSave.instance is "User"  [signal-receiver]
    @user_saved.connect(sender=User)
    async def narrow(sender: object, instance: Post, **kwargs: object) -> None: ...
