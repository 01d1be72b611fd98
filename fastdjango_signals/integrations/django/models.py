"""`save`, `delete` and many-to-many relations: the signals of models."""

# Django has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model, signals

from fastdjango_signals.builtin import m2m_changed, post_delete, post_save, pre_delete, pre_save
from fastdjango_signals.integrations.django.bridges import Bridge

installed: set[type[Model]] = set()
"""The models whose signals are sent; `Model` is for all."""


class ModelBridge(Bridge):
    """Forwards a signal of models that are installed, or inherit from one."""

    __slots__ = ()

    def concerns(self, sender: Any, named: Mapping[str, Any]) -> bool:
        """Return whether the sender, or one side of the relation whose it is, is installed."""
        sides = (sender, type(named.get("instance")), named.get("model", sender))
        chosen = tuple(installed)
        return any(isinstance(side, type) and issubclass(side, chosen) for side in sides)


BRIDGES = (
    ModelBridge(signals.pre_save, pre_save, ("instance", "raw", "using", "update_fields")),
    ModelBridge(
        signals.post_save, post_save, ("instance", "created", "raw", "using", "update_fields")
    ),
    ModelBridge(signals.pre_delete, pre_delete, ("instance", "using")),
    ModelBridge(signals.post_delete, post_delete, ("instance", "using")),
    ModelBridge(
        signals.m2m_changed,
        m2m_changed,
        ("instance", "action", "reverse", "model", "pk_set", "using"),
    ),
)
