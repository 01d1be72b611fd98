"""What a signal carries, as its type tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from mypy.expandtype import expand_type_by_instance
from mypy.maptype import map_instance_to_supertype
from mypy.nodes import (
    ARG_NAMED,
    ARG_NAMED_OPT,
    ARG_STAR,
    ARG_STAR2,
    FuncDef,
    TypeInfo,
    Var,
)
from mypy.types import (
    AnyType,
    Instance,
    Parameters,
    ProperType,
    Type,
    TypeOfAny,
    get_proper_type,
)

from fastdjango_signals.mypy.names import BASE_MODEL, BASE_PAYLOAD, SIGNAL


def any_type() -> AnyType:
    """Return the type of what is not known."""
    return AnyType(TypeOfAny.special_form)


@dataclass(frozen=True)
class Field:
    """One field of a payload."""

    type: Type
    has_default: bool


@dataclass(frozen=True)
class Payload:
    """The payload of a signal.

    Attributes:
        title: What errors call it.
        model: Its type; Any where there is no model.
        fields: Its fields by name, in order; None where they are not known.
        is_open: Whether it carries any other keyword too.
    """

    title: str
    model: Type
    fields: Mapping[str, Field] | None = None
    is_open: bool = False

    def parameters(self) -> Parameters:
        """Return the parameters of a send, beside the sender."""
        anything = any_type()
        if self.fields is None:
            kinds = [ARG_STAR, ARG_STAR2]
            return Parameters([anything, anything], kinds, [None, None], is_ellipsis_args=True)
        types = [field.type for field in self.fields.values()]
        kinds = [ARG_NAMED_OPT if each.has_default else ARG_NAMED for each in self.fields.values()]
        if self.is_open:
            return Parameters([*types, anything], [*kinds, ARG_STAR2], [*self.fields, None])
        return Parameters(types, kinds, [*self.fields])


def signal_arguments(signal: Type) -> tuple[Type, Type] | None:
    """Return the two type arguments of a signal, M and P; None for any other type."""
    signal = get_proper_type(signal)
    if not isinstance(signal, Instance):
        return None
    base = next((base for base in signal.type.mro if base.fullname == SIGNAL), None)
    if base is None:
        return None
    match map_instance_to_supertype(signal, base).args:
        case (model, parameters):
            return model, parameters
        case _:
            return None


def payload_of(model: Type, parameters: Type) -> Payload:
    """Return the payload of a signal with these type arguments.

    The fields are those of the model. Without one, the parameters hold the names in the list of
    `Signal(["order", "user"])`, or the `**kwargs` of `Signal()`.
    """
    model, parameters = get_proper_type(model), get_proper_type(parameters)
    if is_model(model):
        return Payload(model.type.name, model, _fields(model))
    if not isinstance(parameters, Parameters) or parameters.is_ellipsis_args:
        return unknown_payload(model)
    if is_base(model) and not parameters.arg_names:
        return Payload(model.type.name, model, {})
    if not isinstance(model, AnyType):
        return unknown_payload(model)
    if ARG_STAR2 in parameters.arg_kinds:
        return open_payload()
    return payload_of_names([name for name in parameters.arg_names if name is not None])


def payload_of_names(names: Sequence[str]) -> Payload:
    """Return what `Signal(["order", "user"])` carries."""
    listed = ", ".join(f'"{name}"' for name in names)
    fields = {name: Field(any_type(), has_default=False) for name in names}
    return Payload(f"Signal([{listed}])", any_type(), fields)


def open_payload() -> Payload:
    """Return what `Signal()` carries: anything."""
    return Payload("Signal()", any_type(), {}, is_open=True)


def unknown_payload(model: Type) -> Payload:
    """Return what a signal carries that is annotated as `Signal`, say."""
    return Payload("the payload", model)


def is_model(model: ProperType | None) -> TypeGuard[Instance]:
    """Return whether this is a model whose fields are known, rather than a base of models."""
    return (
        isinstance(model, Instance)
        and model.type.has_base(BASE_MODEL)
        and not is_base(model)
        and not model.type.fallback_to_any
    )


def is_base(model: ProperType | None) -> TypeGuard[Instance]:
    """Return whether this is a base that stands for any model, and has no fields itself."""
    return isinstance(model, Instance) and model.type.fullname in (BASE_MODEL, BASE_PAYLOAD)


def makes_itself(model: Type) -> bool:
    """Return whether a model has a constructor of its own, which says what can be sent."""
    model = get_proper_type(model)
    made = model.type.get("__init__") if isinstance(model, Instance) else None
    if made is None or made.plugin_generated or not isinstance(made.node, FuncDef):
        return False
    return made.node.info.fullname != BASE_MODEL


def _fields(model: Instance) -> dict[str, Field] | None:
    defaults = _defaults(model.type)
    if defaults is None:
        return None
    return {
        name: Field(_type_of(model, name), has_default)
        for name, has_default in defaults.items()
        if not name.startswith("_")
    }


def _type_of(model: Instance, name: str) -> Type:
    symbol = model.type.get(name)
    if symbol is None or not isinstance(symbol.node, Var) or symbol.node.type is None:
        return any_type()
    owner = map_instance_to_supertype(model, symbol.node.info)
    return expand_type_by_instance(symbol.node.type, owner)


def _defaults(model: TypeInfo) -> dict[str, bool] | None:
    """Return the name of each field, and whether it has a default; None for `create_model()`.

    `pydantic.mypy` notes them, or else mypy's own reading of `dataclass_transform`; both keep
    their notes in mypy's cache.
    """
    by_pydantic: dict[str, Any] | None = model.metadata.get("pydantic-mypy-metadata")
    if by_pydantic is not None:
        return {name: bool(each["has_default"]) for name, each in by_pydantic["fields"].items()}
    by_mypy: dict[str, Any] | None = model.metadata.get("dataclass")
    if by_mypy is not None:
        return {each["name"]: bool(each["has_default"]) for each in by_mypy["attributes"]}
    return None
