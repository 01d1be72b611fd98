"""What the demo expects of the shop; it fails where an expectation does."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Expectations:
    """Counts what was as expected, and keeps what was not.

    Attributes:
        met: How many held.
        failures: What did not, in words.
    """

    met: int = 0
    failures: list[str] = field(default_factory=list[str])

    def expect(self, holds: bool, what: str) -> None:
        """Note whether something holds."""
        if holds:
            self.met += 1
        else:
            self.failures.append(what)

    def equal(self, found: object, expected: object, what: str) -> None:
        """Note whether two things are equal."""
        self.expect(found == expected, f"{what}: expected {expected!r}, found {found!r}")
