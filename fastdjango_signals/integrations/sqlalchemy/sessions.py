"""The sessions whose signals are sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, cast

from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from fastdjango_signals.exceptions import SignalOptionError
from fastdjango_signals.places import name_of

Sessions: TypeAlias = (
    type[Session]
    | type[AsyncSession]
    | sessionmaker[Any]
    | async_sessionmaker[Any]
    | scoped_session[Any]
    | async_scoped_session[Any]
)
"""What makes sessions: a class of them, or a factory."""

SYNC_CLASS = "sync_session_class"


@dataclass(frozen=True, slots=True)
class Covered:
    """What was installed for.

    Attributes:
        target: What `install` was given.
        session_class: The class of the sync sessions that it makes, and of no others.
        undo: Has it make the sessions that it made before.
    """

    target: Sessions
    session_class: type[Session]
    undo: Callable[[], None]


_covered: dict[int, Covered] = {}
_classes: tuple[type[Session], ...] = ()


def covers(session: Session) -> bool:
    """Return whether the signals of this session are sent."""
    return isinstance(session, _classes)


def is_covered(target: Sessions) -> bool:
    """Return whether exactly this was added."""
    return id(target) in _covered


def add(target: Sessions) -> None:
    """Send the signals of the sessions that this makes."""
    if not is_covered(target):
        _covered[id(target)] = _cover(target)
        _refresh()


def discard(target: Sessions) -> None:
    """Take one back; nothing happens where it was not added."""
    covered = _covered.pop(id(target), None)
    if covered is not None:
        covered.undo()
        _refresh()


def targets() -> list[Sessions]:
    """Return what was added, the newest first, so that each can be undone in its turn."""
    return [covered.target for covered in reversed(_covered.values())]


def check(target: object) -> None:
    """Raise where this makes no sessions."""
    kind = target if isinstance(target, type) else type(target)
    wanted = (Session, AsyncSession) if kind is target else _FACTORIES
    if not issubclass(kind, wanted):
        raise SignalOptionError(
            f"install() is given {name_of(target)}, which is neither a class of sessions nor a "
            "factory; give a sessionmaker, an async_sessionmaker, or a subclass of Session"
        )
    base = _sync_class_of(target)
    if not isinstance(base, type):
        raise SignalOptionError(
            f"install() is given a factory whose {SYNC_CLASS} is {name_of(base)}, not a class; "
            "give install() the class of the sessions that it makes"
        )


def _refresh() -> None:
    global _classes  # noqa: PLW0603 - read at each flush, so it is kept ready
    _classes = tuple(covered.session_class for covered in _covered.values())


_FACTORIES = (sessionmaker, async_sessionmaker, scoped_session, async_scoped_session)


def _maker_of(target: Any) -> Any:
    is_scoped = isinstance(target, (scoped_session, async_scoped_session))
    return _maker_of(cast("Any", target).session_factory) if is_scoped else target


def _sync_class_of(target: Any) -> Any:
    """Return the class of its sync sessions, which others may use too."""
    maker = _maker_of(target)
    if isinstance(maker, type):
        return getattr(maker, SYNC_CLASS, maker)
    own = maker.kw.get(SYNC_CLASS)
    # SQLAlchemy makes a class for each sessionmaker.
    return own or getattr(maker.class_, SYNC_CLASS, maker.class_)


def _cover(target: Sessions) -> Covered:
    maker, base = _maker_of(target), _sync_class_of(target)
    if isinstance(maker, async_sessionmaker):
        made = _subclass(base)
        undo = _undoing(maker.kw.get(SYNC_CLASS), maker.kw.__setitem__, maker.kw.__delitem__)
        maker.configure(**{SYNC_CLASS: made})
        return Covered(target, made, undo)
    if isinstance(maker, type) and issubclass(maker, AsyncSession):
        made = _subclass(base)
        own = vars(maker).get(SYNC_CLASS)
        undo = _undoing(own, partial(setattr, maker), partial(delattr, maker))
        setattr(maker, SYNC_CLASS, made)
        return Covered(target, made, undo)
    return Covered(target, base, lambda: None)


def _undoing(
    own: Any, put: Callable[[str, Any], None], delete: Callable[[str], None]
) -> Callable[[], None]:
    """Return what gives a holder of a class its own one back, if it had one."""
    return partial(delete, SYNC_CLASS) if own is None else partial(put, SYNC_CLASS, own)


def _subclass(base: type[Session]) -> type[Session]:
    """Return a class of sessions that only one factory uses, as `sessionmaker` has one."""
    return type(base.__name__, (base,), {"__module__": base.__module__})
