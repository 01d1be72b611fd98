from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.db.transaction import atomic
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path

from tests.integrations.django_site.models import Note


def hello(request: Any) -> HttpResponse:
    return HttpResponse("hello")


async def hello_async(request: Any) -> HttpResponse:
    await Note.objects.acreate(text="from a view")
    return HttpResponse("hello")


def fail(request: Any) -> HttpResponse:
    raise LookupError("a bug in the view")


def stream(request: Any) -> StreamingHttpResponse:
    """Write in a transaction that is open from the first part to the last."""

    def parts() -> Iterator[str]:
        with atomic():
            Note.objects.create(text="first")
            yield "first"
            Note.objects.create(text="second")
            yield "second"

    return StreamingHttpResponse(parts())


async def stream_async(request: Any) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        await Note.objects.acreate(text="first")
        yield "first"
        await Note.objects.acreate(text="second")
        yield "second"

    return StreamingHttpResponse(parts())


def ask_another(request: Any) -> HttpResponse:
    return HttpResponse(Client().get("/hello/").content, status=201)


urlpatterns = [
    path("hello/", hello),
    path("hello-async/", hello_async),
    path("fail/", fail),
    path("stream/", stream),
    path("stream-async/", stream_async),
    path("ask-another/", ask_another),
]
