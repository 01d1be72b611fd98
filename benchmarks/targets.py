"""What the library aims at, and whether the measurements of one run hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """One aim.

    Attributes:
        what: In words.
        measured: The figure of this run; a ratio unless the words say otherwise.
        limit: What it should not exceed.
        by_hand: The figure of the least code that does the same, where there is some.
    """

    what: str
    measured: float
    limit: float
    by_hand: float | None = None

    @property
    def holds(self) -> bool:
        """Return whether this run held it, rounded as it is printed."""
        return round(self.measured, 2) <= self.limit


def targets(results: Mapping[str, Any]) -> Iterator[Target]:
    """Yield the aims, each with what was measured."""
    limits = {"1": 1.5, "3": 1.4, "10": 1.25, "100": 1.15}
    sends = results["beside_validation"]
    for fields in ("2 fields", "8 fields"):
        by_hand = sends.get(f"{fields} by hand", {})
        for count, measured in sends[fields].items():
            what = f"send of {fields} to {count} / (floor + bare validation)"
            yield Target(what, measured, limits[count], by_hand.get(count))
    variants = results["variants"]
    yield Target("send_robust / send, to 10", variants["send_robust"], 1.05)
    among = results["one_among_many"]["100000"]
    yield Target("one match among 100,000 / among 10", among, 1.1)
    for what, measured in results["connecting"].items():
        yield Target(f"{what} at 100,000 receivers / at 1,000", measured, 4.0)
    yield Target("connect and send to 10,000 / send to 10,000", results["churn"], 2.0)
    if results["eager"]:
        yield Target("concurrent send to 10 that never wait / floor", results["together"], 6.0)
    memory = results["memory"]
    yield Target("bytes for a connected function", memory["function"], 300)
    yield Target("bytes for a connected bound method", memory["bound method"], 400)
    yield Target("import / import of pydantic with a model", results["import"], 1.15)
