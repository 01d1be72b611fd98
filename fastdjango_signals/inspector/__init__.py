"""The inspector: a page that shows the signals of a process, and what is sent, live.

    app = FastAPI(debug=True)
    app.mount("/signals", Inspector())

It needs the extra `[inspector]`.
"""

from __future__ import annotations

from fastdjango_signals.extras import needs

with needs("starlette", extra="inspector"):
    from fastdjango_signals.inspector.access import Guard
    from fastdjango_signals.inspector.application import Inspector

__all__ = ["Guard", "Inspector"]
