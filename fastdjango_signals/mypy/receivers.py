"""What is wrong with a receiver, in words.

The rules are those of `Signal.connect` at run time, and the types of the fields on top.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mypy.erasetype import erase_typevars
from mypy.maptype import map_instance_to_supertype
from mypy.messages import best_matches, format_type_distinctly, pretty_seq
from mypy.nodes import FuncDef
from mypy.options import Options
from mypy.subtypes import is_subtype
from mypy.types import CallableType, Instance, Type, UnionType, get_proper_type

from fastdjango_signals.mypy.payloads import Field, Payload

_GENERATES = "is an async generator; return a value instead of yielding"


@dataclass(frozen=True)
class Parameter:
    """A parameter that can be given by keyword."""

    type: Type
    required: bool


@dataclass(frozen=True)
class Judgement:
    """A receiver's parameters, held against a payload.

    Attributes:
        parameters: Those that can be given by keyword.
        takes_args: Whether there is `*args`.
        kwargs: The type of the values in `**kwargs`; None without it.
        payload: What the signal carries.
        options: mypy's options, which say how types are written.
    """

    parameters: Mapping[str, Parameter]
    takes_args: bool
    kwargs: Type | None
    payload: Payload
    options: Options

    def problems(self) -> Iterator[str]:
        """Yield why no send could call the receiver, one phrase for each reason."""
        takes_anything = self.takes_args and self.kwargs is not None
        if "sender" not in self.parameters and not takes_anything:
            yield 'has no parameter "sender", which every signal gives'
        if "payload" in self.parameters:
            yield from self._as_a_whole()
        elif self.payload.fields is not None:
            yield from self._field_by_field(self.payload.fields)

    def _as_a_whole(self) -> Iterator[str]:
        taken = self.parameters["payload"].type
        if not _suits(self.payload.model, taken, self.options):
            wrong, right = self._written(taken, self.payload.model)
            yield f'takes "payload: {wrong}", but the payload is "{right}"'
        for name, parameter in self.parameters.items():
            if parameter.required and name not in ("sender", "payload"):
                yield f'takes the payload whole, so nothing fills "{name}"'

    def _field_by_field(self, fields: Mapping[str, Field]) -> Iterator[str]:
        meant: set[str] = set()
        for name, parameter in self.parameters.items():
            if name in fields:
                yield from self._type_problem(f"{name}: ", name, parameter.type)
            elif name in ("self", "cls") and parameter.required:
                yield f'requires "{name}"; connect the bound method of an object'
            elif name != "sender" and parameter.required and not self.payload.is_open:
                near = best_matches(name, fields.keys() - self.parameters.keys(), 1)
                meant.update(near)
                question = f'; did you mean "{near[0]}"?' if near else ""
                yield f'requires "{name}", which {self.payload.title} does not provide{question}'
        homeless = [name for name in fields if name not in self.parameters and name not in meant]
        yield from self._without_a_place(homeless)

    def _without_a_place(self, homeless: list[str]) -> Iterator[str]:
        if self.kwargs is not None:
            for name in homeless:
                yield from self._type_problem("**kwargs: ", name, self.kwargs)
            return
        if homeless:
            listed = pretty_seq(homeless, "and")
            it = "it" if len(homeless) == 1 else "them"
            yield f'has no place for {listed} of {self.payload.title}; add {it} or "**kwargs"'
        if self.payload.is_open:
            yield 'needs "**kwargs", because the signal carries any keyword'

    def _type_problem(self, prefix: str, name: str, taken: Type) -> Iterator[str]:
        given = (self.payload.fields or {})[name].type
        if not is_subtype(given, taken, options=self.options):
            wrong, right = self._written(taken, given)
            yield f'takes "{prefix}{wrong}", but {self.payload.title}.{name} is "{right}"'

    def _written(self, *both: Type) -> tuple[str, ...]:
        return format_type_distinctly(*both, options=self.options, bare=True)


def problems(signature: CallableType, payload: Payload, options: Options) -> list[str]:
    """Return why no send of this payload could call the receiver, if so."""
    if signature.is_ellipsis_args:
        return []
    signature = signature.with_unpacked_kwargs()
    arguments = list(
        zip(signature.arg_names, signature.arg_kinds, signature.arg_types, strict=True)
    )
    if any(name is None and kind.is_required() for name, kind, _ in arguments):
        return ["takes parameters by position alone, but receivers are called by keyword"]
    parameters = {
        name: Parameter(erase_typevars(declared), kind.is_required())
        for name, kind, declared in arguments
        if name is not None and not kind.is_star()
    }
    args, kwargs = signature.var_arg(), signature.kw_arg()
    taken = erase_typevars(kwargs.typ) if kwargs else None
    return list(Judgement(parameters, args is not None, taken, payload, options).problems())


def _suits(given: Type, taken: Type, options: Options) -> bool:
    """Return whether a payload of one type can be read as another.

    It is never written to, so that `PostSave[User]` can be read as `PostSave[Model]`.
    """
    given, taken = get_proper_type(given), get_proper_type(taken)
    if is_subtype(given, taken, options=options):
        return True
    if isinstance(taken, UnionType):
        return any(_suits(given, item, options) for item in taken.items)
    if not isinstance(given, Instance) or not isinstance(taken, Instance):
        return False
    if not taken.args or not given.type.has_base(taken.type.fullname):
        return False
    pairs = zip(map_instance_to_supertype(given, taken.type).args, taken.args, strict=True)
    return all(is_subtype(narrow, wide, options=options) for narrow, wide in pairs)


def not_async(signature: CallableType, awaitable: Type, iterator: Type) -> str | None:
    """Return why a call of the receiver gives nothing to wait for, if so."""
    returned, function = signature.ret_type, signature.definition
    if isinstance(function, FuncDef) and function.is_async_generator:
        return _GENERATES
    if is_subtype(returned, awaitable) and not _is_sync(signature):
        return None
    if is_subtype(returned, iterator):
        return _GENERATES
    return 'is not async; declare it with "async def"'


def _is_sync(signature: CallableType) -> bool:
    """Return whether this is surely no async function, whatever it returns.

    A method may be overridden by an async one, and what a decorator returns is not known.
    """
    function = signature.definition
    if isinstance(function, FuncDef):
        return not function.is_coroutine and not function.info
    return signature.name == "<lambda>"
