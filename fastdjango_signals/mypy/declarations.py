"""What a signal cannot be made of, in words; the rules are those of `Signal()` at run time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from keyword import iskeyword

from mypy.messages import pretty_seq
from mypy.typeops import try_getting_str_literals_from_type
from mypy.types import FunctionLike, Instance, ProperType, Type, get_proper_type

from fastdjango_signals.mypy.names import BASE_MODEL, ROOT_MODEL
from fastdjango_signals.mypy.payloads import Payload, is_model

_RESERVED = ("sender", "payload")

# What may be a list of names or a model class, for all that its type tells.
_PERHAPS = ("typing.Sequence", "builtins.type")


def not_providing_args(given: ProperType | None) -> str | None:
    """Return why this is neither a model class nor a list of names, if that is sure."""
    if isinstance(given, FunctionLike):
        return _not_a_model_class(given)
    if not isinstance(given, Instance):
        return None
    name = given.type.name
    if given.type.fullname == "builtins.str":
        literals = try_getting_str_literals_from_type(given) or ["order"]
        return f'is given a string; write ["{literals[0]}"] for a single name'
    if given.type.has_base(BASE_MODEL):
        return f"is given an instance of {name}; give the class itself, {name}"
    may_be_right = any(map(given.type.has_base, _PERHAPS)) and name != "bytes"
    if may_be_right or given.type.fallback_to_any or name == "object":
        return None
    return f'is given {name}; give a model class, or a list of names such as ["order"]'


def _not_a_model_class(given: FunctionLike) -> str | None:
    if not given.is_type_obj():
        return "is given a function; give the model class that it makes"
    info = given.type_object()
    if info.has_base(BASE_MODEL) or info.fallback_to_any:
        return None
    return f"is given {info.name}, which is no pydantic model; declare a subclass of Payload"


def another_model(declared: Type, given: ProperType | None) -> str | None:
    """Return why what carries one model for sure cannot be made of another, if so."""
    model = get_proper_type(declared)
    if not is_model(model) or not isinstance(given, FunctionLike) or not given.is_type_obj():
        return None
    if given.type_object() == model.type:
        return None
    other = given.type_object().name
    return f"is declared to carry {model.type.name}, but is given {other}; leave {other} out"


def wrong_names(names: Sequence[str]) -> str | None:
    """Return why these cannot be the names of fields, if so."""
    for name, count in Counter(names).items():
        if name in _RESERVED:
            return f'lists "{name}", which every receiver has already; rename it'
        if not name.isidentifier() or iskeyword(name) or name.startswith(("_", "model_config")):
            return f'lists "{name}", which cannot be a field; list plain names'
        if count > 1:
            return f'lists "{name}" twice'
    return None


def wrong_model(payload: Payload) -> str | None:
    """Return why this model cannot be a payload, if so."""
    model = get_proper_type(payload.model)
    if isinstance(model, Instance) and model.type.has_base(ROOT_MODEL):
        return (
            f"is given {payload.title}, a RootModel; declare a Payload with a field for its value"
        )
    taken = [name for name in _RESERVED if name in (payload.fields or ())]
    if taken:
        listed = pretty_seq(taken, "and")
        return f"is given {payload.title}, whose {listed} every receiver has already; rename it"
    return None
