"""The call loops that are written out for a payload."""

from __future__ import annotations

import asyncio
import os
import traceback
from typing import Any

import pytest
from pydantic import create_model

from fastdjango_signals import Payload, Signal, dispatch, loops
from fastdjango_signals.loops import loops_of, written_out
from fastdjango_signals.payloads import schema_of


class Ping(Payload):
    number: int
    text: str = ""


async def echo(sender: object, **kwargs: Any) -> dict[str, Any]:
    return kwargs


async def test_these_tests_run_on_the_loop_that_was_asked_for() -> None:
    name = type(asyncio.get_running_loop()).__module__
    assert name.startswith(os.environ.get("EVENT_LOOP", "asyncio"))


async def test_a_traceback_shows_the_lines_of_a_loop_that_was_written_out() -> None:
    async def fails(sender: object, **kwargs: Any) -> None:
        raise LookupError

    signal = Signal(Ping)
    signal.connect(fails)

    with pytest.raises(LookupError) as caught:
        await signal.send(None, number=1)

    shown = "".join(traceback.format_exception(caught.value))
    if os.environ.get("LOOPS") == "generic":
        assert "await receiver(sender=sender, **fields)" in shown
    else:
        assert "<fastdjango_signals send_in_turn(number, text)>" in shown
        assert "await receiver(sender=sender, number=field_number, text=field_text)" in shown


def test_signals_with_the_same_fields_share_their_loops() -> None:
    first, second = (loops_of(schema_of(["a", "b"]), concurrent=False) for _ in range(2))
    assert first.send[0] is second.send[0]
    other = loops_of(schema_of(["b", "a"]), concurrent=False)
    assert other.send[0] is not first.send[0] or _is_generic()


@pytest.mark.parametrize("name", ["class", "ﬁeld"])
async def test_a_name_that_cannot_be_written_is_sent_all_the_same(name: str) -> None:
    fields: dict[str, Any] = {name: (int, ...)}
    signal: Signal[Any, ...] = Signal(create_model("Odd", **fields))
    signal.connect(echo)

    assert await signal.send(None, **{name: 1}) == [(echo, {name: 1})]


@pytest.mark.parametrize("name", ["plan", "name", "schema", "fields", "responses", "error", "self"])
async def test_a_field_may_have_a_name_that_the_loops_use(name: str) -> None:
    signal = Signal([name])
    signal.connect(echo)

    assert await signal.send(None, **{name: 1}) == [(echo, {name: 1})]
    assert await signal.send_robust(None, **{name: 1}) == [(echo, {name: 1})]


async def test_without_the_source_of_the_loops_everything_is_sent_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_source(_: object) -> str:
        raise OSError("could not get source code")

    monkeypatch.setattr("inspect.getsource", no_source)
    monkeypatch.setattr(loops, "written_out", written_out.__wrapped__)

    async def whole(sender: object, payload: Ping) -> Ping:
        return payload

    by_fields, by_payload = Signal(Ping), Signal(Ping)
    by_fields.connect(echo)
    by_payload.connect(whole)

    assert written_out.__wrapped__(dispatch.send_in_turn, ("number",)) is None
    assert await by_fields.send(None, number=1) == [(echo, {"number": 1, "text": ""})]
    assert await by_payload.send(None, number=1) == [(whole, Ping(number=1))]


def _is_generic() -> bool:
    return os.environ.get("LOOPS") == "generic"
