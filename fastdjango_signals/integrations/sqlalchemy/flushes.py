"""Flushes: the signals of what they save, delete, add to relations and remove from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from typing import Any, TypeAlias

from sqlalchemy import inspect
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import FlushError

from fastdjango_signals.builtin import m2m_changed, post_delete, post_save, pre_delete, pre_save
from fastdjango_signals.integrations.sqlalchemy import relations
from fastdjango_signals.integrations.sqlalchemy.bridge import wait_for
from fastdjango_signals.integrations.sqlalchemy.changes import changed_names, orphans
from fastdjango_signals.integrations.sqlalchemy.relations import Change
from fastdjango_signals.integrations.sqlalchemy.sessions import covers
from fastdjango_signals.integrations.sqlalchemy.transactions import alias_of, bring_up
from fastdjango_signals.signals import Signal

SIGNALS = (pre_save, post_save, pre_delete, post_delete, m2m_changed)
MOST_ROUNDS = 100  # as many as SQLAlchemy flushes in a commit

Fields: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Notice:
    """A signal to send.

    Attributes:
        signal: The signal.
        sender: Its sender.
        fields: Gives the payload as the signal is sent, since receivers before may have changed
            it; None where there is nothing to tell any more.
    """

    signal: Signal[Any, ...]
    sender: object
    fields: Callable[[], Fields | None]


def _deletion(signal: Signal[Any, ...], instance: object) -> Notice:
    return Notice(signal, type(instance), lambda: {"instance": instance})


def _relation(change: Change, when: str) -> Notice:
    def fields() -> Fields:
        return {
            "instance": change.instance,
            "action": f"{when}_{'add' if change.added else 'remove'}",
            "reverse": False,
            "model": change.through.target,
            "pk_set": change.primary_keys(),
        }

    return Notice(m2m_changed, change.through, fields)


@dataclass(slots=True, eq=False)
class Flush:
    """One flush of a session.

    Attributes:
        session: The session.
        only: Ids of the instances to which the flush is limited; None for all.
        told: What receivers were told before, by what was told.
        planned: Which attributes of an instance are to be written, by its id. Those set to an SQL
            expression do not tell any more once they are.
        saved: What has been written: instance, whether it is new, and which of its attributes.
        deleted: What has been deleted.
        related: What has changed in relations.
    """

    session: Session
    only: set[int] | None = None
    told: dict[Any, object] = field(default_factory=dict[Any, object])
    planned: dict[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    saved: list[tuple[object, bool, tuple[str, ...] | None]] = field(
        default_factory=list[tuple[object, bool, tuple[str, ...] | None]]
    )
    deleted: list[object] = field(default_factory=list[object])
    related: list[Change] = field(default_factory=list[Change])

    def announce(self) -> None:
        """Send what comes before, for what receivers bring in too."""
        for _ in range(MOST_ROUNDS):
            if self.told_all():
                dirty = self._limited(self.session.dirty)
                self.planned = {id(each): changed_names(each) for each in dirty}
                return
        raise FlushError(
            f"receivers of pre_save or pre_delete have changed more instances {MOST_ROUNDS} times "
            "in one flush; let them leave out what they have made themselves"
        )

    def told_all(self) -> bool:
        """Send what was not sent before; return whether there was nothing."""
        fresh = list(self._fresh(self._instances())) or list(self._fresh(self._relations()))
        self._send(fresh)
        return not fresh

    def _fresh(self, candidates: Iterable[tuple[Any, Notice]]) -> Iterator[Notice]:
        for key, notice in candidates:
            if key not in self.told:
                self.told[key] = notice  # whose instance thereby keeps its id
                yield notice

    def _instances(self) -> Iterator[tuple[Any, Notice]]:
        session = self.session
        for instance in self._limited(session.new):
            yield (pre_save, id(instance)), self._creation(instance)
        leaving = list(orphans(session))
        for instance in self._limited(session.dirty):
            is_leaving = any(instance is each for each in leaving)
            if not is_leaving and changed_names(instance):
                yield (pre_save, id(instance)), self._update(instance)
        for instance in self._limited((*session.deleted, *leaving)):
            yield (pre_delete, id(instance)), _deletion(pre_delete, instance)

    def _creation(self, instance: object) -> Notice:
        def fields() -> Fields | None:
            return {"instance": instance} if instance in self.session else None

        return Notice(pre_save, type(instance), fields)

    def _update(self, instance: object) -> Notice:
        def fields() -> Fields | None:
            names = changed_names(instance) if instance in self.session else ()
            return {"instance": instance, "update_fields": names} if names else None

        return Notice(pre_save, type(instance), fields)

    def _relations(self) -> Iterator[tuple[Any, Notice]]:
        for change in self._changes():
            key = (change.through, id(change.instance), change.added)
            # What receivers have added since is told without what was there before.
            others = [each for each in change.others if (*key, id(each)) not in self.told]
            self.told.update(((*key, id(each)), change) for each in others)
            if others:
                yield (
                    (*key, id(others[0]), "told"),
                    _relation(replace(change, others=others), "pre"),
                )

    def _changes(self) -> list[Change]:
        if not m2m_changed.has_listeners():
            return []
        return relations.changes(self._limited((*self.session.new, *self.session.dirty)))

    def _limited(self, instances: Iterable[object]) -> Iterator[object]:
        return (each for each in instances if self.only is None or id(each) in self.only)

    def record(self) -> None:
        """Note what has been written, while the session still knows what has changed."""
        for instance in self._limited(self.session.new):
            self.saved.append((instance, True, None))
        for instance in self._limited(self.session.dirty):
            names = (*self.planned.get(id(instance), ()), *changed_names(instance))
            if names:
                self.saved.append((instance, False, tuple(dict.fromkeys(names))))
        self.related = self._changes()

    def confirm(self) -> None:
        """Send what comes after."""
        self._send([*self._saved(), *self._deleted(), *self._related()])

    def _saved(self) -> Iterator[Notice]:
        for instance, created, names in self.saved:
            state: Any = inspect(instance)
            # Pending is what a listener of others has just added, and deleted what was an orphan.
            if not (state.pending or state.deleted):
                fields = {"instance": instance, "created": created, "update_fields": names}
                yield Notice(post_save, type(instance), partial(dict[str, Any], fields))

    def _deleted(self) -> Iterator[Notice]:
        order = {key: place for place, key in enumerate(self.told)}
        last = len(order)
        for instance in sorted(
            self.deleted, key=lambda each: order.get((pre_delete, id(each)), last)
        ):
            yield _deletion(post_delete, instance)

    def _related(self) -> Iterator[Notice]:
        return (_relation(change, "post") for change in self.related)

    def _send(self, notices: Iterable[Notice]) -> None:
        heard = [each for each in notices if each.signal.has_listeners(sender=each.sender)]
        if heard:
            wait_for(partial(_send_all, self.session, heard), heard[0].signal.name)


async def _send_all(session: Session, notices: list[Notice]) -> None:
    using = alias_of(session)
    for notice in notices:
        fields = notice.fields()
        if fields is not None:
            bring_up(session)  # a receiver may have begun another one
            await notice.signal.send(notice.sender, using=using, **fields)


_flushes: dict[Session, Flush] = {}


def watching(native: Callable[..., None]) -> Callable[..., None]:
    """Wrap `Session.flush`, since what is raised in an event of SQLAlchemy would roll back."""

    @wraps(native)
    def flush(self: Session, objects: Any = None) -> None:
        is_covered = covers(self)
        if is_covered:
            bring_up(self)  # whoever listens: a custom signal waits for the session last used
        if not is_covered or self in _flushes or not _is_heard():
            native(self, objects)
            return
        chosen = list(objects) if objects else None  # it may be an iterator
        flush = _flushes[self] = Flush(self, set(map(id, chosen)) if chosen else None)
        try:
            native(self, chosen)
        finally:
            del _flushes[self]
        flush.confirm()

    return flush


def _is_heard() -> bool:
    return any(signal.has_listeners() for signal in SIGNALS)


def _before(session: Session, *_: object) -> None:
    if session in _flushes:
        _flushes[session].announce()


def _after(session: Session, _: object) -> None:
    if session in _flushes:
        _flushes[session].record()


def _deleted(session: Session, instance: object) -> None:
    if session in _flushes:
        _flushes[session].deleted.append(instance)


LISTENERS = (
    ("before_flush", _before),
    ("after_flush", _after),
    ("persistent_to_deleted", _deleted),
)
"""Events of every session, and what is told of them."""
