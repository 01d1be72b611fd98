"""`bulk_create`, and `update` and `delete` of queries: a signal for each row, where asked for."""

# Tortoise has no hooks for bulk work, public or not.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from copy import copy
from functools import wraps
from typing import Any, TypeAlias

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q, Subquery
from tortoise.models import Model
from tortoise.queryset import BulkCreateQuery, DeleteQuery, QuerySet, UpdateQuery
from tortoise.signals import Signals
from tortoise.utils import chunk

from fastdjango_signals.integrations.tortoise.models import TRANSLATIONS, covers_bulk
from fastdjango_signals.patches import Patch

MOST_KEYS = 1000
"""Primary keys in one statement; every database has its limit."""

Statement: TypeAlias = Any  # an UpdateQuery or a DeleteQuery, whose models are not typed
Rows: TypeAlias = Sequence[Model]
Execute: TypeAlias = Callable[[Statement], Awaitable[int]]
Insert: TypeAlias = Callable[..., Awaitable[None]]


def _is_heard(model: type[Model], *events: Signals) -> bool:
    return covers_bulk(model) and any(
        TRANSLATIONS[event].signal.has_listeners(sender=model) for event in events
    )


async def _send(event: Signals, instances: Rows, *arguments: Any) -> None:
    for instance in instances:
        await TRANSLATIONS[event].send(instance, *arguments)


# --- bulk_create -------------------------------------------------------------


def _bulk_create(native: Insert) -> Insert:
    @wraps(native)
    async def insert(self: Any, *statements: Any) -> None:
        # Which rows are new, if there are conflicts, the database does not tell.
        may_conflict = self._ignore_conflicts or self._update_fields
        if may_conflict or not _is_heard(self.model, Signals.pre_save, Signals.post_save):
            await native(self, *statements)
            return
        instances = list(self._objects)
        async with self._db._in_transaction() as db:
            await _send(Signals.pre_save, instances, db, None)
            if _tells_everything(self.model, instances):
                query = copy(self)
                query._db = db
                await native(query, *statements)
            else:
                for instance in instances:
                    await db.executor_class(self.model, db).execute_insert(instance)
            for instance in instances:
                instance._saved_in_db = True  # as after `save`; receivers may rely on it
            await _send(Signals.post_save, instances, True, db, None)

    return insert


def _tells_everything(model: type[Model], instances: Rows) -> bool:
    """Return whether the instances hold all of their rows; else each has to be inserted alone.

    What the database adds, keys above all, it tells of one row at a time.
    """
    has_keys = all(each._custom_generated_pk for each in instances)
    return (has_keys or not model._meta.generated_db_fields) and not (
        model._meta.db_default_db_columns
    )


# --- update and delete -------------------------------------------------------


def _update(native: Execute) -> Execute:
    @wraps(native)
    async def execute(self: Statement) -> int:
        if not _is_exact(self) or not _is_heard(self.model, Signals.pre_save, Signals.post_save):
            return await native(self)
        names = tuple(self.update_kwargs)
        async with self._db._in_transaction() as db:
            rows = await _matching(self, db)
            await _send(Signals.pre_save, rows, db, names)
            count = await _execute_for(rows, self, native, db)
            if _is_heard(self.model, Signals.post_save):
                rows = await _refreshed(rows, db)
                await _send(Signals.post_save, rows, False, db, names)
            return count

    return execute


def _delete(native: Execute) -> Execute:
    @wraps(native)
    async def execute(self: Statement) -> int:
        events = (Signals.pre_delete, Signals.post_delete)
        if not _is_exact(self) or not _is_heard(self.model, *events):
            return await native(self)
        async with self._db._in_transaction() as db:
            rows = await _matching(self, db)
            await _send(Signals.pre_delete, rows, db)
            count = await _execute_for(rows, self, native, db)
            await _send(Signals.post_delete, rows, db)
            return count

    return execute


def _is_exact(statement: Statement) -> bool:
    """Return whether the rows are known; some databases make nothing of a limit here."""
    return statement._limit is None


async def _matching(statement: Statement, db: BaseDBAsyncClient) -> Rows:
    """Return the rows that a statement is about, locked where the database can."""
    key = statement.model._meta.pk_attr
    every: QuerySet[Model] = QuerySet(statement.model).using_db(db).order_by(key)
    rows = every.all()
    rows._q_objects = statement._q_objects
    rows._annotations = statement._annotations
    rows._custom_filters = statement._custom_filters
    rows._make_query()
    if rows._annotations or rows.query._joins:
        # Groups, and what is joined, cannot be locked.
        rows = every.filter(**{f"{key}__in": Subquery(rows.order_by().values_list(key))})
    return await rows.select_for_update()


def _among(model: type[Model], rows: Iterable[Model]) -> Q:
    """Return the condition of being one of these; "pk" does not serve a key that is a relation."""
    condition: dict[str, Any] = {f"{model._meta.pk_attr}__in": [each.pk for each in rows]}
    return Q(**condition)


async def _execute_for(
    rows: Rows, statement: Statement, native: Execute, db: BaseDBAsyncClient
) -> int:
    """Execute a statement for these rows, and for no others that match it by now."""
    count = 0
    for some in chunk(rows, MOST_KEYS):
        narrowed = copy(statement)
        narrowed._db, narrowed._joined_tables = db, []
        narrowed._q_objects = [_among(statement.model, some)]
        narrowed._make_query()
        count += await native(narrowed)
    return count


async def _refreshed(rows: Rows, db: BaseDBAsyncClient) -> Rows:
    """Read the rows again, into the same instances; return those that are still there."""
    present: list[Model] = []
    for some in chunk(rows, MOST_KEYS):
        query = QuerySet(type(rows[0])).using_db(db)
        found = await query.filter(_among(type(rows[0]), some))
        by_key = {each.pk: each for each in found}
        for instance in some:
            if instance.pk in by_key:
                for field in instance._meta.fields_db_projection:
                    setattr(instance, field, getattr(by_key[instance.pk], field))
                present.append(instance)
    return present


PATCHES = (
    Patch(BulkCreateQuery, "_execute_many", _bulk_create),
    Patch(UpdateQuery, "_execute", _update),
    Patch(DeleteQuery, "_execute", _delete),
)
