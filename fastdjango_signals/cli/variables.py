"""What modules have, and by what names: to find a signal by its variable, and the other way."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, cast

from fastdjango_signals.signals import Signal


class Variables:
    """The names that all modules have, read when they are first asked for."""

    @cached_property
    def _names(self) -> Mapping[int, list[tuple[str, str]]]:
        found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
        for module_name, module in list(sys.modules.items()):
            for name, value in _attributes(module).items():
                found[id(value)].append((module_name, name))
        return found

    def __contains__(self, value: object) -> bool:
        """Return whether a module has this."""
        return id(value) in self._names

    def of(self, signal: Signal[Any, ...]) -> str | None:
        """Return `module:name` of a signal, or None; rather of the module with its payload."""
        own = signal.providing_args.__module__
        names = self._names.get(id(signal), [])
        found = min(names, key=lambda pair: pair[0] != own, default=None)
        return ":".join(found) if found else None


def _attributes(module: object) -> dict[str, object]:
    """Return what a module has, without waking one that is loaded only once it is used."""
    with suppress(Exception):  # it may be anything that somebody has put there
        return dict(cast("dict[str, object]", object.__getattribute__(module, "__dict__")))
    return {}
