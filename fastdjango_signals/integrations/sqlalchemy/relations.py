"""Many-to-many relations: the sender of `m2m_changed`, and what a flush changes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import Mapper, RelationshipProperty
from sqlalchemy.orm.attributes import get_history

from fastdjango_signals.exceptions import SignalOptionError
from fastdjango_signals.integrations.sqlalchemy.changes import NO_LOAD, mapper_of
from fastdjango_signals.places import name_of


@dataclass(frozen=True, slots=True)
class Through:
    """A many-to-many relation, as the sender of `m2m_changed`: `Through(Post, "tags")`.

    It stands for what is `Post.tags.through` in Django. Use it once the classes of both sides are
    defined. Both sides of a relation have the same sender, and equal ones are the same: where
    both have a relationship, it is that of the class to which the first foreign key of the
    association table refers.

    Attributes:
        model: The class that has the relationship.
        field: The name of the relationship.

    Raises:
        SignalOptionError: The class has no such relationship.
    """

    model: type[Any]
    field: str

    def __post_init__(self) -> None:
        relation = _relation(self.model, self.field)
        if relation is None:
            raise SignalOptionError(
                f"{name_of(self.model)} has no relationship "
                f'"{self.field}" with an association table ("secondary") that can be written'
            )
        near = _near(relation)
        object.__setattr__(self, "model", near.parent.class_)
        object.__setattr__(self, "field", near.key)

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.field}"

    @property
    def target(self) -> type[Any]:
        """The class of what is added and removed."""
        mapper: Mapper[Any] = inspect(self.model)
        target: type[Any] = mapper.relationships[self.field].mapper.class_
        return target


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What a flush adds to the relation of one instance, or removes from it.

    Attributes:
        through: The relation.
        instance: The instance, which is of the class that `through` names.
        added: Whether it is an addition.
        others: What is added or removed; twice where both sides report it.
    """

    through: Through
    instance: Any
    added: bool
    others: list[Any] = field(default_factory=list[Any])

    def primary_keys(self) -> set[Any]:
        """Return those of the others, as far as they have one yet."""
        return {key for other in self.others if (key := _primary_key(other)) is not None}


def changes(instances: Iterable[Any]) -> list[Change]:
    """Return what has changed in the relations of these instances, the removals first.

    What both sides report becomes one change. Nothing is loaded.
    """
    found: dict[tuple[Through, int, bool], Change] = {}
    for relation, owner, other, added in _reported(instances):
        through = Through(relation.parent.class_, relation.key)
        is_near = (relation.parent.class_, relation.key) == (through.model, through.field)
        near, far = (owner, other) if is_near else (other, owner)
        change = found.setdefault((through, id(near), added), Change(through, near, added))
        change.others.append(far)
    return sorted(found.values(), key=lambda change: change.added)


def _reported(
    instances: Iterable[Any],
) -> Iterator[tuple[RelationshipProperty[Any], Any, Any, bool]]:
    for instance in instances:
        for relation in mapper_of(instance).relationships:
            if not _is_many_to_many(relation):
                continue
            history = get_history(instance, relation.key, NO_LOAD)
            for others, added in ((history.added, True), (history.deleted, False)):
                yield from ((relation, instance, each, added) for each in others or ())


def _is_many_to_many(relation: RelationshipProperty[Any]) -> bool:
    return relation.secondary is not None and not relation.viewonly


def _relation(model: type[Any], name: str) -> RelationshipProperty[Any] | None:
    try:
        mapper: Mapper[Any] = inspect(model)
    except NoInspectionAvailable:
        return None
    found = mapper.relationships.get(name)
    return found if found is not None and _is_many_to_many(found) else None


def _near(relation: RelationshipProperty[Any]) -> RelationshipProperty[Any]:
    """Return the relationship that stands for this one and the one of the other side."""
    name = relation.back_populates
    other = relation.mapper.relationships.get(name) if name else None
    if other is None or other.secondary is not relation.secondary:
        return relation
    return min(relation, other, key=_place)


def _place(relation: RelationshipProperty[Any]) -> tuple[int, str]:
    """Return where in the association table the class of the relationship is referred to."""
    columns: list[Any] = [column for _, column in relation.synchronize_pairs]
    table: Any = relation.secondary
    place = min(index for index, each in enumerate(table.c) if each in set(columns))
    return place, str(relation)


def _primary_key(instance: Any) -> Any:
    """Return the primary key as far as it is known, and load nothing."""
    state, mapper = inspect(instance), mapper_of(instance)
    names = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
    key = state.identity or tuple(state.dict.get(name) for name in names)
    if None in key:
        return None
    return key[0] if len(key) == 1 else key
