"""`fastdjango-signals relay`, in processes, with a real NATS server."""

from __future__ import annotations

import signal

import pytest

from tests.cli.programs import Program, Run, Start, numbers_in, publish, soon
from tests.relay.servers import NatsServer, free_port

INTRODUCTION = "Service stock receives shop.placed (1 receiver); publishes stock.reserved.\n"


def test_it_receives_until_it_is_told_to_stop(
    nats: NatsServer, program: Program, workers: Start
) -> None:
    program.write_stock(nats.url)
    worker = workers("relay", "stock:relay")
    worker.wait_for(INTRODUCTION)

    publish(nats, 0, 1)
    soon(lambda: "end 1" in program.notes())
    worker.send(signal.SIGINT)

    assert worker.code() == 0
    assert program.received() == ["begin 0", "end 0", "begin 1", "end 1"]
    assert worker.log.read_text() == f"{INTRODUCTION}Stopping; a second signal does so at once.\n"


def test_a_receiver_that_runs_is_let_to_its_end_and_may_still_send(
    nats: NatsServer, program: Program, workers: Start
) -> None:
    program.write_stock(nats.url)
    worker = workers("relay", "stock:relay")
    publish(nats, 8)
    soon(lambda: "begin 8" in program.notes())

    worker.send(signal.SIGTERM)

    assert worker.code() == 0
    assert program.received() == ["begin 8", "end 8"]
    assert numbers_in(nats, "signals.stock.reserved") == [8]


def test_a_second_signal_ends_it_at_once(
    nats: NatsServer, program: Program, workers: Start
) -> None:
    program.write_stock(nats.url)
    worker = workers("relay", "stock:relay")
    publish(nats, 600)
    soon(lambda: "begin 600" in program.notes())

    worker.send(signal.SIGTERM)
    worker.wait_for("Stopping")
    worker.send(signal.SIGTERM)

    assert worker.code() == -signal.SIGTERM


def test_a_receiver_that_fails_is_logged(
    nats: NatsServer, program: Program, workers: Start
) -> None:
    program.write_stock(nats.url)
    worker = workers("relay", "stock:relay")

    publish(nats, -1)

    worker.wait_for("ERROR Receiver stock.reserve")
    worker.wait_for("is a dead letter of service stock after 1 tries")


def test_a_broker_that_is_not_there_is_told_in_one_line(program: Program, workers: Start) -> None:
    program.write_stock(f"nats://127.0.0.1:{free_port()}", patience=0.5)

    worker = workers("relay", "stock:relay")

    assert worker.code() == 1
    [line] = worker.log.read_text().splitlines()
    assert line.startswith("Error: NATS JetStream at nats://127.0.0.1:")


def test_it_stops_while_it_waits_for_the_broker(program: Program, workers: Start) -> None:
    program.write_stock(f"nats://127.0.0.1:{free_port()}")
    worker = workers("relay", "stock:relay")
    soon(lambda: "connect" in program.notes())

    worker.send(signal.SIGTERM)

    assert worker.code() == 0
    assert worker.log.read_text() == ""


def test_the_introduction_counts_what_there_is(
    nats: NatsServer, program: Program, workers: Start
) -> None:
    program.write_stock(nats.url)
    program.write(
        "quiet",
        "from stock import Noted, NatsBroker, Relay, placed, reserved\n"
        "@reserved.connect\n"
        "async def one(sender, **_): ...\n"
        "@reserved.connect\n"
        "async def two(sender, **_): ...\n"
        "def transport():\n"
        f"    return Noted(NatsBroker('{nats.url}', logger=None))\n"
        "relay = Relay('quiet', transport(), publishes=[placed], receives=[reserved, placed])\n"
        "idle = Relay('idle', transport())\n",
    )

    busy, idle = workers("relay", "quiet:relay"), workers("relay", "quiet:idle")

    busy.wait_for("receives stock.reserved (2 receivers), shop.placed (1 receiver); publishes shop")
    idle.wait_for("Service idle receives nothing; publishes nothing.\n")


def test_a_wrong_name_starts_nothing(program: Program, run: Run) -> None:
    program.write_stock("nats://127.0.0.1:1")

    result = run("relay", "stock:placed")

    assert result.exit_code == 2
    assert program.notes() == []


@pytest.mark.parametrize("command", ["dead-letters", "replay"])
def test_commands_say_in_one_line_that_the_broker_is_not_there(
    command: str, program: Program, run: Run
) -> None:
    program.write_stock(f"nats://127.0.0.1:{free_port()}", patience=0.1)

    result = run(command, "stock:relay")

    assert result.exit_code == 1
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("Error: NATS JetStream at nats://127.0.0.1:")
