"""The two error codes of the plugin, which `# type: ignore[...]` can name."""

from __future__ import annotations

from mypy.checker import TypeChecker
from mypy.errorcodes import ErrorCode
from mypy.nodes import Context
from mypy.plugin import CheckerPluginInterface

SIGNAL_RECEIVER = ErrorCode(
    "signal-receiver", "Check that a signal can call its receivers", "Signals"
)
SIGNAL_PAYLOAD = ErrorCode(
    "signal-payload", "Check what signals are declared to carry, and how it is sent", "Signals"
)


def report(api: CheckerPluginInterface, message: str, context: Context, code: ErrorCode) -> None:
    """Report an error, unless mypy will come back to this place when it knows more."""
    if isinstance(api, TypeChecker) and not api.current_node_deferred:
        api.fail(message, context, code=code)
