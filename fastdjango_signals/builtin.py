"""The ten built-in signals and their payloads.

Each payload keeps the objects that it carries as they are: `scope is scope` for a receiver too.
Importing this module sends nothing; the modules in `fastdjango_signals.integrations` do.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, MutableMapping
from collections.abc import Set as AbstractSet
from types import UnionType
from typing import Annotated, Any, Generic, Literal, TypeAlias, cast, get_origin

from pydantic import ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeVar

from fastdjango_signals.payloads import DatabaseAlias, Payload
from fastdjango_signals.signals import Signal

T = TypeVar("T", default=Any)

M2MAction: TypeAlias = Literal[
    "pre_add", "post_add", "pre_remove", "post_remove", "pre_clear", "post_clear"
]
"""What happens to a many-to-many relation, and whether it has happened yet."""

MASK = "********"
"""What stands for a secret in `UserLoginFailed.credentials`."""

_SECRET = re.compile("api|token|key|secret|password|signature", re.IGNORECASE)


class Kept:
    """Annotation of a field whose value is checked by `isinstance` alone, and never copied."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the check; there is none for a type variable or Any."""
        if source is Any or isinstance(source, TypeVar):
            return core_schema.any_schema()
        kind = get_origin(source) or source
        if kind is UnionType or not isinstance(kind, type):
            return handler(source)
        try:
            isinstance(None, kind)
        except TypeError:  # a protocol, or a TypedDict
            return core_schema.any_schema()
        return core_schema.is_instance_schema(kind)

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema of anything: JSON has no such objects."""
        return {}


def masked(credentials: object) -> object:
    """Return credentials with a mask for each value whose name sounds secret, at any depth.

    A name is the key of a mapping, or the first of a pair.

    The names are those that `django.contrib.auth` masks.
    """
    if isinstance(credentials, Mapping):
        return {
            name: MASK if _SECRET.search(str(name)) else masked(value)
            for name, value in cast("Mapping[object, object]", credentials).items()
        }
    if isinstance(credentials, list | tuple | AbstractSet | deque):
        values = list(cast("Iterable[object]", credentials))
        if len(values) == 2 and isinstance(values[0], str) and _SECRET.search(values[0]):  # noqa: PLR2004 - a pair
            return [values[0], MASK]
        return [masked(value) for value in values]
    return credentials


Names: TypeAlias = (
    Annotated[list[str], Kept()]
    | Annotated[tuple[str, ...], Kept()]
    | Annotated[AbstractSet[str], Kept()]
)
"""Names of fields, as an ORM gives them."""


class PreSave(Payload, Generic[T]):
    """A model instance is about to be saved.

    Attributes:
        instance: The instance.
        raw: Whether it comes from a fixture, so that what it refers to may be missing.
        using: Alias of the database.
        update_fields: Names of the fields to save; None for all of them.
    """

    instance: Annotated[T, Kept()]
    raw: bool = False
    using: DatabaseAlias = None
    update_fields: Names | None = None


class PostSave(Payload, Generic[T]):
    """A model instance has been saved, though perhaps not committed.

    Attributes:
        instance: The instance.
        created: Whether its row is new.
        raw: Whether it comes from a fixture, so that what it refers to may be missing.
        using: Alias of the database.
        update_fields: Names of the fields that were saved; None for all of them.
    """

    instance: Annotated[T, Kept()]
    created: bool
    raw: bool = False
    using: DatabaseAlias = None
    update_fields: Names | None = None


class PreDelete(Payload, Generic[T]):
    """A model instance is about to be deleted.

    Attributes:
        instance: The instance.
        using: Alias of the database.
    """

    instance: Annotated[T, Kept()]
    using: DatabaseAlias = None


class PostDelete(Payload, Generic[T]):
    """A model instance has been deleted, though perhaps not committed.

    Attributes:
        instance: The instance, whose row is gone.
        using: Alias of the database.
    """

    instance: Annotated[T, Kept()]
    using: DatabaseAlias = None


class M2MChanged(Payload, Generic[T]):
    """A many-to-many relation of an instance changes or has changed.

    Attributes:
        instance: The instance whose relation it is.
        action: What happens.
        reverse: Whether the relation is used from its far side.
        model: Class of the objects added, removed or cleared.
        pk_set: Their primary keys; None for `pre_clear` and `post_clear`.
        using: Alias of the database.
    """

    instance: Annotated[T, Kept()]
    action: M2MAction
    reverse: bool
    model: type[Any]
    pk_set: Annotated[AbstractSet[Any], Kept()] | None
    using: DatabaseAlias = None


class RequestStarted(Payload):
    """An ASGI application begins to serve a request.

    Attributes:
        scope: The connection scope; the very mapping that the application gets.
    """

    scope: Annotated[MutableMapping[str, Any], Kept()]


class RequestFinished(Payload):
    """An ASGI application is done with a request, well or badly.

    Attributes:
        scope: The connection scope.
        status: HTTP status that was sent; None if none was.
        exception: What the application raised, a cancellation too.
    """

    scope: Annotated[MutableMapping[str, Any], Kept()]
    status: int | None = None
    exception: BaseException | None = None


class UserLoggedIn(Payload):
    """A user has logged in.

    Attributes:
        request: The request that did it.
        user: The user.
    """

    request: Any
    user: Any


class UserLoggedOut(Payload):
    """A user has logged out.

    Attributes:
        request: The request that did it.
        user: The user; None if nobody was logged in.
    """

    request: Any
    user: Any


class UserLoginFailed(Payload):
    """Somebody tried to log in, and could not.

    Attributes:
        credentials: What was tried, with secrets masked; a copy.
        request: The request that did it; None if there is none.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    credentials: Mapping[str, Any]
    request: Any

    @model_validator(mode="before")
    @classmethod
    def _mask(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Mask before anything is checked, so that no error can hold a secret."""
        if "credentials" not in values:
            return values
        credentials = masked(values["credentials"])
        return {**values, "credentials": credentials if isinstance(credentials, dict) else MASK}


pre_save = Signal(PreSave[Any], name="fastdjango_signals.pre_save")
post_save = Signal(PostSave[Any], name="fastdjango_signals.post_save")
pre_delete = Signal(PreDelete[Any], name="fastdjango_signals.pre_delete")
post_delete = Signal(PostDelete[Any], name="fastdjango_signals.post_delete")
m2m_changed = Signal(M2MChanged[Any], name="fastdjango_signals.m2m_changed")
request_started = Signal(RequestStarted, name="fastdjango_signals.request_started")
request_finished = Signal(RequestFinished, name="fastdjango_signals.request_finished")
user_logged_in = Signal(UserLoggedIn, name="fastdjango_signals.user_logged_in")
user_logged_out = Signal(UserLoggedOut, name="fastdjango_signals.user_logged_out")
user_login_failed = Signal(UserLoginFailed, name="fastdjango_signals.user_login_failed")
