"""`fastdjango-signals asyncapi`; what it writes is tested with the relay."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import pytest

from tests.cli.programs import Program, Run

yaml: Any = importlib.import_module("yaml")  # it has no types


@pytest.fixture(autouse=True)
def stock(program: Program) -> None:
    """Write the module, with the address of no server."""
    program.write_stock("nats://user:hunter2@127.0.0.1:1")


def test_it_writes_json(run: Run) -> None:
    result = run("asyncapi", "stock:relay")

    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["asyncapi"] == "3.0.0"
    assert document["info"] == {"title": "stock", "version": "0.1.0"}
    assert list(document["operations"]) == ["send.stock.reserved", "receive.shop.placed"]


def test_it_writes_the_same_as_yaml(run: Run) -> None:
    result = run("asyncapi", "stock:relay", "--format", "yaml")

    assert yaml.safe_load(result.stdout) == json.loads(run("asyncapi", "stock:relay").stdout)
    assert "&id" not in result.stdout


def test_the_version_is_that_of_the_service(run: Run) -> None:
    result = run("asyncapi", "stock:relay", "--service-version", "1.4.0")

    assert json.loads(result.stdout)["info"]["version"] == "1.4.0"


def test_no_credentials_are_written(run: Run) -> None:
    assert "hunter2" not in run("asyncapi", "stock:relay").stdout


def test_an_unknown_format_is_wrong_usage(run: Run) -> None:
    assert run("asyncapi", "stock:relay", "--format", "xml").exit_code == 2


def test_a_missing_yaml_is_told_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)

    result = run("asyncapi", "stock:relay", "--format", "yaml")

    assert result.exit_code == 2
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("Error: this integration needs yaml; install it with")


def test_a_transport_that_cannot_be_described_is_told_in_one_line(
    program: Program, run: Run
) -> None:
    program.write(
        "odd",
        "from fastdjango_signals.relay import Relay\n"
        "from tests.relay.transports import Recorded\n"
        "relay = Relay('odd', Recorded())\n",
    )

    result = run("asyncapi", "odd:relay")

    assert result.exit_code == 1
    assert result.stderr == (
        "Error: The transport of service odd cannot be described: it is of class "
        "tests.relay.transports.Recorded, which has no method describe(signals, document)\n"
    )
