"""The routing table: which function answers which of mypy's questions.

mypy asks at every class and every call, so that the tables are all there is on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mypy.nodes import TypeInfo
from mypy.plugin import (
    ClassDefContext,
    FunctionContext,
    FunctionSigContext,
    MethodContext,
    MethodSigContext,
    Plugin,
)
from mypy.types import FunctionLike, Type

from fastdjango_signals.mypy import (
    connecting,
    connectors,
    decorating,
    definitions,
    names,
    sends,
    widening,
)

_CLASSES: Mapping[str, Callable[[ClassDefContext], None]] = {
    names.SIGNAL: widening.widen,
    names.CONNECTOR: widening.widen,
}
_SIGNATURES: Mapping[str, Callable[[MethodSigContext], FunctionLike]] = {
    names.CHECK: connecting.signature,
    names.CONNECT: connecting.signature,
    names.CONNECTED_TO: connecting.signature,
    names.SEND: sends.signature,
    names.SEND_ROBUST: sends.signature,
}
_METHODS: Mapping[str, Callable[[MethodContext], Type]] = {
    names.CHECK: connecting.check,
    names.CONNECT: connecting.connect,
    names.CONNECTED_TO: connecting.connected_to,
    names.CONNECTOR_CALL: connectors.decorate,
}

_NAMES = {fullname.rpartition(".")[2] for fullname in _SIGNATURES}


class SignalsPlugin(Plugin):
    """Checks receivers, sends and definitions of signals."""

    def get_customize_class_mro_hook(
        self, fullname: str
    ) -> Callable[[ClassDefContext], None] | None:
        """Answer for the classes of this package whose methods take receivers."""
        return _CLASSES.get(fullname)

    def get_method_signature_hook(
        self, fullname: str
    ) -> Callable[[MethodSigContext], FunctionLike] | None:
        """Answer for the parameters of a method of a signal."""
        return _SIGNATURES.get(self._inherited(fullname))

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        """Answer for the result of a method of a signal."""
        return _METHODS.get(self._inherited(fullname))

    def get_function_signature_hook(
        self, fullname: str
    ) -> Callable[[FunctionSigContext], FunctionLike] | None:
        """Answer for what a signal is made of, and for `@receiver`."""
        if fullname == names.RECEIVER:
            return decorating.signature
        return definitions.signature if self._makes_signals(fullname) else None

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """Answer for the type of a new signal, and for `@receiver`."""
        if fullname == names.RECEIVER:
            return decorating.receiver
        return definitions.define if self._makes_signals(fullname) else None

    def _makes_signals(self, fullname: str) -> bool:
        """Return whether this is Signal, or a subclass that is made as Signal is."""
        return fullname == names.SIGNAL or self._found(fullname, "__init__") == names.INIT

    def _inherited(self, fullname: str) -> str:
        """Return the full name of a method in the class that defines it."""
        owner, _, method = fullname.rpartition(".")
        return self._found(owner, method) if method in _NAMES else fullname

    def _found(self, owner: str, method: str) -> str:
        """Return the full name of a method of a subclass of Signal; "" for other classes."""
        symbol = self.lookup_fully_qualified(owner)
        if symbol is None or not isinstance(symbol.node, TypeInfo):
            return ""
        found = symbol.node.get(method) if symbol.node.has_base(names.SIGNAL) else None
        return found.node.fullname if found is not None and found.node is not None else ""
