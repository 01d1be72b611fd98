"""Send the built-in signals from Django, and let receivers wait for its commits.

    from fastdjango_signals.integrations import django

    django.install()             # every model; in AppConfig.ready(), say
    django.install(User, Post)   # or these, and what inherits from them

Then each model signal of Django, and each signal of `django.contrib.auth`, sends ours too, with
the same sender and the same objects. Receivers run in turn, and are awaited before Django goes on:
on the event loop that called the code through `asave` or `sync_to_async`, else on a new one. An
exception of a receiver comes out of `save`. Receivers that were connected with `on_commit=True`
run as hooks of `transaction.on_commit`.

Requests over WSGI send the request signals; `scope` is the WSGI environ. An ASGI application is to
be wrapped in `fastdjango_signals.integrations.asgi.SignalMiddleware`.

As in Django, nothing is sent by `bulk_create`, `bulk_update` and `update` of a query.
"""

# Django has no types.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from fastdjango_signals.extras import check_installed, check_models, check_version, needs

with needs("django", extra="django"):
    from django.db.models import Model

from fastdjango_signals.integrations.django import models, requests, transactions, users
from fastdjango_signals.integrations.django.threads import SyncCodeError
from fastdjango_signals.patches import Patches
from fastdjango_signals.transactions import add_backend, remove_backend

__all__ = ["SyncCodeError", "install", "uninstall"]

_BRIDGES = (*models.BRIDGES, *users.BRIDGES)
_patches = Patches(*requests.PATCHES, *transactions.PATCHES)


def install(*chosen: type[Model]) -> None:
    """Send the signals of these models and their subclasses, or of all models.

    The signals of users and of requests come with either. Installing again adds to what is
    installed. Transactions that are open already are not waited for.

    Args:
        chosen: The models; none for all of them.

    Raises:
        SignalOptionError: Something given is not a model class.
        InstallError: The installed version of Django is not one that this is made for.
    """
    check_version("django", (5, 2), (7, 0))
    check_models(chosen, Model, "Django")
    models.installed.update(chosen or (Model,))
    if not _patches.are_applied:
        _patches.apply()
        for bridge in _BRIDGES:
            bridge.connect()
        requests.connect()
        add_backend(transactions.backend)


def uninstall(*chosen: type[Model]) -> None:
    """Take back an `install` of these models, or everything.

    With the last of them, Django is as it was. Do it while no transaction is open.

    Raises:
        SignalOptionError: A model that `install` was not given by itself.
    """
    check_installed(chosen, models.installed.__contains__)
    models.installed.difference_update(chosen or tuple(models.installed))
    if not models.installed and _patches.are_applied:
        remove_backend(transactions.backend)
        requests.disconnect()
        for bridge in _BRIDGES:
            bridge.disconnect()
        _patches.restore()
