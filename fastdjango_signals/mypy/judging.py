"""Holding one receiver against the signals to which it is connected."""

from __future__ import annotations

from mypy.nodes import Decorator, MemberExpr, NameExpr
from mypy.plugin import CheckerPluginInterface, FunctionContext, MethodContext
from mypy.types import CallableType, Type

from fastdjango_signals.mypy.asynchrony import not_async
from fastdjango_signals.mypy.callables import Candidate, candidates
from fastdjango_signals.mypy.codes import SIGNAL_RECEIVER, report
from fastdjango_signals.mypy.dependencies import depend_on
from fastdjango_signals.mypy.names import AWAITABLE
from fastdjango_signals.mypy.payloads import Payload, any_type
from fastdjango_signals.mypy.receivers import problems as problems_of


def judge(ctx: FunctionContext | MethodContext, receiver: Type, *payloads: Payload) -> bool:
    """Report in one error why signals of these payloads could not call the receiver.

    Returns:
        Whether it can be called at all.
    """
    for payload in payloads:
        depend_on(ctx.api, payload, receiver)
    name, found = _name(ctx), list(candidates(receiver))
    for candidate in found:
        problems = [each for payload in payloads for each in _problems(ctx.api, candidate, payload)]
        title = candidate.title if name is None else f'Receiver "{name}"'
        report(ctx.api, ctx.context, SIGNAL_RECEIVER, title, list(dict.fromkeys(problems)))
    return all(candidate.problem is None for candidate in found)


def _name(ctx: FunctionContext | MethodContext) -> str | None:
    """Return what the receiver is called where it is connected."""
    if isinstance(ctx.context, Decorator):
        return ctx.context.func.name
    expression = ctx.args[0][0] if ctx.args[0] else None
    return expression.name if isinstance(expression, NameExpr | MemberExpr) else None


def _problems(api: CheckerPluginInterface, candidate: Candidate, payload: Payload) -> list[str]:
    if candidate.problem is not None:
        return [candidate.problem]
    verdicts = [_of_signature(api, each, payload) for each in candidate.signatures]
    return min(verdicts, key=len) if verdicts else []


def _of_signature(
    api: CheckerPluginInterface, signature: CallableType, payload: Payload
) -> list[str]:
    awaitable = api.named_generic_type(AWAITABLE, [any_type()])
    lacking = not_async(signature, awaitable)
    return [*([lacking] if lacking else []), *problems_of(signature, payload, api.options)]
