"""Send the model signals from SQLAlchemy and SQLModel, and let receivers wait for commits.

    from fastdjango_signals.integrations import sqlalchemy

    sqlalchemy.install()            # every session
    sqlalchemy.install(factory)     # or those of an async_sessionmaker, a sessionmaker, a class

Then the flush of a session sends `pre_save`, `post_save`, `pre_delete` and `post_delete`, with
the mapped class as the sender, and `m2m_changed`, whose sender is `Through(Post, "tags")`. An
exception of a receiver comes out of the method that flushed. Receivers that were connected with
`on_commit=True` run after the commit of the session's outermost transaction.

The alias of a session's database, the payload's `using`, is `info["using"]` of the session.
Nothing is sent for statements: `session.execute(update(Post))`, and what is called bulk.
"""

from __future__ import annotations

from fastdjango_signals.extras import check_installed, check_version, needs

with needs("sqlalchemy", extra="sqlalchemy"):
    from sqlalchemy import event
    from sqlalchemy.orm import Session

from fastdjango_signals.integrations.sqlalchemy import flushes, sessions, transactions
from fastdjango_signals.integrations.sqlalchemy.relations import Through
from fastdjango_signals.integrations.sqlalchemy.sessions import Sessions
from fastdjango_signals.patches import Patch, Patches
from fastdjango_signals.transactions import add_backend, remove_backend

__all__ = ["Through", "install", "uninstall"]

_LISTENERS = (*flushes.LISTENERS, *transactions.LISTENERS)
_patches = Patches(Patch(Session, "flush", flushes.watching))


def install(*chosen: Sessions) -> None:
    """Send the signals of these sessions, or of all.

    Installing again adds to what is installed. Transactions that are open already are not
    waited for. A chosen `async_sessionmaker` is given a class of sync sessions of its own, so
    what it has made before is left alone.

    Args:
        chosen: What makes the sessions: an `async_sessionmaker` or `sessionmaker`, scoped or not,
            or a subclass of `AsyncSession` or `Session`; none for all sessions.

    Raises:
        SignalOptionError: Something given makes no sessions.
        InstallError: The installed version of SQLAlchemy is not one that this is made for.
    """
    check_version("sqlalchemy", (2, 1), (2, 2))
    for target in chosen:
        sessions.check(target)
    for target in chosen or (Session,):
        sessions.add(target)
    if not _patches.are_applied:
        _patches.apply()
        for name, listener in _LISTENERS:
            event.listen(Session, name, listener)
        add_backend(transactions.stack)


def uninstall(*chosen: Sessions) -> None:
    """Take back an `install` of these sessions, or everything.

    With the last of them, SQLAlchemy is left as it was. Do it while no transaction is open: what
    still waits for a commit is dropped.

    Raises:
        SignalOptionError: Something that `install` was not given.
    """
    check_installed(chosen, sessions.is_covered)
    for target in chosen or sessions.targets():
        sessions.discard(target)
    if _patches.are_applied and not sessions.targets():
        remove_backend(transactions.stack)
        for name, listener in _LISTENERS:
            event.remove(Session, name, listener)
        _patches.restore()
        transactions.forget_all()
