"""What a signal carries: the pydantic model behind `providing_args`, and its validation."""

from __future__ import annotations

import keyword
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypeGuard, cast

from pydantic import BaseModel, ConfigDict, create_model

from fastdjango_signals.exceptions import ReservedFieldError, SignalDefinitionError
from fastdjango_signals.places import caller, name_of
from fastdjango_signals.wording import listed

RESERVED = ("sender", "payload")
"""Names that every receiver may have in its own right, so that no field can have them."""


class Payload(BaseModel):
    """Base model for payloads: strict, frozen, closed to unknown fields.

    Strict, so that what a type checker flags (`qty="1"`) is refused at run time too.
    """

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", arbitrary_types_allowed=True
    )


class OpenPayload(Payload):
    """The payload of a signal that declares nothing, and so carries any keywords."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True, slots=True)
class NamesDatabase:
    """Annotation of the field that names the database whose transaction counts."""


_NAMES = NamesDatabase()

DatabaseAlias: TypeAlias = Annotated[str | None, _NAMES]
"""Type of a field for the alias of a database: `using: DatabaseAlias = None`.

Receivers connected with `on_commit=True` wait for a transaction of that database; without such a
field, or where it is None, for the innermost transaction.
"""


class Schema:
    """The model of one signal's payload, ready to validate.

    Attributes:
        model: The pydantic model class.
        fields: The names of its fields, in order.
        is_open: Whether keywords beyond the fields are carried too.
        name: The name that a signal takes from this payload.
        validate: Returns the payload of a send; raises `pydantic.ValidationError` where the
            keywords do not fit.
    """

    __slots__ = ("_alias_field", "_aliased", "fields", "is_open", "model", "name", "validate")

    def __init__(self, model: type[BaseModel], name: str) -> None:
        self.model = model
        self.fields = tuple(model.model_fields)
        self.is_open = model.model_config.get("extra") == "allow"
        self.name = name
        naming = (key for key, field in model.model_fields.items() if _NAMES in field.metadata)
        self._alias_field = next(naming, None)
        aliased = any(
            field.alias is not None or field.validation_alias is not None
            for field in model.model_fields.values()
        )
        if aliased and model.__pydantic_custom_init__ and not _takes_names(model):
            raise SignalDefinitionError(
                f"{name_of(model)} has aliases and an __init__ of its own, through which fields "
                "cannot be given by name; set validate_by_name=True in its model_config"
            )
        self._aliased = aliased
        self.bind()

    def bind(self) -> None:
        """Choose how to validate; better than before once forward references are resolved."""
        self.validate = _validator(self.model, aliased=self._aliased, is_open=self.is_open)

    def values(self, payload: BaseModel) -> dict[str, Any]:
        """Return the fields of a payload by name, as they are: nested models stay models."""
        attributes = payload.__dict__
        values = {name: attributes[name] for name in self.fields}
        if self.is_open:
            values.update(payload.__pydantic_extra__ or {})
        return values

    def database(self, payload: BaseModel) -> str | None:
        """Return the alias of the database that a payload names, if it does."""
        return payload.__dict__[self._alias_field] if self._alias_field is not None else None


def _validator(
    model: type[BaseModel], *, aliased: bool, is_open: bool
) -> Callable[[dict[str, Any]], BaseModel]:
    """Return a function that makes a payload of keywords: pydantic's own, wherever that will do."""
    by_name: dict[str, Any] = {"by_alias": False, "by_name": True} if aliased else {}

    def validate(keywords: dict[str, Any]) -> BaseModel:
        if is_open:
            _refuse_reserved(model, keywords)
        # Read at each send: a model with forward references replaces it once they are resolved.
        validated: object = model.__pydantic_validator__.validate_python(keywords, **by_name)
        return _checked(model, validated)

    is_odd = model.__pydantic_custom_init__ or model.__pydantic_decorators__.model_validators
    if aliased or is_open or is_odd or not model.__pydantic_complete__:
        return validate
    return cast(
        "Callable[[dict[str, Any]], BaseModel]", model.__pydantic_validator__.validate_python
    )


def _checked(model: type[BaseModel], validated: object) -> BaseModel:
    """Return what a validator, or a constructor, made of the keywords, if that is a payload."""
    if not isinstance(validated, model):
        raise SignalDefinitionError(
            f"a validator of {name_of(model)} returned {name_of(type(validated))} "
            f"instead of the model; return an instance of {model.__name__}"
        )
    for name in model.model_fields:
        if name not in validated.__dict__:
            raise SignalDefinitionError(
                f"a validator of {name_of(model)} returned an instance without {name!r}; "
                "return one that has every field"
            )
    _refuse_reserved(model, validated.__pydantic_extra__ or {})
    return validated


def _refuse_reserved(model: type[BaseModel], keywords: Mapping[str, Any]) -> None:
    for name in RESERVED:
        if name in keywords:
            raise ReservedFieldError(
                f'a send of {name_of(model)} has the keyword "{name}", which every receiver '
                "already has in its own right; rename it"
            )


def schema_of(providing_args: object) -> Schema:
    """Return the schema that `providing_args` declares: a model class, names, or None."""
    if providing_args is None:
        return Schema(OpenPayload, f"{caller()[0]}.Signal()")
    if is_model(providing_args):
        return _schema_of_model(providing_args)
    if _is_sequence(providing_args):
        return _schema_of_names(providing_args)
    raise _refusal(providing_args)


def is_model(value: object) -> TypeGuard[type[BaseModel]]:
    """Return whether this is a pydantic model class."""
    return isinstance(value, type) and issubclass(value, BaseModel)


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _schema_of_model(model: type[BaseModel]) -> Schema:
    if model.__pydantic_root_model__:
        raise SignalDefinitionError(
            f"{name_of(model)} is a RootModel and has no fields to send by keyword; "
            "declare a Payload with a field for its value"
        )
    taken = [name for name in RESERVED if name in model.model_fields]
    if taken:
        raise ReservedFieldError(
            f"{name_of(model)} has a field {listed(taken)}, which every receiver already has in "
            "its own right; rename the field"
        )
    return Schema(model, f"{model.__module__}.{model.__qualname__}")


def _schema_of_names(names: Sequence[object]) -> Schema:
    for name in names:
        if not _is_field_name(name):
            raise SignalDefinitionError(
                f"providing_args lists {name!r}, which cannot be a field; "
                'list plain names, as in ["order", "user"]'
            )
        if names.count(name) > 1:
            raise SignalDefinitionError(f"providing_args lists {name!r} twice")
    module, title = caller()[0], f"Signal({', '.join(map(str, names))})"
    fields: dict[str, Any] = {str(name): (Any, ...) for name in names}
    with warnings.catch_warnings():
        # A name such as "json" hides a method of the model, which no receiver ever misses.
        warnings.filterwarnings("ignore", message=".*shadows an attribute.*")
        try:
            model = create_model(title, __base__=Payload, __module__=module, **fields)
        except (NameError, TypeError, ValueError) as error:
            raise SignalDefinitionError(f"providing_args cannot be a payload: {error}") from error
    return _schema_of_model(model)


def _takes_names(model: type[BaseModel]) -> bool:
    config = model.model_config
    return bool(config.get("validate_by_name") or config.get("populate_by_name"))


def _is_field_name(name: object) -> bool:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        return False
    # Names that pydantic takes for private attributes, or for its own.
    return not name.startswith("_") and name != "model_config"


def _refusal(providing_args: object) -> SignalDefinitionError:
    kind = "a string" if isinstance(providing_args, str) else name_of(providing_args)
    if isinstance(providing_args, str):
        hint = f'write ["{providing_args}"] for a single name'
    elif is_model(type(providing_args)):
        hint = "give the model class itself"
    else:
        hint = 'give a pydantic model class, or a list of names such as ["order", "user"]'
    return SignalDefinitionError(f"providing_args is {kind}; {hint}")
