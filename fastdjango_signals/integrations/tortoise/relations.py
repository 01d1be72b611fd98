"""`add`, `remove` and `clear` of many-to-many relations: the signal `m2m_changed`."""

# Tortoise has no hooks for relations, public or not.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.fields.relational import ManyToManyRelation
from tortoise.models import Model
from tortoise.queryset import QuerySet

from fastdjango_signals.builtin import M2MAction, m2m_changed
from fastdjango_signals.exceptions import SignalOptionError
from fastdjango_signals.integrations.tortoise.models import covers
from fastdjango_signals.patches import Patch
from fastdjango_signals.places import name_of

Relation: TypeAlias = ManyToManyRelation[Any]
Client: TypeAlias = BaseDBAsyncClient | None


@dataclass(frozen=True, slots=True)
class Through:
    """A many-to-many relation, as the sender of `m2m_changed`: `Through(Post, "tags")`.

    It stands for what is `Post.tags.through` in Django, and can be used before Tortoise is
    initialized. Both sides of a relation have the same sender, and equal ones are the same.

    Attributes:
        model: The model that declares the relation.
        field: The name of the field that does.

    Raises:
        SignalOptionError: The model declares no such relation.
    """

    model: type[Model]
    field: str

    def __post_init__(self) -> None:
        model: Any = self.model
        field = model._meta.fields_map.get(self.field)
        if self.field not in model._meta.m2m_fields:
            raise SignalOptionError(
                f'{name_of(self.model)} declares no many-to-many relation "{self.field}"'
            )
        if field._generated:
            raise SignalOptionError(
                f"{name_of(self.model)} has {self.field} from the other side; write "
                f'Through({field.related_model.__name__}, "{field.related_name}")'
            )

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.field}"


def through(relation: Relation) -> Through:
    """Return the sender for a relation that may be used from either side."""
    field = relation.field
    if field._generated:
        return Through(field.related_model, field.related_name)
    return Through(type(relation.instance), field.model_field_name)


def _is_heard(relation: Relation) -> bool:
    if not (covers(type(relation.instance)) or covers(relation.remote_model)):
        return False
    return m2m_changed.has_listeners(sender=through(relation))


async def _related(
    relation: Relation, instances: Sequence[Model], db: BaseDBAsyncClient
) -> set[Any]:
    """Return the primary keys of those instances that the relation has; takes one SELECT."""
    # Not the model's manager: it may hide rows.
    query = QuerySet(relation.remote_model).using_db(db)
    present = query.filter(
        pk__in=[each.pk for each in instances],
        **{relation.relation_field: relation.instance.pk},
    )
    return set(await present.values_list(relation.remote_model._meta.pk_attr, flat=True))


async def _send(
    relation: Relation, action: M2MAction, pk_set: set[Any] | None, db: BaseDBAsyncClient
) -> None:
    await m2m_changed.send(
        through(relation),
        instance=relation.instance,
        action=action,
        reverse=relation.field._generated,
        model=relation.remote_model,
        pk_set=None if pk_set is None else set(pk_set),  # the next signal has its own
        using=db.connection_name,
    )


def _add(native: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @wraps(native)
    async def add(self: Relation, *instances: Model, using_db: Client = None) -> None:
        # What is not saved is refused by Tortoise, and announced to nobody.
        saved = all(each._saved_in_db for each in (self.instance, *instances))
        if not (instances and saved and _is_heard(self)):
            await native(self, *instances, using_db=using_db)
            return
        db = using_db or self.remote_model._meta.db
        new = {each.pk for each in instances} - await _related(self, instances, db)
        await _send(self, "pre_add", new, db)
        await native(self, *instances, using_db=db)
        await _send(self, "post_add", new, db)

    return add


def _remove_or_clear(native: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @wraps(native)
    async def remove_or_clear(
        self: Relation, instances: tuple[Model, ...] | None = None, using_db: Client = None
    ) -> None:
        if not _is_heard(self):
            await native(self, instances, using_db)
            return
        db = using_db or self.remote_model._meta.db
        gone = await _related(self, instances, db) if instances else None
        await _send(self, "pre_remove" if instances else "pre_clear", gone, db)
        await native(self, instances, db)
        await _send(self, "post_remove" if instances else "post_clear", gone, db)

    return remove_or_clear


PATCHES = (
    Patch(ManyToManyRelation, "add", _add),
    Patch(ManyToManyRelation, "_remove_or_clear", _remove_or_clear),
)
