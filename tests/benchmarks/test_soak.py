from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.crowd import CountError, expect
from benchmarks.resident import MIB, GrowthError, Reading, check_growth

ROOT = Path(__file__).resolve().parents[2]

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="memory is read from /proc"
)


LEAK = """
import sys
from benchmarks import soak

kept = []

async def keep(sender, payload):
    kept.append(payload)

soak.read_whole = keep
sys.exit(soak.main())
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@needs_proc
def test_a_short_soak_gives_everything_back_and_counts_right():
    options = ("--sends", "100000", "--receivers", "20000", "--senders", "2000")
    done = run("-m", "benchmarks.soak", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    for stated in (
        "connecting 20,000 receivers to 2,000 senders",
        "all connected: 10,000 responses to 1,000 senders",
        "half collected: 5,000 responses to 1,000 senders",
        "half collected: 0 responses to 1,000 new senders",
        "all collected: 0 receivers, 0 senders",
        "100,000 sends: 300,000 responses, 100 failures, 10 visits",
        "Everything was given back.",
    ):
        assert stated in done.stdout


@needs_proc
def test_a_receiver_that_keeps_what_it_is_sent_is_found():
    done = run("-c", LEAK, "--sends", "5000", "--receivers", "100", "--senders", "10")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "memory has grown, from the first tenth of the sends to the end" in done.stdout


class TestTheCheckOfMemory:
    before = Reading(rss=100 * MIB, blocks=1_000_000)

    def check(self, after: Reading) -> str:
        return check_growth("left", self.before, after, max_bytes=4 * MIB, max_blocks=1_000)

    def test_it_says_how_much_was_gained_within_the_bounds(self):
        gained = self.check(Reading(rss=104 * MIB, blocks=1_001_000))
        assert gained == "left: +4.0 MiB, +1,000 blocks (bounds 4.0 MiB, 1,000 blocks)"

    def test_it_refuses_more_bytes_than_the_bound(self):
        with pytest.raises(GrowthError, match=r"memory has grown, left: \+4\.0 MiB"):
            self.check(Reading(rss=104 * MIB + 1, blocks=1_000_000))

    def test_it_refuses_more_blocks_than_the_bound(self):
        with pytest.raises(GrowthError, match=r"\+1,001 blocks"):
            self.check(Reading(rss=100 * MIB, blocks=1_001_001))


def test_a_count_that_is_wrong_is_refused():
    with pytest.raises(CountError, match="responses: expected 4, found 3"):
        expect("responses", 3, 4)
