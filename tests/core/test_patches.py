"""Methods of a library that an integration replaces for a while."""

from __future__ import annotations

from collections.abc import Callable

from fastdjango_signals.patches import Patch, Patches


def test_a_patched_class_is_put_back_as_it_was() -> None:
    class Library:
        def answer(self) -> int:
            return 41

    def one_more(native: Callable[[Library], int]) -> Callable[[Library], int]:
        return lambda self: native(self) + 1

    before = dict(vars(Library))
    patch = Patch(Library, "answer", one_more)
    original = patch.apply()
    assert Library().answer() == 42
    patch.restore(original)
    assert Library().answer() == 41
    assert dict(vars(Library)) == before


def test_patches_are_applied_once_and_put_back_together() -> None:
    class Library:
        def answer(self) -> int:
            return 41

    def one_more(native: Callable[[Library], int]) -> Callable[[Library], int]:
        return lambda self: native(self) + 1

    patches = Patches(Patch(Library, "answer", one_more))
    patches.apply()
    patches.apply()
    assert (patches.are_applied, Library().answer()) == (True, 42)
    patches.restore()
    patches.restore()
    assert (patches.are_applied, Library().answer()) == (False, 41)
