"""What the mypy daemon has to know: which code to check again after a payload has changed."""

from __future__ import annotations

from mypy.checker import TypeChecker
from mypy.plugin import CheckerPluginInterface
from mypy.server.trigger import make_wildcard_trigger
from mypy.types import Instance, Type, get_proper_type

from fastdjango_signals.mypy.names import BASE_MODEL


def depend_on(api: CheckerPluginInterface, model: Type) -> None:
    """Have the function or module at hand checked again whenever the model changes."""
    model = get_proper_type(model)
    if not isinstance(api, TypeChecker) or not isinstance(model, Instance):
        return
    target = api.tscope.current_target()
    for base in model.type.mro:
        if base.has_base(BASE_MODEL):
            trigger = make_wildcard_trigger(base.fullname)
            api.tree.plugin_deps.setdefault(trigger, set()).add(target)
