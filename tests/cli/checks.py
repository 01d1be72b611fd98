"""A module of a user for `fastdjango-signals check`, and what is found in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from tests.cli.programs import Program, Run

HEAD = """
from __future__ import annotations
from fastdjango_signals import Payload, Signal

placed = Signal(name="shop.placed")

@placed.connect
async def keep(sender, **kwargs): ...

class User: ...
"""

LOCAL = """
def make():
    async def local(sender, **kwargs): ...
    return local
"""

Check: TypeAlias = Callable[..., Any]


@pytest.fixture
def check(program: Program, run: Run) -> Check:
    """Give a function that checks a module, and returns what is found as (code, text) pairs."""

    def found(source: str, *options: str) -> list[tuple[str, str]]:
        program.write("shop", HEAD + source)
        result = run("check", "shop", "--json", *options)
        findings = json.loads(result.stdout)["findings"]
        assert result.exit_code == bool(findings)
        return [(each["code"], each["text"]) for each in findings]

    return found
