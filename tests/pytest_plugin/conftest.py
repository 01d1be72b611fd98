"""Test runs in processes of their own, with the plugin and no others but those asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

SHOP = """
import asyncio
from fastdjango_signals import Payload, Signal

class OrderPlaced(Payload):
    order_id: int

order_placed = Signal(OrderPlaced)
mails = []

async def send_mail(sender, order_id, **kwargs):
    mails.append(order_id)

async def place(order_id):
    await asyncio.create_task(order_placed.send(sender="shop", order_id=order_id))
"""


@pytest.fixture
def run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., pytest.RunResult]:
    """Run the tests that `pytester` has made, which can import `shop`."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(shop=SHOP)

    def run(*options: str) -> pytest.RunResult:
        plugin = ["-p", "pytest_fastdjango_signals", "-p", "no:cacheprovider"]
        path = ["-o", "pythonpath=.", "-W", "error", "--strict-markers"]
        return pytester.runpytest_subprocess(*plugin, *path, *options)

    return run
