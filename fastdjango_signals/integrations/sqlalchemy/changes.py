"""What a flush is going to do to the instances of a session; nothing here loads anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Mapper, PassiveFlag, RelationshipDirection, Session
from sqlalchemy.orm.attributes import get_history, has_parent

NO_LOAD = PassiveFlag.PASSIVE_NO_INITIALIZE


def mapper_of(instance: Any) -> Mapper[Any]:
    """Return how the class of an instance is mapped."""
    mapper: Mapper[Any] = inspect(instance).mapper
    return mapper


def changed_names(instance: object) -> tuple[str, ...]:
    """Return the names of the attributes that an UPDATE would write, and what they come from.

    These are columns, and references to one other instance with the columns that hold its key.
    """
    mapper = mapper_of(instance)
    names = {
        attribute.key: None
        for attribute in mapper.column_attrs
        if get_history(instance, attribute.key, NO_LOAD).has_changes()
    }
    for relation in mapper.relationships:
        if (
            relation.direction is RelationshipDirection.MANYTOONE
            and get_history(instance, relation.key, NO_LOAD).has_changes()
        ):
            names[relation.key] = None
            written = (column for _, column in relation.synchronize_pairs)
            names.update((mapper.get_property_by_column(column).key, None) for column in written)
    return tuple(names)


def orphans(session: Session) -> Iterator[object]:
    """Yield what a flush will delete because it was removed from its only parent."""
    for parent in session.dirty:
        for relation in mapper_of(parent).relationships:
            if not relation.cascade.delete_orphan:
                continue
            for child in get_history(parent, relation.key, NO_LOAD).deleted or ():
                has_moved = has_parent(relation.parent.class_, child, relation.key)
                if child in session and not has_moved:
                    yield child
