"""Signals of models: a sender that is known tells what the instance is."""

from __future__ import annotations

from mypy.erasetype import erase_typevars
from mypy.types import AnyType, CallableType, Instance, Type, TypeType, get_proper_type

from fastdjango_signals.mypy.names import MODEL_PAYLOADS
from fastdjango_signals.mypy.payloads import signal_arguments


def arguments_of_sender(signal: Type, sender: Type | None) -> tuple[Type, Type] | None:
    """Return M and P of a signal, as a receiver of this sender sees them; None for other types."""
    arguments = signal_arguments(signal)
    return (_narrowed(arguments[0], sender), arguments[1]) if arguments is not None else None


def _narrowed(model: Type, sender: Type | None) -> Type:
    """Return `PostSave[User]` for `PostSave[Any]` from the sender User; others as they are."""
    model, sent_by = get_proper_type(model), _class_of(sender)
    if (
        sent_by is not None
        and isinstance(model, Instance)
        and model.type.fullname in MODEL_PAYLOADS
        and len(model.args) == 1
        and isinstance(get_proper_type(model.args[0]), AnyType)
    ):
        return model.copy_modified(args=[sent_by])
    return model


def _class_of(sender: Type | None) -> Type | None:
    """Return the instances of a sender that is a class."""
    sender = get_proper_type(sender)
    if isinstance(sender, CallableType) and sender.is_type_obj():
        made = get_proper_type(sender.ret_type)
    elif isinstance(sender, TypeType):
        made = sender.item
    else:
        return None
    return erase_typevars(made) if isinstance(made, Instance) else None
