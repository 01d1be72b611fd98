"""Programs that make little sense: what somebody has written halfway, or wrongly.

They are valid Python, for mypy asks no plugin about anything else.
"""

from __future__ import annotations

from random import Random

_HEAD = """
from __future__ import annotations
import asyncio, dataclasses, functools, typing, unittest.mock
from collections.abc import *
from typing import *
from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model, field_validator
from typing_extensions import TypedDict, Unpack
import fastdjango_signals
from fastdjango_signals import *
T = TypeVar("T")
P = ParamSpec("P")
class Fields(TypedDict, total=False):
    a: int
    b: Required[str]
"""

_NAMES = ("a", "b", "c", "self", "cls", "sender", "payload", "kwargs", "_x", "model_config")
_TYPES = (
    "int", "str", "Any", "object", "None", "'Model'", "'Missing'", "list[int]", "T", "type[T]",
    "int | None", "Literal['x', 1]", "Callable[..., Any]", "Callable[P, T]", "Signal[Any]",
    "Annotated[int, Field(gt=0)]", "ClassVar[int]", "Final", "Self", "Never", "tuple[int, ...]",
    "dict[str, 'Model']", "Fields", "Unpack[Fields]", "Missing[int]", "int[str]", "'int |'", "...",
)  # fmt: skip
_VALUES = (
    "None", "...", "1", "'x'", "[]", "{}", "()", "Missing", "Model", "Model()", "signal", "receive",
    "receive()", "asyncio.sleep", "lambda: None", "lambda *a, **k: receive(*a, **k)", "int", "Field()",
    "Signal", "Signal[Model]", "Signal[Model]()", "[signal, other]", "(signal,)", "[*names]", "names",
    "unittest.mock.AsyncMock()", "functools.partial(receive, 1)", "functools.partial(receive, a=1)",
    "functools.partial(functools.partial)", "Holder().method", "Holder.method", "Holder.signal",
    "Holder()", "signal.connect", "signal.send", "overloaded", "reveal_type(signal)", "type(signal)",
    "*names", "['a', 'b']", "['a', 1]", "[x for x in names]", "Model.model_validate", "super()",
    "undefined.attribute", "signal.missing", "post_save", "Holder", "maybe", "either", "generic",
)  # fmt: skip
_BASES = (
    "Payload", "BaseModel", "RootModel[int]", "Payload, Generic[T]", "Missing", "Signal[Any]", "Model",
    "Payload, Missing", "Fields", "Protocol", "Payload, extra='allow'", "create_model('M', a=(int, 1))",
    "Generic[T], Payload", "object", "PostSave[int]", "PostSave[T], Generic[T]",
)  # fmt: skip
_SIGNALS = (
    "Signal({})", "Signal[{}]()", "Signal({}, name={})", "Signal(providing_args={})", "Signal(*{})",
    "Signal(**{})", "Signal[{}]({})", "Signal({}, {}, {})", "Sub({})", "Signal(nam={})", "Alias()",
    "fastdjango_signals.Signal({})", "Signal[{}, {}]()", "Signal", "Sub[{}]()", "cast(Signal[{}], {})",
)  # fmt: skip
_CALLS = (
    "{}.connect({})", "{}.connect({}, {})", "{}.connect()({})", "{}.connect(sender={})({})",
    "{}.connect(*{})", "{}.connect(**{})", "{}.connect(receiver={}, sender={})", "{}.check({})",
    "{}.connected_to({})", "{}.send({})", "{}.send({}, a={})", "{}.send(sender={}, **{})",
    "{}.send(*{}, **{})", "{}.send_robust({}, {}, b={})", "{}.disconnect({})", "receiver({})({})",
    "receiver([{}, {}], sender={})({})", "receiver(*{})({})", "receiver({}, weak={})", "receiver()",
    "Signal.connect({}, {})", "Signal.send({}, {})", "Signal.connect({})", "{}.connect({}).send({})",
    "with_block({}.connected_to({}))", "[each.connect({}) for each in {}]", "{}.__class__({})",
    "functools.partial({}.connect, sender={})({})", "({} or {}).connect({})", "{}.check()",
    "({}).connect(({}, {}))", "receiver([])({})", "Connector({})({})",
)  # fmt: skip
_DECORATORS = (
    "@{}.connect", "@{}.connect()", "@{}.connect(sender={})", "@{}.connect({})", "@receiver({})",
    "@receiver([{}, {}])", "@receiver", "@receiver([{}], sender={})", "@staticmethod", "@classmethod",
    "@property", "@functools.wraps({})", "@{}", "@typing.overload", "@functools.cache", "@{}.send",
)  # fmt: skip


class Author:
    """Writes one program for each seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def program(self) -> str:
        classes = [self._model(), self._holder()]
        functions = [self._function("receive"), self._function("generic"), _OVERLOADED, _MAYBE]
        signals = [f"signal = {self._signal()}", f"other: {self._type()} = {self._signal()}"]
        alias = "Alias = Signal[Model]\nnames = ['a', 'b']\nclass Sub(Signal[Model]): ..."
        blocks = [alias, *classes, *functions, *signals]
        self._random.shuffle(blocks)
        blocks += [self._statement() for _ in range(self._random.randint(4, 9))]
        return _HEAD + "\n".join(blocks) + "\n"

    def _pick(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _type(self) -> str:
        return self._pick(*_TYPES)

    def _fill(self, template: str) -> str:
        while "{}" in template:
            value = self._pick(*_VALUES, "signal", "signal", "receive", "Model")
            if value.startswith("*") and self._random.random() < 0.9:
                value = value[1:]
            template = template.replace("{}", value, 1)
        return template

    def _signal(self) -> str:
        return self._fill(self._pick(*_SIGNALS, "Signal(Model)", "Signal(Model)"))

    def _fields(self) -> list[str]:
        lines = []
        for name in self._random.sample(_NAMES, self._random.randint(0, 4)):
            default = self._pick("", "", " = 1", " = Field(default=None)", " = Field(...)", " = {}")
            annotation = self._pick(f": {self._type()}", f": {self._type()}", "")
            lines.append(
                f"{name}{annotation}{self._fill(default)}" if annotation or default else "pass"
            )
        return lines or ["..."]

    def _model(self) -> str:
        body = "\n    ".join(self._fields())
        return f"class Model({self._pick(*_BASES, 'Payload', 'Payload')}):\n    {body}"

    def _holder(self) -> str:
        annotation = self._pick("", f": {self._type()}", ": ClassVar[Signal[Model]]")
        method = self._function("method").replace("\n", "\n    ")
        return f"class Holder:\n    signal{annotation} = {self._signal()}\n    {method}"

    def _function(self, name: str) -> str:
        names = self._random.sample(_NAMES[:8], self._random.randint(0, 4))
        parameters = [self._parameter(each) for each in names]
        defaulted = [each for each in parameters if "=" in each]
        parameters = [each for each in parameters if "=" not in each] + defaulted
        if parameters and self._random.random() < 0.2:
            parameters.insert(self._random.randint(1, len(parameters)), "/")
        parameters += [
            self._pick("", "*args", "*args: P.args, **kwargs: P.kwargs", "*, z=1"),
            self._pick("", "**kw", "**kw: int", "**kw: Unpack[Fields]", "**kw: Any"),
        ]
        signature = ", ".join(filter(None, parameters))
        if "P.kwargs" in signature:
            signature = signature.partition(", **kw:")[0]
        returns = self._pick("", f" -> {self._type()}", " -> None", " -> Awaitable[None]")
        body = self._pick("...", "yield 1", "return await receive()", "pass")
        start = self._pick("async def", "async def", "async def", "def")
        body = "..." if start == "def" and "await" in body else body
        decorators = "".join(
            f"{self._fill(self._pick(*_DECORATORS))}\n" for _ in range(self._random.randint(0, 2))
        )
        return f"{decorators}{start} {name}({signature}){returns}:\n    {body}"

    def _parameter(self, name: str) -> str:
        annotation = self._pick("", f": {self._type()}", f": {self._type()}")
        return f"{name}{annotation}{self._pick('', '', ' = None', self._fill(' = {}'))}"

    def _statement(self) -> str:
        call = self._fill(self._pick(*_CALLS))
        return self._pick(
            call,
            call,
            f"async def run(maybe: Signal[Model] | None, either: Signal[Any] | int):\n    await {call}",
            self._function(self._pick("receive", "later")),
            f"made: {self._type()} = {self._signal()}",
            f"reveal_type({call})",
            f"try:\n    {call}\nexcept Exception:\n    {self._fill('{}')}",
            f"lambda signal: {call}",
            f"def deferred():\n    {call}\n    return {self._fill('{}')}",
            f"for each in {self._fill('{}')}:\n    each.connect({self._fill('{}')})",
        )


_OVERLOADED = """
@typing.overload
async def overloaded(sender: int, a: int) -> None: ...
@typing.overload
def overloaded(sender: str, **kwargs: Any) -> None: ...
def overloaded(*args: Any, **kwargs: Any) -> Any: ...
"""
_MAYBE = """
maybe: Signal[Model] | None = None
either: Callable[..., Awaitable[None]] | Callable[[int], int] | Model | None = None
"""
