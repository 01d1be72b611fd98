"""Full names of all that the plugin knows by name."""

SIGNAL = "fastdjango_signals.signals.Signal"
INIT = f"{SIGNAL}.__init__"
CONNECT = f"{SIGNAL}.connect"
CONNECTED_TO = f"{SIGNAL}.connected_to"
CHECK = f"{SIGNAL}.check"
SEND = f"{SIGNAL}.send"
SEND_ROBUST = f"{SIGNAL}.send_robust"

CONNECTOR = "fastdjango_signals.receivers.Connector"
CONNECTOR_CALL = f"{CONNECTOR}.__call__"
RECEIVER = "fastdjango_signals.decorators.receiver"

MODEL_PAYLOADS = (
    "fastdjango_signals.builtin.PreSave",
    "fastdjango_signals.builtin.PostSave",
    "fastdjango_signals.builtin.PreDelete",
    "fastdjango_signals.builtin.PostDelete",
)
"""Payloads whose only type argument is the class that sends them."""

BASE_MODEL = "pydantic.main.BaseModel"
BASE_PAYLOAD = "fastdjango_signals.payloads.Payload"
ROOT_MODEL = "pydantic.root_model.RootModel"

AWAITABLE = "typing.Awaitable"
COROUTINES = ("typing.Coroutine", "types.CoroutineType")
ASYNC_ITERATOR = "typing.AsyncIterator"
PARTIAL = "functools.partial"
