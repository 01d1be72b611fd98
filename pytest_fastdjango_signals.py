"""The pytest plugin of fastdjango_signals: the fixtures `signals` and `captured`, and strict tests.

It stands beside the package, since importing any part of the package loads pydantic: a test run
that never sends a signal should not wait for that. So the package is imported by the fixtures.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fastdjango_signals.leftovers import Leftovers
    from fastdjango_signals.testing import CapturedFixture, SignalsFixture

_HAS_FAILED = pytest.StashKey[bool]()
_LEFTOVERS: pytest.StashKey[Leftovers] = pytest.StashKey()
"""Of the test that runs, if it is strict."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting `signals_strict`."""
    parser.addini(
        "signals_strict", "Fail each test that leaves receivers connected", "bool", default=False
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker `signals`."""
    config.addinivalue_line(
        "markers", "signals(strict): fail the test if it leaves receivers connected, or let it be"
    )


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remember that a test has failed, or has skipped itself: its frames keep receivers alive."""
    if call.excinfo is not None:
        item.stash[_HAS_FAILED] = True


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Excuse what a fixture of a class, a module or the session connects during a test.

    Most of them are set up before it, but `getfixturevalue` may ask for one late.
    """
    leftovers = request.config.stash.get(_LEFTOVERS, None)
    if leftovers is None or fixturedef.scope == "function":
        return (yield)
    with leftovers.excused():
        return (yield)


@pytest.fixture
def signals() -> Iterator[SignalsFixture]:
    """Mute and capture signals, and connect receivers, until the test ends."""
    from fastdjango_signals.testing import SignalsFixture  # noqa: PLC0415 - see above

    with SignalsFixture() as fixture:
        yield fixture


@pytest.fixture
def captured() -> Iterator[CapturedFixture]:
    """Capture what is sent until the test ends: `captured(signal)`."""
    from fastdjango_signals.testing import CapturedFixture  # noqa: PLC0415 - see above

    with ExitStack() as until_end:
        yield CapturedFixture(until_end)


@pytest.fixture(autouse=True)
def _signals_strict(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves receivers connected, where that is asked for.

    As the first fixture of a test to begin it is the last to end: others may disconnect.
    """
    if not _is_strict(request.node):
        yield
        return
    from fastdjango_signals.leftovers import Leftovers  # noqa: PLC0415 - see above

    request.node.stash[_HAS_FAILED] = False  # it may be run again
    request.config.stash[_LEFTOVERS] = leftovers = Leftovers()
    yield
    del request.config.stash[_LEFTOVERS]
    if request.node.stash[_HAS_FAILED]:
        return
    if message := leftovers.message():
        leftovers.disconnect()
        pytest.fail(message, pytrace=False)


def _is_strict(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("signals")
    if marker is None:
        return bool(item.config.getini("signals_strict"))
    strict = marker.kwargs.get("strict")
    if marker.args or set(marker.kwargs) != {"strict"} or not isinstance(strict, bool):
        pytest.fail("write @pytest.mark.signals(strict=True), or strict=False", pytrace=False)
    return strict
