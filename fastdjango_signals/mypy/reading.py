"""Whether what a signal sends can be read as what a receiver declares."""

from __future__ import annotations

from mypy.erasetype import erase_typevars
from mypy.maptype import map_instance_to_supertype
from mypy.options import Options
from mypy.subtypes import is_subtype
from mypy.types import Instance, Type, TypeVarType, UnionType, get_proper_type

from fastdjango_signals.mypy.names import BASE_MODEL


def readable(declared: Type) -> Type:
    """Return what a parameter takes, whatever stands for the type variables in it."""
    proper = get_proper_type(declared)
    if isinstance(proper, TypeVarType):
        return UnionType.make_union(proper.values) if proper.values else proper.upper_bound
    return erase_typevars(declared)


def suits(given: Type, taken: Type, options: Options) -> bool:
    """Return whether a payload of one type can be read as another.

    Nobody writes to it, so that `PostSave[User]` can be read as `PostSave[Model]`.
    """
    given, taken = get_proper_type(given), get_proper_type(taken)
    if is_subtype(given, taken, options=options):
        return True
    if isinstance(taken, UnionType):
        return any(suits(given, item, options) for item in taken.items)
    if not isinstance(given, Instance) or not isinstance(taken, Instance):
        return False
    if not taken.args or not given.type.has_base(taken.type.fullname):
        return False
    wide, narrow = taken.args, map_instance_to_supertype(given, taken.type).args
    return len(wide) == len(narrow) and all(
        is_subtype(each, wider, options=options) for each, wider in zip(narrow, wide, strict=True)
    )


def is_read_as_model(given: Type, taken: Type, options: Options) -> bool:
    """Return whether a parameter is declared to be a model, and the payload is one."""
    proper = get_proper_type(taken)
    is_declared = isinstance(proper, Instance) and proper.type.has_base(BASE_MODEL)
    return is_declared and suits(given, taken, options)
