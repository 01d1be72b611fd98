"""The fixtures `signals` and `captured`, in test runs of their own."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]

TESTS = """
import pytest
import shop
from fastdjango_signals.testing import capture

{way}

@pytest.fixture(autouse=True)
def mail():
    shop.mails.clear()
    with shop.order_placed.connected_to(shop.send_mail):
        yield

async def test_captured_in_the_task_of_the_test_and_its_tasks(captured):
    sent = captured(shop.order_placed)
    await shop.order_placed.send(sender="shop", order_id=1)
    await shop.place(2)
    assert sent.payloads == [shop.OrderPlaced(order_id=1), shop.OrderPlaced(order_id=2)]
    assert shop.mails == [1, 2]

@pytest.fixture
def silent(captured):
    return captured(shop.order_placed, run=False)

async def test_captured_by_a_sync_fixture(silent):
    await shop.place(3)
    silent.assert_sent_once(order_id=3)
    assert shop.mails == []

async def test_nothing_is_left_of_that():
    await shop.place(4)
    assert shop.mails == [4]

@pytest.fixture
def no_mail(signals):
    signals.mute(shop.order_placed, receiver=shop.send_mail)

async def test_muted_by_a_sync_fixture(no_mail, signals):
    seen = []
    async def look(sender, order_id, **kwargs):
        seen.append(order_id)
    signals.connect(shop.order_placed, look)
    await shop.place(5)
    assert (seen, shop.mails) == ([5], [])

@async_fixture
async def sent_before(captured):
    sent = captured(shop.order_placed)
    await shop.place(6)
    return sent

async def test_captured_by_an_async_fixture(sent_before):
    await shop.place(7)
    assert len(sent_before) == 2

@pytest.fixture
def in_a_block(sent_before):
    with capture(shop.order_placed, run=False, everywhere=True) as sent:
        yield sent

async def test_captured_by_a_block_in_a_fixture(in_a_block):
    shop.mails.clear()
    await shop.place(8)
    assert (len(in_a_block), shop.mails) == (1, [])
"""

ASYNCIO = ["-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function"]
AUTO = """
async_fixture = pytest.fixture
"""
STRICT = """
import pytest_asyncio
pytestmark = pytest.mark.asyncio
async_fixture = pytest_asyncio.fixture
"""
ANYIO = """
pytestmark = pytest.mark.anyio
async_fixture = pytest.fixture

@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"
"""


@pytest.mark.parametrize(
    ("way", "options"),
    [
        pytest.param(AUTO, [*ASYNCIO, "-o", "asyncio_mode=auto"], id="pytest-asyncio, auto"),
        pytest.param(STRICT, [*ASYNCIO, "-o", "asyncio_mode=strict"], id="pytest-asyncio, strict"),
        pytest.param(ANYIO, ["-p", "anyio.pytest_plugin"], id="anyio"),
    ],
)
def test_the_fixtures_hold_in_async_tests(
    pytester: pytest.Pytester, run: Run, way: str, options: list[str]
) -> None:
    pytester.makepyfile(TESTS.replace("{way}", way))

    run(*options).assert_outcomes(passed=6)


def test_the_fixtures_hold_in_sync_tests(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("""
        import asyncio, threading
        import shop

        def test_captured(captured, signals):
            sent = captured(shop.order_placed)
            signals.connect(shop.order_placed, shop.send_mail)
            asyncio.run(shop.place(1))
            signals.mute(shop.order_placed)
            thread = threading.Thread(target=lambda: asyncio.run(shop.place(2)))
            thread.start()
            thread.join()
            assert (len(sent), shop.mails) == (2, [1])
    """)

    run().assert_outcomes(passed=1)


def test_the_fixtures_hold_in_each_process_of_xdist(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("""
        import asyncio
        import pytest
        import shop

        @pytest.mark.parametrize("order_id", range(10))
        def test_captured(captured, order_id):
            sent = captured(shop.order_placed)
            asyncio.run(shop.place(order_id))
            assert [payload.order_id for payload in sent.payloads] == [order_id]
    """)

    run("-p", "xdist", "-n", "2").assert_outcomes(passed=10)


def test_a_failed_assertion_points_at_the_test_and_shows_what_was_sent(
    pytester: pytest.Pytester,
    run: Run,
) -> None:
    pytester.makepyfile("""
        import asyncio
        import shop

        def test_captured(captured):
            sent = captured(shop.order_placed)
            asyncio.run(shop.place(1))
            sent.assert_sent(order_id=2)
    """)

    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       sent.assert_sent(order_id=2)",
            "E       AssertionError: shop.OrderPlaced was not sent with order_id=2. What was sent:",
            "E         1. shop.OrderPlaced from 'shop': order_id=1",
            "E              order_id is 1, not 2",
            "test_*.py:7: AssertionError",
        ]
    )
    result.stdout.no_fnmatch_line("*captures.py*")


def test_a_project_may_have_a_fixture_called_signals(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("""
        import asyncio
        import pytest
        import shop

        @pytest.fixture
        def signals():
            return "mine"

        def test_captured(captured, signals):
            sent = captured(shop.order_placed)
            asyncio.run(shop.place(1))
            assert (len(sent), signals) == (1, "mine")
    """)

    run().assert_outcomes(passed=1)


def test_tests_that_need_no_signals_load_neither_the_package_nor_pydantic(
    pytester: pytest.Pytester, run: Run
) -> None:
    pytester.makepyfile("""
        import sys

        def test_nothing_is_loaded():
            assert not {"fastdjango_signals", "pydantic"} & set(sys.modules)

        def test_the_fixture_loads_it(captured):
            assert {"fastdjango_signals", "pydantic"} <= set(sys.modules)
    """)

    run().assert_outcomes(passed=2)


def test_the_entry_point_names_the_plugin() -> None:
    """By the name of the module: so `-p pytest_fastdjango_signals` does not load it twice."""
    (found,) = entry_points(group="pytest11", name="pytest_fastdjango_signals")
    assert found.value == found.name
