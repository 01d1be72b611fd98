"""Django: whatever blocks do, receivers run when and only when hooks of Django do."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastdjango_signals import DatabaseAlias, Payload, Signal
from tests.integrations.django_site import fixtures, on_a_thread
from tests.integrations.receiving import RefusedError

database, installed, tables = fixtures.database, fixtures.installed, fixtures.tables
pytestmark = pytest.mark.usefixtures("installed")


class Counted(Payload):
    number: int
    using: DatabaseAlias


counted = Signal(Counted, name="counted")

Step: TypeAlias = Any  # an alias to send to, or a block: alias, savepoint, how it ends, steps

ALIASES = st.sampled_from(["default", "archive"])
ENDS = st.sampled_from(["well", "well", "badly", "set to roll back", "through async code"])


def _nested(steps: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    block = st.tuples(ALIASES, st.booleans(), ENDS, st.lists(steps, max_size=3))
    return ALIASES | block


PROGRAMS = st.lists(_nested(_nested(_nested(ALIASES))), max_size=3)


class Run:
    """Runs a program, and keeps what is told: by hooks of Django, and by receivers."""

    def __init__(self) -> None:
        self.sent = 0
        self.hooks: list[int] = []
        self.told: list[int] = []

    async def receive(self, sender: object, number: int, **_: object) -> None:
        self.told.append(number)

    def run(self, steps: list[Step]) -> None:
        for step in steps:
            if isinstance(step, str):
                self.send(step)
            else:
                self.block(*step)

    def send(self, alias: str) -> None:
        self.sent += 1
        number = self.sent
        transaction.on_commit(lambda: self.hooks.append(number), using=alias)
        async_to_sync(counted.send)(None, number=number, using=alias)

    def block(self, alias: str, savepoint: bool, end: str, steps: list[Step]) -> None:
        try:
            with transaction.atomic(alias, savepoint=savepoint):
                if end == "through async code":
                    async_to_sync(sync_to_async(self.run))(steps)
                else:
                    self.run(steps)
                if end == "badly":
                    raise RefusedError
                if end == "set to roll back":
                    transaction.set_rollback(True, using=alias)
        except RefusedError:
            pass


@pytest.mark.parametrize("caller", ["synchronous", "async"])
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(program=PROGRAMS)
def test_receivers_run_when_and_only_when_hooks_do(program: list[Step], caller: str) -> None:
    run = Run()
    with counted.connected_to(run.receive, on_commit=True):
        if caller == "synchronous":
            run.run(program)
        else:
            async_to_sync(on_a_thread)(lambda: sync_to_async(run.run)(program))
    assert run.told == run.hooks
