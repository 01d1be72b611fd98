"""Holding one receiver against the signals to which it is connected."""

from __future__ import annotations

from mypy.plugin import CheckerPluginInterface, FunctionContext, MethodContext
from mypy.types import CallableType, Type

from fastdjango_signals.mypy.callables import Candidate, candidates
from fastdjango_signals.mypy.codes import SIGNAL_RECEIVER, report
from fastdjango_signals.mypy.dependencies import depend_on
from fastdjango_signals.mypy.names import ASYNC_ITERATOR, AWAITABLE
from fastdjango_signals.mypy.payloads import Payload, any_type
from fastdjango_signals.mypy.receivers import not_async, problems


def judge(ctx: FunctionContext | MethodContext, receiver: Type, payload: Payload) -> None:
    """Report why a signal of this payload could not call the receiver: one error for each."""
    depend_on(ctx.api, payload.model)
    for candidate in candidates(receiver):
        found = _problems(ctx.api, candidate, payload)
        report(ctx.api, ctx.context, SIGNAL_RECEIVER, candidate.title, found)


def _problems(api: CheckerPluginInterface, candidate: Candidate, payload: Payload) -> list[str]:
    if candidate.problem is not None:
        return [candidate.problem]
    verdicts = [_of_signature(api, each, payload) for each in candidate.signatures]
    return min(verdicts, key=len) if verdicts else []


def _of_signature(
    api: CheckerPluginInterface, signature: CallableType, payload: Payload
) -> list[str]:
    awaitable = api.named_generic_type(AWAITABLE, [any_type()])
    iterator = api.named_generic_type(ASYNC_ITERATOR, [any_type()])
    lacking = not_async(signature, awaitable, iterator)
    return [*([lacking] if lacking else []), *problems(signature, payload, api.options)]
