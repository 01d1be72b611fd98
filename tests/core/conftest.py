"""Other ways to run these tests: LOOPS=generic writes no call loop out, EVENT_LOOP=uvloop."""

from __future__ import annotations

import asyncio
import importlib
import os

import pytest

from fastdjango_signals import loops

if os.environ.get("EVENT_LOOP") == "uvloop":
    asyncio.set_event_loop_policy(importlib.import_module("uvloop").EventLoopPolicy())  # type: ignore[deprecated]


@pytest.fixture(autouse=True)
def _call_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.environ.get("LOOPS") == "generic":
        monkeypatch.setattr(loops, "written_out", lambda *_: None)
