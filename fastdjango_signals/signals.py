"""`Signal`, which people define, connect to and send."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Never, Self, cast, overload

from pydantic import BaseModel
from typing_extensions import ParamSpec, TypeVar, Unpack

from fastdjango_signals.connections import make_connection
from fastdjango_signals.dispatch import Responses
from fastdjango_signals.exceptions import SignalDefinitionError, SignalOptionError
from fastdjango_signals.loops import Loops, loops_of
from fastdjango_signals.observations import Observation, Send
from fastdjango_signals.options import ConnectOptions, Options, read_options, refuse_positional
from fastdjango_signals.parameters import SignalAlias, agree, declared_by_bases
from fastdjango_signals.payloads import schema_of
from fastdjango_signals.places import name_of
from fastdjango_signals.plans import Plan
from fastdjango_signals.receivers import (
    ConnectedReceiver,
    Connection,
    Connector,
    FieldReceiver,
    PayloadReceiver,
    Receiver,
    connected,
    key_of,
)
from fastdjango_signals.refusals import explain, not_by_keyword
from fastdjango_signals.registry import Registry
from fastdjango_signals.scopes import ConnectedBlock, Mute, ScopedConnections, Watch

P = ParamSpec("P", default=...)
M = TypeVar("M", bound=BaseModel, default=Any)
R = TypeVar("R")

_EVERY: Any = object()

_signals: weakref.WeakSet[Signal[Any, ...]] = weakref.WeakSet()
_signals_lock = threading.RLock()


class Signal(Generic[M, P]):
    """Something that happens: senders send it, and the receivers connected to it are called.

    `Signal(OrderPlaced)` carries the fields of a pydantic model, `Signal(["order", "user"])`
    these names with any values, and `Signal()` any keywords at all.

    Args:
        providing_args: The model class, or the names.
        name: What logs and listings call it; by default the full name of the model.
        concurrent: Call the receivers of a send together instead of one after another.

    Attributes:
        name: The name.
        providing_args: The model class. For names, one made of them.
        concurrent: Whether the receivers of a send are called together.
        watch: Who looks at its sends meanwhile: tests that capture or mute them, and observers.

    Raises:
        SignalDefinitionError: `providing_args` describes no payload.
        ReservedFieldError: A field is called `sender` or `payload`.
    """

    _declared: ClassVar[type[BaseModel] | None] = None

    @overload
    def __init__(
        self, providing_args: Callable[P, M], *, name: str | None = None, concurrent: bool = False
    ) -> None: ...
    @overload
    def __init__(
        self,
        providing_args: Sequence[str] | None = None,
        *,
        name: str | None = None,
        concurrent: bool = False,
    ) -> None: ...
    def __init__(
        self, providing_args: object = None, *, name: str | None = None, concurrent: bool = False
    ) -> None:
        self._schema = schema_of(agree(self._declared, providing_args))
        self.name = self._schema.name if name is None else name
        _check_definition(self.name, concurrent)
        self.providing_args = cast("type[M]", self._schema.model)
        self.concurrent = concurrent
        self._registry = Registry(self.name)
        self._scopes = ScopedConnections(self._registry)
        self._loops: Loops | None = None
        with _signals_lock:  # lest an observer is added in between
            self.watch = Watch()
            _signals.add(self)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._declared = declared_by_bases(cls) or cls._declared

    if not TYPE_CHECKING:

        def __class_getitem__(cls, arguments: Any) -> SignalAlias:
            return SignalAlias(cls, arguments)

    def __copy__(self) -> Self:
        """Return the signal itself: who copies what refers to it means this one."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    async def send(self, /, sender: object, *args: P.args, **kwargs: P.kwargs) -> Responses:
        """Validate the payload and call the receivers of this sender, one after another.

        Returns:
            What each receiver returned, as `(receiver, response)`, in call order.

        Raises:
            pydantic.ValidationError: The keywords are no payload; nobody was called.
            Exception: The first one that a receiver raises; the others are not called.
        """
        payload = self._validated(sender, args, kwargs)
        plan = self._registry.everyone or self._registry.plan(sender)
        if self.watch.used:
            return await self._send_watched(plan, sender, payload, robust=False)
        if not plan.connections:
            return []
        loops = self._loops or self._write_loops()
        return await loops.send[plan.way](plan, sender, payload, self.name, self._schema)

    async def send_robust(self, /, sender: object, *args: P.args, **kwargs: P.kwargs) -> Responses:
        """Send as `send` does, but call every receiver, whatever the others raise.

        A receiver's exception is logged and is its response. Only a payload that does not
        validate, and a cancellation of the caller, come out.
        """
        payload = self._validated(sender, args, kwargs)
        plan = self._registry.everyone or self._registry.plan(sender)
        if self.watch.used:
            return await self._send_watched(plan, sender, payload, robust=True)
        if not plan.connections:
            return []
        loops = self._loops or self._write_loops()
        return await loops.send_robust[plan.way](plan, sender, payload, self.name, self._schema)

    @overload
    def connect(
        self, receiver: None = None, **options: Unpack[ConnectOptions]
    ) -> Connector[M, P]: ...
    @overload
    def connect(
        self, receiver: FieldReceiver[P, R], **options: Unpack[ConnectOptions]
    ) -> FieldReceiver[P, R]: ...
    @overload
    def connect(
        self, receiver: PayloadReceiver[M, R], **options: Unpack[ConnectOptions]
    ) -> PayloadReceiver[M, R]: ...
    def connect(
        self, receiver: Any = None, *misplaced: object, **options: Unpack[ConnectOptions]
    ) -> Any:
        """Connect an async receiver: `@signal.connect`, `@signal.connect(sender=...)` or a call.

        Args:
            receiver: Called as `receiver(sender=..., **fields)`; as `receiver(sender=...,
                payload=...)` if it names `payload`.
            options: See `ConnectOptions`.

        Returns:
            The receiver, unchanged; a decorator where none is given.

        Raises:
            ReceiverTypeError: The receiver is not async.
            ReceiverSignatureError: No send could ever call it.
            SignalOptionError: An option makes no sense.
        """
        refuse_positional(misplaced, self.name)
        sender, checked = read_options(options, self.name)
        if receiver is None:
            return Connector(partial(self._connect, sender=sender, options=checked))
        return self._connect(receiver, sender, checked)

    def check(
        self,
        receiver: FieldReceiver[P, object] | PayloadReceiver[M, object],
        **options: Unpack[ConnectOptions],
    ) -> None:
        """Raise what `connect` would raise for this receiver, and connect nothing."""
        sender, checked = read_options(options, self.name)
        self._connection(receiver, sender, checked)

    def disconnect(
        self,
        receiver: Receiver | None = None,
        *misplaced: Never,
        sender: object = None,
        dispatch_uid: Hashable = None,
    ) -> bool:
        """Disconnect a receiver from this sender; return whether it was connected."""
        refuse_positional(misplaced, self.name)
        if receiver is None and dispatch_uid is None:
            raise SignalOptionError(
                f"Signal {self.name} cannot disconnect nothing; "
                "give the receiver or its dispatch_uid",
                signal=self.name,
            )
        read_options({"dispatch_uid": dispatch_uid}, self.name)
        return self._registry.remove(key_of(receiver, dispatch_uid), sender)

    @overload
    def connected_to(
        self, receiver: FieldReceiver[P, R], **options: Unpack[ConnectOptions]
    ) -> ConnectedBlock[FieldReceiver[P, R]]: ...
    @overload
    def connected_to(
        self, receiver: PayloadReceiver[M, R], **options: Unpack[ConnectOptions]
    ) -> ConnectedBlock[PayloadReceiver[M, R]]: ...
    def connected_to(self, receiver: Any, **options: Unpack[ConnectOptions]) -> ConnectedBlock[Any]:
        """Connect a receiver for a `with` block, which takes the options of `connect`.

        A receiver that was connected before stays as it was.
        """
        sender, checked = read_options(options, self.name)
        return ConnectedBlock(
            receiver, sender, lambda: self._connection(receiver, sender, checked), self._scopes
        )

    def muted(self) -> Mute:
        """Send nothing in a `with` block and the tasks that it starts, but check payloads.

        `fastdjango_signals.testing.muted` mutes several signals, or a single receiver.
        """
        return Mute(self.watch)

    def has_listeners(self, sender: object = _EVERY) -> bool:
        """Return whether a send from this sender, or from any at all, would reach a receiver.

        So it does in a block that captures the signal, though no receiver be connected.
        """
        if sender is _EVERY:
            plan = Plan.of(each for _, each in self._registry.connections())
        else:
            plan = self._registry.plan(sender)
        return self.watch.awaits(plan)

    @property
    def receivers(self) -> list[ConnectedReceiver]:
        """The connected receivers in call order, each with its options and its place."""
        return connected(self._registry.connections())

    def receivers_for(self, sender: object) -> list[ConnectedReceiver]:
        """Return the receivers that a send from this sender would reach now, in call order.

        Their `sender` is the one that is asked for. Muted ones are among them.
        """
        return connected((sender, each) for each in self._registry.plan(sender).connections)

    def reach(self, sender: object, payload: M) -> Plan:
        """Return what a send of this payload is to call, and show it to those who watch.

        For who brings in sends from elsewhere, as a relay does.
        """
        return self.watch.reach(self._registry.plan(sender), sender, payload)

    async def _send_watched(
        self, plan: Plan, sender: object, payload: BaseModel, *, robust: bool
    ) -> Responses:
        """Send to those of a plan whom the watchers leave, and show it to the observers."""
        plan = self.watch.reach(plan, sender, payload)
        send = Send(
            signal=self.name,
            sender=sender,
            payload=payload,
            receivers=len(plan.connections),
            robust=robust,
            concurrent=self.concurrent,
        )
        with Observation(send) as observation:
            if not plan.connections:
                return []
            loops = self._loops or self._write_loops()
            call = (loops.send_robust if robust else loops.send)[plan.way]
            plan = observation.plan(plan)
            # Kept in no variable: the traceback of a failure may lead here, and must not lead back.
            return observation.responses(await call(plan, sender, payload, self.name, self._schema))

    def _write_loops(self) -> Loops:
        """Return the call loops, which are made for the first send."""
        self._schema.bind()
        self._loops = loops_of(self._schema, concurrent=self.concurrent)
        return self._loops

    def _validated(
        self, sender: object, args: tuple[object, ...], fields: dict[str, Any]
    ) -> BaseModel:
        """Return the payload of a send; an error says which send it was, or what to write."""
        if args:
            raise not_by_keyword(self.name, self._schema)
        try:
            return self._schema.validate(fields)
        except Exception as error:
            explain(error, self.name, self._schema, sender, fields)
            raise

    def _connect(self, receiver: Any, sender: object, options: Options) -> Any:
        self._scopes.keep(self._connection(receiver, sender, options), sender)
        return receiver

    def _connection(self, receiver: Any, sender: object, options: Options) -> Connection:
        return make_connection(
            receiver,
            sender,
            options,
            signal=self.name,
            schema=self._schema,
            registry=self._registry,
        )


def _check_definition(name: object, concurrent: object) -> None:
    if not isinstance(name, str) or not name:
        raise SignalDefinitionError(f"the name of a signal is {name_of(name)}; give a string")
    if not isinstance(concurrent, bool):
        raise SignalDefinitionError(
            f"Signal {name}: concurrent is {name_of(concurrent)}; give True or False"
        )


def all_signals() -> list[Signal[Any, ...]]:
    """Return every signal that exists in this process, by name."""
    with _signals_lock:
        return sorted(_signals, key=lambda signal: signal.name)
