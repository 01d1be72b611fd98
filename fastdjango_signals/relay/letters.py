"""What goes with a dead letter, for the brokers that keep it beside the event itself."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fastdjango_signals.relay.transports import DeadLetter

ABOUT = "signals-letter"
"""Name of the header, or the field, that has it."""

_LONGEST_ERROR = 2000  # characters; headers are bounded


def about(letter: DeadLetter) -> str:
    """Return, as JSON, what a dead letter says apart from the event."""
    return json.dumps(
        {
            "signal": letter.signal,
            "event_id": letter.event_id,
            "error": letter.error[:_LONGEST_ERROR],
            "tries": letter.tries,
            "time": letter.time.isoformat(),
        }
    )


def letter_from(service: str, written: str | bytes, body: bytes) -> DeadLetter:
    """Return the dead letter of a service of which `about` has written this."""
    said: dict[str, Any] = json.loads(written)
    return DeadLetter(
        service=service,
        signal=said["signal"],
        event_id=said["event_id"],
        body=body,
        error=said["error"],
        tries=said["tries"],
        time=datetime.fromisoformat(said["time"]),
    )
