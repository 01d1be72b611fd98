"""The page: what lies in `static/`, and the headers that shut everything else out."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from functools import cache
from importlib.resources import files
from typing import cast

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Send

from fastdjango_signals.drawings import STYLE

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_DRAWING = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src {style}; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@cache
def _contents() -> dict[str, bytes]:
    folder = files(__name__.rpartition(".")[0]) / "static"
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


def page(name: str, *, status: int = 200) -> Response:
    """Return a page: `index`, `off` where nobody may see it, `refused` where the guard says so."""
    return HTMLResponse(_contents()[f"{name}.html"], status_code=status)


def part_of_page(name: str) -> Response | None:
    """Return a file that the page needs; None where there is none of this name."""
    kind = _KINDS.get(name[name.rfind(".") :])
    content = _contents().get(name)
    return None if kind is None or content is None else Response(content, media_type=kind)


def shut(send: Send, *, is_drawing: bool) -> Send:
    """Return a `send` that adds the headers to a response.

    Args:
        send: What is called in the end.
        is_drawing: Whether it is the graph, which brings its own style.
    """
    style = f"'sha256-{_DRAWING}'" if is_drawing else "'self'"

    async def send_shut(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            headers.update(_HEADERS)
            headers["Content-Security-Policy"] = _POLICY.format(style=style)
            message["headers"] = headers.raw
        await send(message)

    return send_shut


def json_response(content: object) -> Response:
    """Return what JSON can hold of this: names and schemas may be as odd as Python allows.

    A number that is none, such as NaN, becomes null. What is no valid text is escaped.
    """
    return Response(json.dumps(_finite(content)), media_type="application/json")


def _finite(content: object) -> object:
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, dict):
        return {name: _finite(each) for name, each in cast("dict[str, object]", content).items()}
    if isinstance(content, list | tuple):
        return [_finite(each) for each in cast("list[object]", content)]
    return content
