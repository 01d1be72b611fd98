"""The two error codes of the plugin, for `# type: ignore[...]`, and how it reports."""

from __future__ import annotations

from collections.abc import Sequence

from mypy.checker import TypeChecker
from mypy.errorcodes import ErrorCode
from mypy.nodes import Context
from mypy.plugin import CheckerPluginInterface

SIGNAL_RECEIVER = ErrorCode(
    "signal-receiver", "Check that a signal can call its receivers", "Signals"
)
SIGNAL_PAYLOAD = ErrorCode(
    "signal-payload", "Check what signals are made of, and how it is sent", "Signals"
)


def report(
    api: CheckerPluginInterface,
    context: Context,
    code: ErrorCode,
    subject: str,
    problems: Sequence[str],
) -> None:
    """Report all that is wrong with one thing as one error, unless mypy will look again later."""
    if not problems or (isinstance(api, TypeChecker) and api.current_node_deferred):
        return
    message = f"{subject} {problems[0]}"
    for problem in problems[1:]:
        message += f"{'' if message.endswith('?') else '.'} It {problem}"
    api.fail(message, context, code=code)
