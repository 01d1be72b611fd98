"""What goes with a dead letter, for the brokers that keep it beside the event itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ValidationError

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


class _About(BaseModel):
    signal: str
    event_id: str | None
    error: str
    tries: int
    time: AwareDatetime


def letter_from(service: str, written: str | bytes | None, body: bytes) -> DeadLetter:
    """Return the dead letter of a service of which `about` has written this; or somebody else."""
    try:
        said = _About.model_validate_json(written or b"")
    except ValidationError:
        unknown = "it was not written by a relay, which cannot say more"
        said = _About(
            signal="", event_id=None, error=unknown, tries=0, time=datetime.fromtimestamp(0, UTC)
        )
    return DeadLetter(service=service, body=body, **dict(said))
