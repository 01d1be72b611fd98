"""The options of `Signal(...)` and `@receiver(...)`, which are overloaded functions.

mypy would list the overloads where an option is wrong; here it is told what is wrong instead, and
that the rest of the call is right.
"""

from __future__ import annotations

from collections.abc import Iterator

from mypy.errorcodes import ErrorCode
from mypy.messages import best_matches, format_type, pretty_seq
from mypy.nodes import ARG_OPT, ARG_POS, ARG_STAR, ARG_STAR2, CallExpr
from mypy.plugin import FunctionSigContext
from mypy.subtypes import is_subtype
from mypy.types import CallableType, Instance, get_proper_type

from fastdjango_signals.mypy.codes import report
from fastdjango_signals.mypy.payloads import any_type


def checked(
    ctx: FunctionSigContext, code: ErrorCode, subject: str, problem: str | None, example: str
) -> CallableType:
    """Report a problem of the first argument, or those of the options.

    The example is that of an option given by keyword.

    Returns:
        A signature that does not refuse once more what has been reported.
    """
    problems = [problem] if problem is not None else list(_option_problems(ctx, example))
    report(ctx.api, ctx.context, code, subject, problems)
    if not problems:
        return ctx.default_signature
    loose = with_any_options(ctx.default_signature.with_unpacked_kwargs())
    return loose if problem is None else _with_anything(loose)


def _option_problems(ctx: FunctionSigContext, example: str) -> Iterator[str]:
    """Yield what is wrong with the arguments of a call beside the first one."""
    call, signature = ctx.context, ctx.default_signature.with_unpacked_kwargs()
    if not isinstance(call, CallExpr):
        return
    if call.arg_kinds.count(ARG_POS) > 1:
        yield f"takes its options by keyword alone; write {example}"
    known = [name for name in signature.arg_names if name is not None]
    for name, value in zip(call.arg_names, call.args, strict=True):
        if name is None or name == signature.arg_names[0]:
            continue
        if name not in known:
            near = best_matches(name, known, 1)
            hint = f'did you mean "{near[0]}"?' if near else f"there are {pretty_seq(known, 'and')}"
            yield f'has no option "{name}"; {hint}'
            continue
        expected = signature.arg_types[signature.arg_names.index(name)]
        given = ctx.api.get_expression_type(value, expected)
        if not is_subtype(given, expected, options=ctx.api.options):
            wrong, right = (format_type(each, ctx.api.options) for each in (given, expected))
            yield f'needs {right} for its option "{name}", not {wrong}'


def with_any_options(signature: CallableType) -> CallableType:
    """Return the signature with any options, for what has been refused already."""
    return signature.copy_modified(
        arg_types=[signature.arg_types[0], any_type(), any_type()],
        arg_kinds=[signature.arg_kinds[0], ARG_STAR, ARG_STAR2],
        arg_names=[signature.arg_names[0], None, None],
    )


def _with_anything(signature: CallableType) -> CallableType:
    made = get_proper_type(signature.ret_type)
    if isinstance(made, Instance):
        made = made.copy_modified(args=[any_type() for _ in made.args])
    anything = [any_type() for _ in signature.arg_types]
    return signature.copy_modified(
        arg_types=anything,
        arg_kinds=[ARG_OPT, *signature.arg_kinds[1:]],
        ret_type=made,
        variables=[],
    )
