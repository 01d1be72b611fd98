from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel
from tortoise.backends.base.executor import EXECUTOR_CACHE

from fastdjango_signals import Signal
from tests.integrations.capabilities import CapabilityTable
from tests.integrations.servers import postgres  # noqa: F401 - a fixture


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(CapabilityTable())


@dataclass(frozen=True)
class Heard:
    signal: Signal[Any, ...]
    sender: Any
    payload: Any


Listen = Callable[..., list[Heard]]


@pytest.fixture(autouse=True)
def _forget_statements() -> Iterator[None]:
    """Tortoise keeps SQL by the name of a table, and pages have tables of the same names."""
    yield
    EXECUTOR_CACHE.clear()


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Give a function that connects to signals, until the test ends, and returns what they send."""
    with ExitStack() as stack:

        def connect(*signals: Signal[Any, ...], **options: Any) -> list[Heard]:
            heard: list[Heard] = []

            def recorder(signal: Signal[Any, ...]) -> Any:
                async def record(sender: Any, payload: BaseModel) -> None:
                    heard.append(Heard(signal, sender, payload))

                return record

            for signal in signals:
                stack.enter_context(signal.connected_to(recorder(signal), weak=False, **options))
            return heard

        yield connect
