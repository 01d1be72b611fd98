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


class Patches:
    """Patches that are applied, and put back, together."""

    def __init__(self, *patches: Patch) -> None:
        self._patches = patches
        self._originals: tuple[Any, ...] = ()

    @property
    def are_applied(self) -> bool:
        """Whether the methods are replaced at present."""
        return bool(self._originals)

    def apply(self) -> None:
        """Replace the methods, unless they are replaced already."""
        if not self.are_applied:
            self._originals = tuple([patch.apply() for patch in self._patches])

    def restore(self) -> None:
        """Put the originals back, if they are replaced."""
        for patch, original in zip(self._patches, self._originals, strict=False):
            patch.restore(original)
        self._originals = ()
