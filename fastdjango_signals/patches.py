"""Methods of a library that are replaced, where it has no hooks, and can be put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Patch:
    """One method to replace.

    Attributes:
        owner: The class that defines the method; one that inherits it would keep a copy.
        name: The method's name.
        wrap: Makes the replacement from the original.
    """

    owner: type
    name: str
    wrap: Callable[[Any], Callable[..., Any]]

    def apply(self) -> Any:
        """Replace the method; return the original."""
        original = vars(self.owner)[self.name]
        setattr(self.owner, self.name, self.wrap(original))
        return original

    def restore(self, original: Any) -> None:
        """Put the original back."""
        setattr(self.owner, self.name, original)
