"""What is wrong with a receiver's parameters, in words.

The rules are those of `Signal.connect` at run time, and the types of the fields on top.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mypy.messages import best_matches, format_type_distinctly, pretty_seq
from mypy.options import Options
from mypy.subtypes import is_subtype
from mypy.types import CallableType, Type

from fastdjango_signals.mypy.payloads import Field, Payload
from fastdjango_signals.mypy.reading import is_read_as_model, readable, suits


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
        fields, whole = self.payload.fields or {}, "payload" in self.parameters
        is_known = self.payload.fields is not None and not self.payload.is_open
        meant = self._misspelt(fields) if is_known and not whole else {}
        takes_anything = self.takes_args and self.kwargs is not None
        if "sender" not in {*self.parameters, *meant.values()} and not takes_anything:
            yield 'has no parameter "sender", which every signal gives'
        if whole:
            yield from self._as_a_whole()
            return
        for name, parameter in self.parameters.items():
            if name in fields:
                yield from self._wrong_type(f"{name}: ", parameter.type, {name: fields[name]})
            elif is_known:
                yield from self._unknown(name, parameter, meant.get(name))
        if "payload" not in meant.values():
            yield from self._without_a_place(
                {n: f for n, f in fields.items() if n not in {*self.parameters, *meant.values()}}
            )

    def _misspelt(self, fields: Mapping[str, Field]) -> dict[str, str]:
        """Return what each required parameter may have been meant to be."""
        offered = {"sender", "payload", *fields}
        meant: dict[str, str] = {}
        for name, parameter in self.parameters.items():
            if parameter.required and name not in offered:
                near = best_matches(name, sorted(offered - self.parameters.keys()), 1)
                if near:
                    meant[name] = near[0]
                elif is_read_as_model(self.payload.model, parameter.type, self.options):
                    meant[name] = "payload"
        return meant

    def _as_a_whole(self) -> Iterator[str]:
        taken = self.parameters["payload"].type
        if not suits(self.payload.model, taken, self.options):
            wrong, right = self._written(taken, self.payload.model)
            yield f'takes "payload: {wrong}", but the payload is "{right}"'
        for name, parameter in self.parameters.items():
            if parameter.required and name not in ("sender", "payload"):
                known = self.payload.fields or {}
                hint = f"; read payload.{name}" if name in known else ""
                yield f'takes the payload whole, so nothing fills "{name}"{hint}'

    def _unknown(self, name: str, parameter: Parameter, meant: str | None) -> Iterator[str]:
        if name == "sender" or not parameter.required:
            return
        if name in ("self", "cls"):
            yield f'requires "{name}"; connect the bound method of an object'
            return
        question = f'; did you mean "{meant}"?' if meant is not None else ""
        yield f'requires "{name}", which {self.payload.title} does not provide{question}'

    def _without_a_place(self, homeless: Mapping[str, Field]) -> Iterator[str]:
        if self.kwargs is not None:
            yield from self._wrong_type("**kwargs: ", self.kwargs, homeless)
            return
        if homeless:
            listed = pretty_seq([*homeless], "and")
            it = "it" if len(homeless) == 1 else "them"
            yield f'has no place for {listed} of {self.payload.title}; add {it} or "**kwargs"'
        if self.payload.is_open:
            yield 'needs "**kwargs", because the signal carries any keyword'

    def _wrong_type(self, prefix: str, taken: Type, given: Mapping[str, Field]) -> Iterator[str]:
        wrong = {
            name: field.type
            for name, field in given.items()
            if not is_subtype(field.type, taken, options=self.options)
        }
        if wrong:
            declared, *types = self._written(taken, *wrong.values())
            title = self.payload.title
            each = [f'{title}.{n} is "{t}"' for n, t in zip(wrong, types, strict=True)]
            yield f'takes "{prefix}{declared}", but {_listed(each)}'

    def _written(self, *types: Type) -> tuple[str, ...]:
        return format_type_distinctly(*types, options=self.options, bare=True)


def problems(signature: CallableType, payload: Payload, options: Options) -> list[str]:
    """Return why no send of this payload could call the receiver, if so."""
    if signature.is_ellipsis_args:
        return []
    signature = signature.with_unpacked_kwargs()
    arguments = list(
        zip(signature.arg_names, signature.arg_kinds, signature.arg_types, strict=True)
    )
    if any(name is None and kind.is_required() for name, kind, _ in arguments):
        return ['takes parameters by position alone, but is called by keyword; remove the "/"']
    parameters = {
        name: Parameter(readable(declared), kind.is_required())
        for name, kind, declared in arguments
        if name is not None and not kind.is_star()
    }
    args, kwargs = signature.var_arg(), signature.kw_arg()
    taken = readable(kwargs.typ) if kwargs else None
    return list(Judgement(parameters, args is not None, taken, payload, options).problems())


def _listed(phrases: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(phrases[:-1]), phrases[-1]]))
