"""One signal on the wire: CloudEvents 1.0 in JSON, https://github.com/cloudevents/spec."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Any, Generic, Literal, TypeAlias
from urllib.parse import quote, unquote

from pydantic import AwareDatetime, BaseModel, StringConstraints, ValidationError
from pydantic_core import PydanticSerializationError
from typing_extensions import TypeVar

from fastdjango_signals.exceptions import annotate
from fastdjango_signals.observations import carried
from fastdjango_signals.places import name_of
from fastdjango_signals.relay.contents import refuse_unless_json, version_of
from fastdjango_signals.relay.events import Event
from fastdjango_signals.relay.exceptions import (
    DecodeError,
    EncodeError,
    RelayDefinitionError,
)
from fastdjango_signals.relay.senders import Kind, from_wire, to_wire
from fastdjango_signals.signals import Signal
from fastdjango_signals.wording import printable

CONTENT_TYPE = "application/cloudevents+json"
"""Of a CloudEvent whose attributes are in the JSON too."""

_M = TypeVar("_M", bound=BaseModel, default=Any)
_CLEAN = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]{1,512}")
_MOST_PLACES, _LONGEST_PLACE = 10, 200
_SHALLOW = 100  # brackets, which are too few to be too deep
_Text: TypeAlias = Annotated[str, StringConstraints(pattern=f"^{_CLEAN.pattern}$")]
_CARRIED = ("traceparent", "tracestate")
_CARRIABLE = re.compile(r"[\x20-\x7e]{1,512}")
_NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_READ: dict[str, Any] = {"extra": "ignore", "by_alias": False, "by_name": True}


class Envelope(BaseModel, Generic[_M]):
    """A CloudEvent; `sender`, `senderkind`, and what it carries along, are extension attributes."""

    specversion: Literal["1.0"]
    id: _Text
    source: _Text
    type: _Text
    time: AwareDatetime | None = None
    datacontenttype: _Text | None = None
    dataschema: _Text | None = None
    sender: _Text | None = None
    senderkind: Kind | None = None
    traceparent: Any = None  # if it is none, the event is received all the same
    tracestate: Any = None
    data: _M


class Wire:
    """How the sends of one signal are written and read.

    Args:
        signal: The signal.
        service: The service that writes.
        max_bytes: The size that no event may exceed, written or read.

    Raises:
        RelayDefinitionError: The name, or the payload, of the signal cannot cross.
    """

    def __init__(self, signal: Signal[Any, ...], service: str, max_bytes: int) -> None:
        self.name = signal.name
        self.max_bytes = max_bytes
        if not _NAME.fullmatch(signal.name) or signal.name.startswith("__main__."):
            raise RelayDefinitionError(
                f"Signal {signal.name} cannot be relayed by this name; give it one of letters, "
                'digits, "_" and dots, as in Signal(..., name="shop.order_placed")',
                signal=signal.name,
            )
        model: type[BaseModel] = signal.providing_args
        refuse_unless_json(model, signal.name)
        self.model = model
        self.schema = f"signals:{quote(name_of(model))}/{version_of(model)}"
        self.envelope: type[Envelope[Any]] = Envelope[model]  # type: ignore[valid-type]
        head = {
            "specversion": "1.0",
            "type": signal.name,
            "source": service,
            "datacontenttype": "application/json",
            "dataschema": self.schema,
        }
        self._head = json.dumps(head, separators=(",", ":"))[:-1]

    def encode(self, sender: object, payload: BaseModel) -> tuple[str, bytes]:
        """Return a new event: its id, and its JSON.

        Raises:
            EncodeError: The sender, or a value of the payload, cannot cross.
        """
        event_id = token_hex(16)
        time = datetime.now(UTC).isoformat()
        written = to_wire(sender, self.name)
        by = f',"sender":{written.json},"senderkind":"{written.kind}"' if written else ""
        along = "".join(
            f',"{name}":{json.dumps(value)}' for name, value in _carried_in(carried()).items()
        )
        head = f'{self._head},"id":"{event_id}","time":"{time}"{by}{along},"data":'
        data = self._data(payload)
        body = head.encode() + data + b"}"
        if len(body) > self.max_bytes:
            raise EncodeError(
                f"Signal {self.name} is relayed, and this send has {len(body):,} bytes; send less, "
                f"or give the relay a max_bytes above {self.max_bytes:,}",
                signal=self.name,
            )
        self._read_again(body, data, payload)
        return event_id, body

    def decode(self, body: bytes, tries: int = 1) -> tuple[Event, object, BaseModel]:
        """Return the event, its sender and its payload.

        What the payload model does not know is left out: the event may be of a newer version.

        Raises:
            DecodeError: It is no event of this signal.
        """
        if len(body) > self.max_bytes:
            raise DecodeError(
                f"the event has {len(body):,} bytes, and {self.max_bytes:,} are allowed",
                signal=self.name,
            )
        try:
            read = self.envelope.__pydantic_validator__.validate_json(body, **_READ)
        except ValidationError as error:
            raise DecodeError(self._refusal(error, body), signal=self.name) from None
        except Exception as error:
            # A validator of the payload raised something of its own.
            annotate(error, f"while an event of signal {self.name} was read")
            raise DecodeError(
                f"a validator of {name_of(self.model)} raised {name_of(type(error))}",
                signal=self.name,
            ) from error
        if read.type != self.name:
            raise DecodeError(f"the event is of signal {printable(read.type)}, not {self.name}")
        event = Event(
            id=read.id,
            signal=read.type,
            source=read.source,
            sender=read.sender,
            time=read.time,
            version=_version_in(read.dataschema),
            tries=tries,
            carrier=_carried_in({name: getattr(read, name) for name in _CARRIED}),
        )
        return event, from_wire(read.sender, read.senderkind), read.data

    def id_in(self, body: bytes) -> str | None:
        """Return the id of what may be no event at all, where it has one."""
        try:
            found = json.loads(body)["id"] if len(body) <= self.max_bytes else None
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        return found if isinstance(found, str) and _CLEAN.fullmatch(found) else None

    def _data(self, payload: BaseModel) -> bytes:
        try:
            return self._written(payload)
        except PydanticSerializationError as error:
            # pydantic's words have the value in them.
            field = re.search(r"field_name='(\w+)'", str(error))
            which = f"the field {field[1]} of" if field else "a field of"
            raise self._unreadable(f"{which} this send cannot be written as JSON") from None

    def _written(self, payload: BaseModel) -> bytes:
        return self.model.__pydantic_serializer__.to_json(
            payload, by_alias=False, round_trip=True, warnings="error"
        )

    def _read_again(self, body: bytes, data: bytes, payload: BaseModel) -> None:
        """Raise unless what leaves comes out as it was: NaN, for one, is written as null."""
        try:
            if data.count(b"[") + data.count(b"{") > _SHALLOW:
                # It may be as deep as can be read, and the event is one level deeper.
                self.envelope.__pydantic_validator__.validate_json(body, **_READ)
            read = self.model.__pydantic_validator__.validate_json(data, **_READ)
        except ValidationError as error:
            raise self._unreadable(f"its JSON could not be read again ({_places(error)})") from None
        # Values need not know when they are equal; then their JSON has to be.
        if read != payload and (b"null" in data or self._written(read) != data):
            raise self._unreadable("its JSON is read as something else than it was")

    def _unreadable(self, problem: str) -> EncodeError:
        return EncodeError(
            f"Signal {self.name} is relayed, and {problem}; "
            f"send values that {name_of(self.model)} reads from JSON",
            signal=self.name,
        )

    def _refusal(self, error: ValidationError, body: bytes) -> str:
        """Return what does not fit; fields, not values."""
        theirs = re.search(rb'"dataschema"\s*:\s*"([^"]{1,512})"', body)
        ours = f"this service has {unquote(self.schema.partition(':')[2])}"
        made = (
            printable(unquote(theirs[1].decode(errors="replace").partition(":")[2]))
            if theirs
            else None
        )
        return f"{_places(error)}; the event was made with {made or 'no known schema'}, {ours}"


def _places(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    shown = [
        f"{printable('.'.join(map(str, each['loc']))[:_LONGEST_PLACE]) or 'event'}: {each['type']}"
        for each in found[:_MOST_PLACES]
    ]
    rest = len(found) - len(shown)
    return ", ".join(shown) + (f", and {rest} more" if rest else "")


def _carried_in(carrier: Mapping[str, object]) -> dict[str, str]:
    """Return what of a carrier crosses: the distributed tracing extension of CloudEvents."""
    found = ((name, carrier.get(name)) for name in _CARRIED)
    return {
        name: value
        for name, value in found
        if isinstance(value, str) and _CARRIABLE.fullmatch(value)
    }


def _version_in(schema: str | None) -> str:
    return (schema or "").rpartition("/")[2] or "1"
