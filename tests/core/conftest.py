"""Other ways to run these tests: LOOPS=generic writes no call loop out, EVENT_LOOP=uvloop.

With PYTHONDEVMODE=1, receivers that end with their test would be warned of.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys

import pytest

from fastdjango_signals import loops

if os.environ.get("EVENT_LOOP") == "uvloop":
    asyncio.set_event_loop_policy(importlib.import_module("uvloop").EventLoopPolicy())  # type: ignore[deprecated]


def pytest_configure(config: pytest.Config) -> None:
    if sys.flags.dev_mode:
        leaking = "ignore:receiver .* was collected while connected:ResourceWarning"
        config.addinivalue_line("filterwarnings", leaking)


@pytest.fixture(autouse=True)
def _call_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.environ.get("LOOPS") == "generic":
        monkeypatch.setattr(loops, "written_out", lambda *_: None)
