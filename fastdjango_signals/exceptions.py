"""The errors that users meet, in one family."""

from __future__ import annotations

from asyncio import CancelledError
from contextlib import suppress


def annotate(error: BaseException, note: str) -> None:
    """Add a note to an exception, once; one that takes no notes stays as it is."""
    if note not in getattr(error, "__notes__", ()):
        with suppress(Exception):  # a frozen dataclass, say: the exception matters, not the note
            error.add_note(note)


class SignalError(Exception):
    """Root of every error that this package raises on its own account.

    Attributes:
        signal: The signal's name, where one is known.
        receiver: The receiver's full name and place (`file:line`), where one is concerned.
    """

    def __init__(
        self, message: str, *, signal: str | None = None, receiver: str | None = None
    ) -> None:
        super().__init__(message)
        self.signal = signal
        self.receiver = receiver


class SignalDefinitionError(SignalError, TypeError):
    """Raised when a signal is defined with something that cannot describe its payload."""


class ReservedFieldError(SignalError, TypeError):
    """Raised when a payload claims a name that every receiver already has a meaning for."""


class ReceiverTypeError(SignalError, TypeError):
    """Raised by `connect` for a receiver that is not async, or cannot be called at all."""


class ReceiverSignatureError(SignalError, TypeError):
    """Raised by `connect` for a receiver that no send of the signal could ever call.

    Attributes:
        problems: One sentence for each thing that does not fit.
    """

    def __init__(
        self,
        message: str,
        *,
        signal: str | None = None,
        receiver: str | None = None,
        problems: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, signal=signal, receiver=receiver)
        self.problems = problems


class SignalOptionError(SignalError, ValueError):
    """Raised for an option, or a mix of options, that makes no sense."""


class UnknownOptionError(SignalOptionError, TypeError):
    """Raised for an option that does not exist."""


class SendError(SignalError, TypeError):
    """Raised by `send` for a payload that is not given by keyword."""


class ReceiverCancelledError(SignalError, CancelledError):
    """The response of a receiver that raised `CancelledError` on its own.

    It is an `Exception` too, so that `isinstance(response, Exception)` finds every failure.
    The receiver's own exception is its `__cause__`.
    """


class LoopThreadError(SignalError, RuntimeError):
    """Raised where sync code would have to wait for receivers, on the thread of their event loop.

    Waiting there would block the loop, and so wait for itself.
    """


class InstallError(SignalError, RuntimeError):
    """Raised by an `install`, or an integration, that cannot do its work; it changes nothing."""
