"""The latest sends, and who is told of each change: from any thread, in bounded memory."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import threading
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from fastdjango_signals.inspector.records import Record

_DIGITS = 20  # of the number of a change; strangers may send any


class Watcher:
    """One page that watches: which records it has to be told of.

    A record that changes again before it was told of is told of once. One who is too slow for
    what happens loses the oldest.

    Args:
        most: Records that may wait for it.
    """

    def __init__(self, most: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._most = most
        self._waiting: OrderedDict[int, tuple[int, Record]] = OrderedDict()
        self._lost = 0
        self._is_woken = False

    @property
    def is_gone(self) -> bool:
        """Whether its event loop has ended, and it has not said so."""
        return self._loop.is_closed()

    def offer(self, change: int, record: Record) -> None:
        """Have it told of a record that has changed. The feed is locked meanwhile."""
        self._waiting[record.id] = (change, record)
        self._waiting.move_to_end(record.id)
        if len(self._waiting) > self._most:
            self._waiting.popitem(last=False)
            self._lost += 1
        if not self._is_woken:
            self._is_woken = True
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self.wake)

    def take(self) -> tuple[list[tuple[int, Record]], int]:
        """Return what it has to be told of, and how much it has lost. The feed is locked."""
        taken, lost = list(self._waiting.values()), self._lost
        self._waiting.clear()
        self._lost = 0
        self._is_woken = False
        self._news.clear()
        return taken, lost

    def wake(self) -> None:
        """Let it look, from its own loop."""
        self._news.set()

    async def wait(self, seconds: float) -> None:
        """Wait for news, but no longer than this."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()


class Feed:
    """The latest sends of this process.

    Args:
        keep: How many of them to keep.

    Attributes:
        keep: The same.
        epoch: Tells this feed from that of another process, or of one before.
    """

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.epoch = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._changes = itertools.count(1)
        self._latest: OrderedDict[int, tuple[int, Record]] = OrderedDict()
        self._watchers: list[Watcher] = []

    def next_id(self) -> int:
        """Return a number for a new record."""
        return next(self._ids)

    def add(self, record: Record) -> None:
        """Keep one more record; where there are enough, the oldest is forgotten."""
        with self._lock:
            change = next(self._changes)
            self._latest[record.id] = (change, record)
            if len(self._latest) > self.keep:
                self._latest.popitem(last=False)
            self._offer(change, record)

    @contextmanager
    def changing(self, record: Record) -> Generator[None, None, None]:
        """Change a record in this block, in which nobody reads it."""
        with self._lock:
            yield
            change = next(self._changes)
            if record.id in self._latest:
                self._latest[record.id] = (change, record)
            self._offer(change, record)

    def join(self, watcher: Watcher, since: str) -> None:
        """Tell somebody of the records that are kept and have changed since, and of all to come.

        Args:
            watcher: Who is told.
            since: The `id` of the last event that was received, or anything else.
        """
        epoch, _, last = since.partition("-")
        is_ours = epoch == self.epoch and last.isdecimal() and len(last) < _DIGITS
        seen = int(last) if is_ours else 0
        with self._lock:
            self._watchers.append(watcher)
            for change, record in sorted(self._latest.values(), key=lambda kept: kept[0]):
                if change > seen:
                    watcher.offer(change, record)

    def leave(self, watcher: Watcher) -> None:
        """Tell somebody of nothing more."""
        with self._lock:
            self._watchers.remove(watcher)

    def take(self, watcher: Watcher) -> str:
        """Return the events that somebody has to be sent; an empty text where there are none."""
        with self._lock:
            taken, lost = watcher.take()
            events = [f"event: lost\ndata: {lost}\n\n"] if lost else []
            for change, record in taken:
                events.append(f"id: {self.epoch}-{change}\nevent: send\ndata: {record.text()}\n\n")
        return "".join(events)

    def latest(self) -> list[dict[str, Any]]:
        """Return the records that are kept, the oldest first."""
        with self._lock:
            return [record.as_json() for _, record in self._latest.values()]

    def _offer(self, change: int, record: Record) -> None:
        for watcher in self._watchers:
            watcher.offer(change, record)
