"""Make the connection of one receiver: everything is checked, and nothing connected yet."""

from __future__ import annotations

import sys

from fastdjango_signals.options import Options
from fastdjango_signals.payloads import Schema
from fastdjango_signals.places import caller, describe
from fastdjango_signals.receivers import Connection, Receiver, key_of
from fastdjango_signals.references import key_of_sender, strong_reference, weak_reference
from fastdjango_signals.registry import Registry
from fastdjango_signals.signatures import require_async, takes_payload


def make_connection(
    receiver: Receiver,
    sender: object,
    options: Options,
    *,
    signal: str,
    schema: Schema,
    registry: Registry,
) -> Connection:
    """Return the connection of a receiver, for this registry to add.

    Raises:
        ReceiverTypeError: The receiver is not async.
        ReceiverSignatureError: No send could ever call it.
        SignalOptionError: It cannot be held weakly.
    """
    require_async(receiver, signal)
    whole = takes_payload(receiver, schema, signal)
    key = key_of(receiver, options.dispatch_uid)
    order = registry.next_order()
    if not options.weak:
        return Connection(key, strong_reference(receiver), whole, options, order)
    reference = weak_reference(receiver, registry.on_death, signal)
    reference.ends(key_of_sender(sender), key, _warning(receiver, signal))
    return Connection(key, reference, whole, options, order)


def _warning(receiver: Receiver, signal: str) -> str | None:
    if not sys.flags.dev_mode:
        return None
    return (
        f"receiver {describe(receiver)} of signal {signal} was collected while connected "
        f"(at {caller()[1]}): nothing else refers to it; keep it, or connect with weak=False"
    )
