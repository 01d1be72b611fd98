"""The mypy plugin: `plugins = fastdjango_signals.mypy` in mypy.ini.

It stands outside the package that it checks, whose classes it knows by name alone.
"""

from __future__ import annotations

from mypy.plugin import Plugin

from fastdjango_signals.mypy.routing import SignalsPlugin


def plugin(_version: str) -> type[Plugin]:
    """Return the plugin; mypy calls this with its own version."""
    return SignalsPlugin
