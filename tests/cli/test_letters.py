"""`fastdjango-signals dead-letters`, `replay` and `discard`, with a real NATS server."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from fastdjango_signals.relay import DeadLetter
from tests.cli.programs import Program, Run, bury, event, pending, publish
from tests.relay.servers import NatsServer

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def letter(body: bytes, event_id: str | None = "an-id", error: str = "it failed") -> DeadLetter:
    return DeadLetter(
        service="stock",
        signal="shop.placed",
        event_id=event_id,
        body=body,
        error=error,
        tries=3,
        time=TIME,
    )


@pytest.fixture
def stock(nats: NatsServer, program: Program) -> NatsServer:
    """Give a server that the module `stock` knows."""
    program.write_stock(nats.url)
    return nats


def test_letters_are_listed_without_their_payload(stock: NatsServer, run: Run) -> None:
    bury(stock, letter(b'{"secret": 1}', "one"), letter(b'{"secret": 2}', None))

    result = run("dead-letters", "stock:relay")

    assert result.exit_code == 0
    assert result.stdout == (
        "one  shop.placed  tried 3 times  2026-01-02 03:04:05+00:00\n"
        "    it failed\n"
        "(no id)  shop.placed  tried 3 times  2026-01-02 03:04:05+00:00\n"
        "    it failed\n"
    )
    assert result.stderr == "Service stock has 2 dead letters.\n"


def test_nothing_to_list_is_well(stock: NatsServer, run: Run) -> None:
    result = run("dead-letters", "stock:relay")

    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr == "Service stock has 0 dead letters.\n"


def test_the_payload_is_shown_if_asked_for(stock: NatsServer, run: Run) -> None:
    bury(stock, letter(b'{"secret": 1}'))

    assert '    {"secret": 1}\n' in run("dead-letters", "stock:relay", "--payload").stdout


def test_json_is_one_object_for_each(stock: NatsServer, run: Run) -> None:
    bury(stock, letter(b'{"secret": 1}', "one"), letter(b"\xff", None))

    result = run("dead-letters", "stock:relay", "--json")

    one, two = map(json.loads, result.stdout.splitlines())
    assert one == {
        "id": "one",
        "service": "stock",
        "signal": "shop.placed",
        "tries": 3,
        "time": TIME.isoformat(),
        "error": "it failed",
    }
    assert two["id"] is None
    assert result.stderr == ""


def test_json_has_the_payload_as_it_was_published(stock: NatsServer, run: Run) -> None:
    bury(stock, letter(b'{"secret": 1}'), letter(b"\xff", None))

    result = run("dead-letters", "stock:relay", "--json", "--payload")

    one, two = map(json.loads, result.stdout.splitlines())
    assert one["event"] == '{"secret": 1}'
    assert base64.b64decode(two["event_base64"]) == b"\xff"


def test_what_strangers_wrote_is_no_command_to_the_terminal(stock: NatsServer, run: Run) -> None:
    bury(stock, letter(b"\x1b[2J\xff\n", error="bad \x1b]0;title\x07\u009b [bold]:smile:"))

    result = run("dead-letters", "stock:relay", "--payload")

    assert result.stdout.splitlines()[1:] == [
        r"    bad \x1b]0;title\x07\x9b [bold]:smile:",
        r"    \x1b[2J\xff\n",
    ]


def test_replay_calls_the_receivers_and_forgets_the_letters(
    stock: NatsServer, program: Program, run: Run
) -> None:
    event_id, body = event(1)
    bury(stock, letter(body, event_id))

    result = run("replay", "stock:relay")

    assert result.exit_code == 0
    assert result.stdout == "Service stock received 1 dead letter; 0 failed again.\n"
    assert program.received() == ["begin 1", "end 1"]
    assert run("dead-letters", "stock:relay").stdout == ""


def test_replay_keeps_what_fails_again_and_says_so(
    stock: NatsServer, program: Program, run: Run
) -> None:
    good, bad = event(0), event(-1)
    bury(stock, letter(bad[1], bad[0]), letter(good[1], good[0]))

    result = run("replay", "stock:relay")

    assert result.exit_code == 1
    assert result.stdout == "Service stock received 1 dead letter; 1 failed again.\n"
    assert bad[0] in run("dead-letters", "stock:relay").stdout


def test_replay_and_discard_take_the_letters_of_some_events(
    stock: NatsServer, program: Program, run: Run
) -> None:
    first, second, third = event(1), event(2), event(3)
    bury(stock, *(letter(body, event_id) for event_id, body in (first, second, third)))

    assert run("replay", "stock:relay", second[0]).exit_code == 0
    assert program.received() == ["begin 2", "end 2"]
    discarded = run("discard", "stock:relay", first[0])
    assert discarded.exit_code == 0
    assert discarded.stdout == "Service stock forgot 1 dead letter.\n"
    assert run("discard", "stock:relay", first[0]).exit_code == 1
    assert run("discard", "stock:relay").exit_code == 2
    left = run("dead-letters", "stock:relay", "--json").stdout
    assert json.loads(left)["id"] == third[0]


def test_replay_and_discard_tell_as_json(stock: NatsServer, run: Run) -> None:
    good, bad = event(0), event(-1)
    bury(stock, letter(bad[1], bad[0]), letter(good[1], good[0]))

    replayed = run("replay", "stock:relay", "--json")
    discarded = run("discard", "stock:relay", bad[0], "--json")

    assert (replayed.exit_code, discarded.exit_code) == (1, 0)
    assert json.loads(replayed.stdout) == {"service": "stock", "received": 1, "failed": 1}
    assert json.loads(discarded.stdout) == {"service": "stock", "forgotten": 1}


@pytest.mark.parametrize("command", ["dead-letters", "replay"])
def test_nothing_that_waits_is_received(
    command: str, stock: NatsServer, program: Program, run: Run
) -> None:
    publish(stock, 1, 2)

    assert run(command, "stock:relay").exit_code == 0

    assert program.received() == []
    assert pending(stock) == (2, 0)
