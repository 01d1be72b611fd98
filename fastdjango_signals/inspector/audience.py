"""Who watches. While nobody does, no send is observed."""

from __future__ import annotations

import threading

from fastdjango_signals.inspector.feeds import Watcher
from fastdjango_signals.inspector.recorder import Recorder
from fastdjango_signals.observers import add_observer, remove_observer


class Audience:
    """Those who watch one feed: the recorder observes from the first of them to the last.

    Args:
        recorder: Who writes down what happens meanwhile.
        most: How many may watch at a time.
    """

    def __init__(self, recorder: Recorder, most: int) -> None:
        self._recorder = recorder
        self._most = most
        self._lock = threading.Lock()
        self._watchers: list[Watcher] = []

    def join(self, since: str) -> Watcher | None:
        """Let one more watch; return None where there are enough.

        Args:
            since: The `id` of the last event that it has seen, if it has.
        """
        feed = self._recorder.feed
        with self._lock:
            for gone in [each for each in self._watchers if each.is_gone]:
                self._remove(gone)
            if len(self._watchers) >= self._most:
                return None
            watcher = Watcher(feed.keep)
            if not self._watchers:
                add_observer(self._recorder)
            self._watchers.append(watcher)
            feed.join(watcher, since)
            return watcher

    def leave(self, watcher: Watcher) -> None:
        """Let one go."""
        with self._lock:
            if watcher in self._watchers:
                self._remove(watcher)

    def _remove(self, watcher: Watcher) -> None:
        self._recorder.feed.leave(watcher)
        self._watchers.remove(watcher)
        if not self._watchers:
            remove_observer(self._recorder)
