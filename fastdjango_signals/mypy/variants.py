"""The types that a value of a type may have: those in a union, or behind a type variable."""

from __future__ import annotations

from collections.abc import Iterator

from mypy.types import ProperType, Type, TypeVarType, UnionType, get_proper_type


def variants(value: Type) -> Iterator[ProperType]:
    """Yield each of them, in order."""
    proper = get_proper_type(value)
    if isinstance(proper, UnionType):
        for item in proper.items:
            yield from variants(item)
    elif isinstance(proper, TypeVarType):
        for item in proper.values or [proper.upper_bound]:
            yield from variants(item)
    else:
        yield proper
