"""What the mypy daemon has to know: which code to check again after a payload has changed."""

from __future__ import annotations

from collections.abc import Iterator

from mypy.checker import TypeChecker
from mypy.plugin import CheckerPluginInterface
from mypy.server.deps import get_type_triggers
from mypy.server.trigger import make_trigger, make_wildcard_trigger
from mypy.types import Instance, Type, get_proper_type

from fastdjango_signals.mypy.names import BASE_MODEL
from fastdjango_signals.mypy.payloads import Payload
from fastdjango_signals.mypy.variants import variants


def depend_on(api: CheckerPluginInterface, payload: Payload, receiver: Type | None = None) -> None:
    """Have the function or module at hand checked again when the payload or receiver changes.

    mypy finds by itself what the types in that code depend on; but the fields of a model are not
    in the type `Signal[OrderPlaced]`, nor the method `__call__` in that of a callable object.
    """
    if isinstance(api, TypeChecker) and api.options.fine_grained_incremental:
        target = api.tscope.current_target()
        for trigger in (*_of_payload(payload), *_of_receiver(receiver)):
            api.tree.plugin_deps.setdefault(trigger, set()).add(target)


def _of_payload(payload: Payload) -> Iterator[str]:
    model = get_proper_type(payload.model)
    if isinstance(model, Instance):
        # The fields are noted anew, and the constructor with them, after those of a base.
        yield make_trigger(f"{model.type.fullname}.__init__")
        for base in model.type.mro:
            if base.has_base(BASE_MODEL):
                yield make_wildcard_trigger(base.fullname)
    for field in (payload.fields or {}).values():
        yield from get_type_triggers(field.type, use_logical_deps=False)


def _of_receiver(receiver: Type | None) -> Iterator[str]:
    for variant in variants(receiver) if receiver is not None else ():
        if isinstance(variant, Instance):
            for base in variant.type.mro:
                yield make_trigger(f"{base.fullname}.__call__")
