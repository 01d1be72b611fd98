"""The routes in Django, for a process of their own: its settings are those of the process."""

from __future__ import annotations

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from tests.integrations.applications.shared import chunks, endless, nap

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="tests", USE_TZ=True)
django.setup()


async def ok(_: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


async def error(_: HttpRequest) -> HttpResponse:
    raise ValueError("no")


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(chunks(request.scope))


async def forever(_: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(endless())


async def slow(request: HttpRequest) -> HttpResponse:
    await nap(request.scope)
    return HttpResponse("ok")


urlpatterns = [path(view.__name__, view) for view in (ok, error, stream, forever, slow)]

app = get_asgi_application()
