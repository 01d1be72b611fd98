"""Django-style signals for async Python: typed, with payloads validated by pydantic."""

from fastdjango_signals.builtin import (
    M2MChanged,
    PostDelete,
    PostSave,
    PreDelete,
    PreSave,
    RequestFinished,
    RequestStarted,
    UserLoggedIn,
    UserLoggedOut,
    UserLoginFailed,
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
    request_finished,
    request_started,
    user_logged_in,
    user_logged_out,
    user_login_failed,
)
from fastdjango_signals.decorators import receiver
from fastdjango_signals.exceptions import (
    InstallError,
    ReceiverCancelledError,
    ReceiverSignatureError,
    ReceiverTypeError,
    ReservedFieldError,
    SendError,
    SignalDefinitionError,
    SignalError,
    SignalOptionError,
    UnknownOptionError,
)
from fastdjango_signals.install import install
from fastdjango_signals.options import ConnectOptions, Options
from fastdjango_signals.payloads import DatabaseAlias, Payload
from fastdjango_signals.receivers import (
    ConnectedReceiver,
    Connector,
    FieldReceiver,
    PayloadReceiver,
)
from fastdjango_signals.signals import Signal, all_signals

__version__ = "0.1.0"

__all__ = [
    "ConnectOptions",
    "ConnectedReceiver",
    "Connector",
    "DatabaseAlias",
    "FieldReceiver",
    "InstallError",
    "M2MChanged",
    "Options",
    "Payload",
    "PayloadReceiver",
    "PostDelete",
    "PostSave",
    "PreDelete",
    "PreSave",
    "ReceiverCancelledError",
    "ReceiverSignatureError",
    "ReceiverTypeError",
    "RequestFinished",
    "RequestStarted",
    "ReservedFieldError",
    "SendError",
    "Signal",
    "SignalDefinitionError",
    "SignalError",
    "SignalOptionError",
    "UnknownOptionError",
    "UserLoggedIn",
    "UserLoggedOut",
    "UserLoginFailed",
    "all_signals",
    "install",
    "m2m_changed",
    "post_delete",
    "post_save",
    "pre_delete",
    "pre_save",
    "receiver",
    "request_finished",
    "request_started",
    "user_logged_in",
    "user_logged_out",
    "user_login_failed",
]
