"""The mypy plugin: `plugins = fastdjango_signals.mypy` in mypy.ini.

It stands outside the package that it checks, whose classes it knows by name alone.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from mypy.plugin import Plugin

from fastdjango_signals.mypy.routing import SignalsPlugin

_SOURCES = sorted(Path(__file__).parent.glob("*.py"))

__version__ = hashlib.sha256(b"".join(map(Path.read_bytes, _SOURCES))).hexdigest()
"""mypy sets its cache aside where this has changed."""


def plugin(_version: str) -> type[Plugin]:
    """Return the plugin; mypy calls this with its own version."""
    return SignalsPlugin
