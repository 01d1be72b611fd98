"""When an event whose receivers failed is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from fastdjango_signals.relay.exceptions import RelayDefinitionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often an event is tried, and how long to wait in between.

    Attributes:
        tries: Deliveries in all; after the last one that fails the event is a dead letter.
        delay: Seconds before the second try.
        factor: How many times longer each further wait is.
        longest: Seconds that no wait exceeds.
        jitter: Share of a wait that is left to chance, so that replicas do not keep step.
    """

    tries: int = 5
    delay: float = 1.0
    factor: float = 2.0
    longest: float = 300.0
    jitter: float = 0.1

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise RelayDefinitionError(f"Retry({problem}")

    def _problem(self) -> str | None:
        if self.tries < 1:
            return f"tries={self.tries}) never delivers anything; give 1 or more"
        if self.delay < 0 or self.longest < 0:
            return "...) waits for a negative time; give delay and longest of 0 or more seconds"
        if self.factor < 1:
            return f"factor={self.factor}) waits shorter each time; give 1 or more"
        return None if 0 <= self.jitter <= 1 else f"jitter={self.jitter}) is no share; give 0 to 1"

    def after(self, tries: int) -> float | None:
        """Return the seconds to wait after this many failed tries; None once it is enough."""
        if tries >= self.tries:
            return None
        try:
            wait = self.delay * self.factor ** (tries - 1)
        except OverflowError:
            wait = self.longest
        return min(wait, self.longest) * random.uniform(1 - self.jitter, 1)
