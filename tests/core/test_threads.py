"""Connecting, disconnecting and sending from many threads at once."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fastdjango_signals import Payload, Signal, all_signals
from fastdjango_signals.threads import runs_a_loop


class Ping(Payload):
    x: int = 0


class Shop: ...


@pytest.fixture(autouse=True)
def quick_switches() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def together(*works: Callable[[], object]) -> None:
    """Run the works in threads that start at the same moment; an exception in one comes out."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        barrier.wait()
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(run, work) for work in works]:
            done.result()


def make(name: int) -> Any:
    async def receiver(sender: object, **kwargs: Any) -> int:
        return name

    return receiver


def test_no_connection_is_lost() -> None:
    signal = Signal(Ping)
    groups = [[make(number) for number in range(50)] for _ in range(6)]

    def connect(group: list[Any]) -> None:
        for receiver in group:
            signal.connect(receiver, sender=Shop)
            signal.connect(receiver)

    together(*(lambda group=group: connect(group) for group in groups))

    assert len(signal.receivers) == 600
    assert len(asyncio.run(signal.send(sender=Shop))) == 600
    assert len(asyncio.run(signal.send(sender=None))) == 300


def test_a_send_never_sees_what_was_disconnected_before_it() -> None:
    """A plan that is being made while somebody disconnects must not be kept."""
    signal = Signal(Ping)
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            asyncio.run(signal.send(sender=Shop))

    def churn() -> None:
        try:
            for _ in range(300):
                receiver = make(1)
                signal.connect(receiver, sender=Shop)
                assert (receiver, 1) in asyncio.run(signal.send(sender=Shop))
                assert signal.disconnect(receiver, sender=Shop)
                assert (receiver, 1) not in asyncio.run(signal.send(sender=Shop))
        finally:
            stop.set()

    together(send, churn, churn)
    assert signal.receivers == []


def test_senders_may_die_in_one_thread_while_another_connects() -> None:
    signal = Signal(Ping)
    receiver = make(1)

    def churn() -> None:
        for _ in range(500):
            sender = Shop()
            signal.connect(receiver, sender=sender)
            assert signal.has_listeners(sender=sender)

    together(churn, churn, churn)
    assert signal.receivers == []


def test_blocks_in_many_threads_leave_nothing() -> None:
    signal = Signal(Ping)
    receiver = make(1)

    def enter_and_leave() -> None:
        for _ in range(200):
            with signal.connected_to(receiver), signal.muted():
                assert asyncio.run(signal.send(sender=None)) == []

    together(*[enter_and_leave] * 4)
    assert signal.receivers == []


def test_signals_may_be_made_while_they_are_listed() -> None:
    def make_many() -> None:
        for _ in range(200):
            Signal(Ping)

    def list_them() -> None:
        for _ in range(200):
            all_signals()

    together(make_many, list_them, make_many)


async def test_a_loop_runs_on_its_own_thread_and_on_no_other() -> None:
    assert runs_a_loop()
    assert not await asyncio.to_thread(runs_a_loop)
