"""What can go wrong between processes."""

from __future__ import annotations

from fastdjango_signals.exceptions import SignalError


class RelayDefinitionError(SignalError, TypeError):
    """Raised by a relay for a signal, or an option, that it cannot work with.

    Such as a payload that is no JSON: a model instance, `Any`, a secret.
    """


class RelayStateError(SignalError, RuntimeError):
    """Raised for a relay that is started while it runs, or is asked what it knows only running."""


class EncodeError(SignalError, TypeError):
    """Raised by `send` for a value, or a sender, that cannot cross to another process."""


class PublishError(SignalError, ConnectionError):
    """Raised by `send` where the broker did not confirm that it has the event.

    The event may arrive all the same, if only the confirmation was lost.

    Attributes:
        event_id: The id of the event. None where it never left.
    """

    def __init__(
        self, message: str, *, signal: str | None = None, event_id: str | None = None
    ) -> None:
        super().__init__(message, signal=signal)
        self.event_id = event_id


class OutsideTransactionError(SignalError, RuntimeError):
    """Raised by `send` outside of a transaction, where the outbox is to refuse that."""


class DecodeError(SignalError, ValueError):
    """What a dead letter says of an event that is none, or none of this service."""
