"""The ring of the latest sends, and watchers that are too slow for it."""

from __future__ import annotations

import asyncio
import json
import threading

from fastdjango_signals.inspector.audience import Audience
from fastdjango_signals.inspector.feeds import Feed, Watcher
from fastdjango_signals.inspector.recorder import Recorder
from fastdjango_signals.inspector.records import Record


def added(feed: Feed, count: int = 1) -> list[Record]:
    records = [
        Record(id=feed.next_id(), signal="ping", sender="None", time=0) for _ in range(count)
    ]
    for record in records:
        feed.add(record)
    return records


def joined(feed: Feed, since: str = "", most: int = 100) -> Watcher:
    watcher = Watcher(most)
    feed.join(watcher, since)
    return watcher


def told(feed: Feed, watcher: Watcher) -> tuple[list[int], int, str]:
    """Return the numbers of the sends, how many were lost, and the last id."""
    numbers, lost, last = [], 0, ""
    for event in feed.take(watcher).split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in event.split("\n"))
        last = lines.get("id", last)
        if lines["event"] == "lost":
            lost = int(lines["data"])
        else:
            numbers.append(json.loads(lines["data"])["id"])
    return numbers, lost, last


async def test_the_oldest_is_forgotten() -> None:
    feed = Feed(3)
    added(feed, 5)

    assert [each["id"] for each in feed.latest()] == [3, 4, 5]
    assert told(feed, joined(feed))[0] == [3, 4, 5]


async def test_a_change_is_told_once_however_often_it_changes() -> None:
    feed = Feed(10)
    watcher = joined(feed)
    first, second = added(feed, 2)
    for _ in range(5):
        with feed.changing(first):
            first.called += 1

    assert told(feed, watcher)[0] == [second.id, first.id]
    assert told(feed, watcher) == ([], 0, "")


async def test_who_comes_back_is_told_of_what_has_changed_since() -> None:
    feed = Feed(10)
    watcher = joined(feed)
    first, *_ = added(feed, 3)
    _, _, last = told(feed, watcher)
    feed.leave(watcher)
    with feed.changing(first):
        first.called = 1
    (fourth,) = added(feed)

    assert told(feed, joined(feed, last))[0] == [first.id, fourth.id]
    for of_another in ("", "what-ever", f"{Feed(1).epoch}-3", f"{feed.epoch}-x"):
        assert len(told(feed, joined(feed, of_another))[0]) == 4


async def test_one_who_is_slow_loses_the_oldest_and_is_told_how_many() -> None:
    feed = Feed(100)
    watcher = joined(feed, most=3)
    added(feed, 10)

    assert told(feed, watcher)[:2] == ([8, 9, 10], 7)
    added(feed)
    assert told(feed, watcher)[:2] == ([11], 0)


async def test_a_change_of_what_the_ring_has_forgotten_is_still_told() -> None:
    feed = Feed(1)
    watcher = joined(feed)
    first, _ = added(feed, 2)
    told(feed, watcher)
    with feed.changing(first):
        first.called = 1

    assert told(feed, watcher)[0] == [first.id]
    assert [each["id"] for each in feed.latest()] == [2]


async def test_news_from_another_thread_wake_a_watcher() -> None:
    feed = Feed(10)
    watcher = joined(feed)
    thread = threading.Thread(target=added, args=(feed, 100))
    thread.start()
    async with asyncio.timeout(5):
        await watcher.wait(5)
    await asyncio.to_thread(thread.join)
    assert told(feed, watcher)[1] == 0


async def test_waiting_has_an_end() -> None:
    await joined(Feed(1)).wait(0.01)


def test_a_watcher_whose_loop_has_ended_harms_nobody_and_makes_room() -> None:
    feed = Feed(10)
    audience = Audience(Recorder(feed, show_values=False), 1)

    async def join() -> Watcher | None:
        return audience.join("")

    gone = asyncio.run(join())
    assert gone is not None
    assert gone.is_gone
    added(feed)
    watcher = asyncio.run(join())
    assert watcher is not None
    audience.leave(gone)  # once more does nothing
    audience.leave(watcher)


def test_a_number_that_is_too_long_to_be_one_of_ours_is_ignored() -> None:
    feed = Feed(10)

    async def join() -> list[int]:
        added(feed)
        return told(feed, joined(feed, f"{feed.epoch}-{'9' * 5000}"))[0]

    assert asyncio.run(join()) == [1]
