"""Django, as the contract uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections
from django.db.transaction import atomic

from fastdjango_signals.integrations import django
from tests.integrations.contract import Place, Work
from tests.integrations.django_site import on_a_thread, site

# isort: split
from tests.integrations.django_site.models import Note


class DjangoDatabase:
    note = Note

    async def in_transaction(self, work: Work, using: str = "default") -> None:
        def transact() -> None:
            with atomic(using):
                async_to_sync(work)()

        await on_a_thread(sync_to_async(transact))

    async def save(self, text: str, using: str = "default") -> Note:
        async def save() -> Note:
            note = Note(text=text)
            await note.asave(using=using)
            return note

        saved: Note = await on_a_thread(save)
        return saved

    async def delete(self, note: Note, using: str = "default") -> None:
        async def delete() -> None:
            await note.adelete(using=using)

        await on_a_thread(delete)


@asynccontextmanager
async def opened(places: Mapping[str, Place]) -> AsyncIterator[DjangoDatabase]:
    def make_tables() -> None:
        for alias in places:
            with connections[alias].schema_editor() as editor:
                editor.create_model(Note)

    with site(places):
        await on_a_thread(sync_to_async(make_tables))
        django.install()
        try:
            yield DjangoDatabase()
        finally:
            django.uninstall()
