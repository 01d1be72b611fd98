"""Send the model signals from Tortoise ORM, and let receivers wait for its commits.

    from fastdjango_signals.integrations import tortoise

    tortoise.install()             # every model
    tortoise.install(User, Post)   # or these, and what inherits from them
    tortoise.install(bulk=True)    # bulk work sends too

Then `save` and `delete` of an instance send `pre_save`, `post_save`, `pre_delete` and
`post_delete`, with the model class as the sender. `add`, `remove` and `clear` of a relation
send `m2m_changed`, whose sender is `Through(Post, "tags")`. An exception of a receiver comes out
of the method that sent. Receivers that were connected with `on_commit=True` run after the
commit of the outermost transaction.

As in Django, nothing is sent by `bulk_create`, and by `update` and `delete` of a query, unless
`bulk=True` asks for it. Nothing is sent by what the database does on its own, such as cascades.
"""

from __future__ import annotations

from fastdjango_signals.extras import check_installed, check_models, check_version, needs

with needs("tortoise", extra="tortoise"):
    import tortoise.models as orm

from fastdjango_signals.integrations.tortoise import bulk as bulk_work
from fastdjango_signals.integrations.tortoise import models, relations, transactions
from fastdjango_signals.integrations.tortoise.relations import Through
from fastdjango_signals.patches import Patches
from fastdjango_signals.transactions import add_backend, remove_backend

__all__ = ["Through", "install", "uninstall"]

_patches = Patches(
    *models.PATCHES,
    *bulk_work.PATCHES,
    *relations.PATCHES,
    *transactions.PATCHES,
)


def install(*chosen: type[orm.Model], bulk: bool = False) -> None:
    """Send the signals of these models and their subclasses, or of all models.

    Installing again adds to what is installed. Transactions that are open already are not
    waited for.

    Args:
        chosen: The models; none for all of them.
        bulk: Whether `bulk_create`, and `update` and `delete` of a query, send the signals of
            each row too. They then work in a transaction, and read the rows first; nothing of
            that where nobody listens.

    Raises:
        SignalOptionError: Something given is not a model class.
        InstallError: The installed version of Tortoise ORM is not one that this is made for.
    """
    check_version("tortoise-orm", (1, 1), (2, 0))
    check_models(chosen, orm.Model, "Tortoise")
    for model in chosen or (orm.Model,):
        models.installed[model] = bulk or models.installed.get(model, False)
    _patches.apply()
    add_backend(transactions.stack)


def uninstall(*chosen: type[orm.Model]) -> None:
    """Take back an `install` of these models, or everything.

    With the last of them, Tortoise's own methods are put back. Do it while no transaction is
    open: what still waits for a commit is dropped.

    Raises:
        SignalOptionError: A model that `install` was not given by itself.
    """
    check_installed(chosen, models.installed.__contains__)
    for model in chosen or tuple(models.installed):
        models.installed.pop(model, None)  # it may be named twice
    if not models.installed:
        remove_backend(transactions.stack)
        _patches.restore()
