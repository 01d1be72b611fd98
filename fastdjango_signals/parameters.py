"""The model between the brackets of `Signal[...]`: at run time too, it says what is sent."""

from __future__ import annotations

from types import GenericAlias
from typing import Any, ForwardRef

from pydantic import BaseModel
from typing_extensions import ParamSpec, TypeVar, get_original_bases

from fastdjango_signals.exceptions import SignalDefinitionError
from fastdjango_signals.payloads import is_model
from fastdjango_signals.places import name_of


class SignalAlias(GenericAlias):
    """What `Signal[OrderPlaced]` is; calling it makes a signal of that payload."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Make the signal, as its class would, with the payload between the brackets."""
        signal_class: Any = self.__origin__
        signal = signal_class.__new__(signal_class, *args, **kwargs)
        signal._declared = signal_class._declared or _model(self)
        signal_class.__init__(signal, *args, **kwargs)
        return signal

    def __getitem__(self, arguments: Any) -> SignalAlias:
        """Fill in type variables: `Alias = Signal[M]; Alias[OrderPlaced]`."""
        origin: Any = self.__origin__
        return SignalAlias(origin, super().__getitem__(arguments).__args__)


def declared_by_bases(signal_class: type) -> type[BaseModel] | None:
    """Return the model that `class Orders(Signal[OrderPlaced])` declares, if it does."""
    for base in get_original_bases(signal_class):
        if isinstance(base, SignalAlias) and (model := _model(base)):
            return model
    return None


def agree(declared: type[BaseModel] | None, providing_args: object) -> object:
    """Return what the brackets and the argument of a signal say, if they say the same.

    Raises:
        SignalDefinitionError: They contradict each other.
    """
    if declared is None or providing_args is declared:
        return providing_args
    if providing_args is None:
        return declared
    raise SignalDefinitionError(
        f"Signal[{declared.__name__}] is given another payload, {name_of(providing_args)}; "
        f"write Signal({declared.__name__})"
    )


def _payload(alias: SignalAlias) -> Any:
    """Return what stands for the payload: a class may have more parameters, in another order."""
    signal_class: Any = alias.__origin__
    for base in get_original_bases(signal_class):
        if isinstance(base, SignalAlias):
            given = dict(zip(signal_class.__parameters__, alias.__args__, strict=False))
            origin: Any = base.__origin__
            filled = tuple(given.get(argument, argument) for argument in base.__args__)
            return _payload(SignalAlias(origin, filled))
    return alias.__args__[0]


def _model(alias: SignalAlias) -> type[BaseModel] | None:
    """Return the model in the brackets; None where they leave it open."""
    argument = _payload(alias)
    if argument is Any or isinstance(argument, TypeVar | ParamSpec):
        return None
    if is_model(argument):
        return argument
    if isinstance(argument, str | ForwardRef):
        name = argument if isinstance(argument, str) else argument.__forward_arg__
        raise SignalDefinitionError(
            f'Signal["{name}"] names its payload in quotes, which only a type checker can read; '
            f"define {name} first and write Signal({name})"
        )
    raise SignalDefinitionError(
        f"Signal[...] is given {name_of(argument)}, which is no pydantic model; "
        "write Signal(OrderPlaced), with OrderPlaced a subclass of Payload"
    )
