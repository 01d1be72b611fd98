"""Phrases that several errors share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def near(name: str, known: Iterable[str]) -> str | None:
    """Return a question for whoever has misspelt one of the known names, if one is close."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f'did you mean "{found[0]}"?' if found else None


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: `"a", "b" and "c"`."""
    quoted = [f'"{name}"' for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def printable(text: str) -> str:
    """Return what neither a log nor a terminal takes for more than one line of text."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
