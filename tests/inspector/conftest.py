from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from fastdjango_signals import observations


@pytest.fixture(autouse=True)
def _nobody_goes_on_observing() -> Iterator[None]:
    yield
    deadline = time.monotonic() + 10
    while observations.observers and time.monotonic() < deadline:
        time.sleep(0.01)
    assert observations.observers == ()
