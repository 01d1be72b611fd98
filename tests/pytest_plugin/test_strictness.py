"""Tests that leave receivers connected fail, where that is asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]

STRICT = ["-o", "signals_strict=true"]

LEAVES = """
    import pytest
    from shop import send_mail, order_placed

    {marker}
    def test_leaves():
        order_placed.connect(send_mail)
"""


def test_nothing_is_asked_for_by_default(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(LEAVES.replace("{marker}", ""))
    run().assert_outcomes(passed=1)


def test_a_setting_asks_for_all_tests(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(LEAVES.replace("{marker}", ""))

    result = run(*STRICT)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_leaves*",
            "the test left receivers connected:",
            "  signal shop.OrderPlaced: shop.send_mail (*shop.py:10)",
            "connect them until the test ends, with signals.connect(signal, receiver) of *",
        ]
    )


def test_a_marker_asks_for_one_test(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(LEAVES.replace("{marker}", "@pytest.mark.signals(strict=True)"))
    run().assert_outcomes(passed=1, errors=1)


def test_a_marker_excuses_one_test(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(LEAVES.replace("{marker}", "@pytest.mark.signals(strict=False)"))
    run(*STRICT).assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", ["", "True", "strict=1", "strikt=True"])
def test_a_marker_that_says_something_else_is_refused(
    pytester: pytest.Pytester, run: Run, arguments: str
) -> None:
    pytester.makepyfile(LEAVES.replace("{marker}", f"@pytest.mark.signals({arguments})"))

    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["write @pytest.mark.signals(strict=True), or strict=False"])


def test_the_next_test_is_not_blamed(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        LEAVES.replace("{marker}", "")
        + """
    def test_is_innocent(): ...
"""
    )
    run(*STRICT).assert_outcomes(passed=2, errors=1)


def test_what_ends_with_the_test_is_no_leftover(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("""
        import pytest
        from shop import send_mail, order_placed

        def test_with_the_fixture(signals):
            signals.connect(order_placed, send_mail)

        @pytest.fixture
        def connected():
            order_placed.connect(send_mail)
            yield
            order_placed.disconnect(send_mail)

        def test_with_a_fixture(connected): ...

        def test_with_a_block():
            with order_placed.connected_to(send_mail): ...

        async def test_with_a_local_function():
            @order_placed.connect
            async def local(sender, **kwargs): ...
            await order_placed.send(sender=None, order_id=1)

        def test_with_a_method():
            class Mailer:
                async def send(self, sender, **kwargs): ...
            mailer = Mailer()
            order_placed.connect(mailer.send)
    """)

    scope = "asyncio_default_fixture_loop_scope=function"
    asyncio = ["-p", "pytest_asyncio.plugin", "-o", "asyncio_mode=auto", "-o", scope]
    run(*STRICT, *asyncio).assert_outcomes(passed=5)


def test_what_lives_longer_than_the_test_by_intent_is_no_leftover(
    pytester: pytest.Pytester, run: Run
) -> None:
    pytester.makepyfile(
        handlers="""
        from shop import send_mail, order_placed

        @order_placed.connect
        async def handler(sender, **kwargs): ...
        """,
        test_longer="""
        import pytest
        from shop import send_mail, order_placed

        @pytest.fixture(scope="module")
        def connected():
            with order_placed.connected_to(send_mail):
                yield

        def test_with_a_fixture_of_the_module(connected): ...

        @pytest.fixture(scope="class")
        def connected_late():
            with order_placed.connected_to(send_mail, sender="late"):
                yield

        @pytest.fixture(scope="session")
        def connected_last():
            with order_placed.connected_to(send_mail, sender="last"):
                yield

        class TestLate:
            def test_that_asks_for_it(self, request):
                request.getfixturevalue("connected_late")

            def test_that_finds_it(self, connected_late):
                assert order_placed.has_listeners(sender="late")

            def test_that_leaves_another(self, request):
                order_placed.connect(send_mail, sender="left")
                request.getfixturevalue("connected_last")

        def test_that_imports_receivers():
            import handlers
        """,
    )

    result = run(*STRICT)
    result.assert_outcomes(passed=5, errors=1)
    result.stdout.fnmatch_lines(["*shop.send_mail * for sender 'left'"])
    result.stdout.no_fnmatch_line("*for sender 'late'")
    result.stdout.no_fnmatch_line("*for sender 'last'")


def test_a_test_that_fails_anyway_is_not_reported_twice(
    pytester: pytest.Pytester, run: Run
) -> None:
    pytester.makepyfile("""
        from shop import order_placed

        def test_fails():
            @order_placed.connect
            async def local(sender, **kwargs): ...
            raise LookupError
    """)

    run(*STRICT).assert_outcomes(failed=1)


RERUNS = """
    from _pytest.runner import runtestprotocol

    def pytest_runtest_protocol(item, nextitem):
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for _ in range(2):
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
            if not any(report.failed for report in reports):
                break
            item._initrequest()
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True
"""
"""Runs again what fails, as plugins do."""


def test_a_test_that_is_run_again_is_looked_at_again(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makeconftest(RERUNS)
    pytester.makepyfile(
        """
        import shop

        runs = []

        def test_fails_first_and_leaves_a_receiver_then():
            runs.append(1)
            assert len(runs) > 1
            shop.order_placed.connect(shop.send_mail)

        def test_leaves_a_receiver_each_time():
            shop.order_placed.connect(shop.send_mail)
        """
    )
    result = run("-o", "signals_strict=true")
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_fails_first*"])
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_leaves*"])


def test_what_was_left_is_disconnected(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import shop

        def test_leaves_some():
            shop.order_placed.connect(shop.send_mail)
            shop.order_placed.connect(shop.send_mail, sender="shop", dispatch_uid="mails")

        def test_finds_none():
            assert shop.order_placed.receivers == []
        """
    )
    run("-o", "signals_strict=true").assert_outcomes(passed=2, errors=1)
