"""What a dead letter says beside the event, as JSON: for a header, or a field, of the broker's."""

from __future__ import annotations

import json
from datetime import datetime

from fastdjango_signals.relay.transports import DeadLetter

_LONGEST_ERROR = 2000  # characters; brokers bound their headers


def about(letter: DeadLetter) -> str:
    """Return all but the event, in ASCII."""
    return json.dumps(
        {
            "service": letter.service,
            "signal": letter.signal,
            "event_id": letter.event_id,
            "error": letter.error[:_LONGEST_ERROR],
            "tries": letter.tries,
            "time": letter.time.isoformat(),
        }
    )


def letter_of(told: str, body: bytes) -> DeadLetter:
    """Return the dead letter that `about` tells of."""
    read = json.loads(told)
    return DeadLetter(**{**read, "time": datetime.fromisoformat(read["time"])}, body=body)
