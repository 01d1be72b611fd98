"""The transactional outbox: events that are committed with the rows they tell of, or not at all.

A send inside a transaction inserts its event into a table of PostgreSQL, in that transaction. What
was committed is then published, in order, until the broker has confirmed it. The table is one of
faststream-outbox, whose `OutboxBroker` reads it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal, cast

from fastdjango_signals.extras import needs
from fastdjango_signals.places import name_of
from fastdjango_signals.relay.exceptions import OutsideTransactionError, RelayDefinitionError
from fastdjango_signals.transactions import Row, has_backends, insert

with needs("faststream_outbox", extra="outbox"):
    from faststream_outbox import make_outbox_table

from sqlalchemy import Connection, DefaultClause, MetaData, Table, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from fastdjango_signals.relay.forwarding import DUE, Forwarder, Publish

_NAME = re.compile(r"([a-z_][a-z0-9_]*\.)?[a-z_][a-z0-9_]*")
_NOTIFY = """\
CREATE OR REPLACE FUNCTION {schema}"{name}_notify"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('outbox_{name}', NEW.queue);
    RETURN NULL;
END
$$"""
_TRIGGER = """\
CREATE OR REPLACE TRIGGER "{name}_notify" AFTER INSERT ON {schema}"{name}"
FOR EACH ROW EXECUTE FUNCTION {schema}"{name}_notify"()"""


class Outbox:
    """A table of PostgreSQL that keeps events until the broker has them.

        engine = create_async_engine("postgresql+asyncpg://localhost/shop")
        relay = Relay("shop", transport, publishes=[order_placed], outbox=Outbox(engine))

    The engine is there to publish. Events are inserted by what has the transaction open, which may
    be SQLAlchemy, Tortoise ORM or Django, and has to use the same database.

    Args:
        engine: Connects to the database. While events are published, three of its connections are
            in use. With asyncpg, what is committed is published within milliseconds, else within
            a second.
        table: Name of the table, in small letters. That of its schema and a dot may come first.
        outside: What becomes of an event that is sent outside of a transaction: it is published at
            once, refused, or stored in a transaction of its own.

    Attributes:
        table: The table, as SQLAlchemy has it.

    Raises:
        RelayDefinitionError: The database is not PostgreSQL, or the name cannot be used.
    """

    __slots__ = ("_engine", "_name", "_outside", "table")

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        table: str = "signals_outbox",
        outside: Literal["publish", "refuse", "store"] = "publish",
    ) -> None:
        if not isinstance(cast("object", engine), AsyncEngine):
            raise RelayDefinitionError(
                f"an Outbox needs an AsyncEngine, and is given {name_of(engine)}; give it "
                'create_async_engine("postgresql+asyncpg://...")'
            )
        if engine.dialect.name != "postgresql":
            raise RelayDefinitionError(
                f"an Outbox needs PostgreSQL, and its engine is one of {engine.dialect.name}; give "
                'it create_async_engine("postgresql+asyncpg://...")'
            )
        self._engine = engine
        self._name = table
        self._outside = outside
        self.table = _table(table)

    @property
    def metadata(self) -> MetaData:
        """The metadata that has this table alone; Alembic takes a list of such.

        The trigger that `ddl` ends with is not in it. Without that, events wait up to a second.
        """
        return self.table.metadata

    def ddl(self) -> str:
        """Return the statements that create the table, for a migration by other means.

        What exists is left alone. The function and the trigger at the end may be left out.
        """
        return "\n\n".join(f"{statement};" for statement in self._statements()) + "\n"

    async def create_table(self) -> None:
        """Create the table, where it does not exist."""
        lock = func.pg_advisory_xact_lock(func.hashtextextended(self._name, 0))
        async with self._engine.begin() as connection:
            # Two processes that do so at the same time would fail, in spite of IF NOT EXISTS.
            await connection.execute(select(lock))
            if not await connection.run_sync(self._exists):
                for statement in self._statements():
                    await connection.exec_driver_sql(statement)

    async def store(self, service: str, body: bytes, using: str | None) -> bool:
        """Insert an event in the open transaction; return False where it is not stored.

        An exception of the database comes out as it is.

        Args:
            service: The service that publishes it.
            body: The event, as it will be published.
            using: Alias of the database whose transaction counts; None for the innermost one.

        Raises:
            OutsideTransactionError: There is no transaction, and that is to be refused.
            RelayDefinitionError: Nobody can tell whether there is one.
        """
        if not has_backends():
            raise RelayDefinitionError(
                "an Outbox cannot tell whether there is a transaction: no integration is installed "
                "that knows of them; call install() of fastdjango_signals.integrations.sqlalchemy, "
                ".tortoise or .django"
            )
        row: Row = {"queue": service, "payload": body}
        if await insert(self._name, row, using):
            return True
        if self._outside == "refuse":
            raise OutsideTransactionError(
                "an Outbox with outside='refuse' takes nothing that is sent outside of a "
                "transaction; send inside one, or see whether the integration knows of it"
            )
        if self._outside == "store":
            async with self._engine.begin() as connection:
                await connection.execute(self.table.insert().values(row))
        return self._outside == "store"

    @asynccontextmanager
    async def forwarding(self, service: str, publish: Publish) -> AsyncGenerator[None]:
        """Publish what is committed for a service, in order, for as long as this is open.

        Open it in every process of the service: one of them publishes at a time, and another
        takes over when it ends, however it ends. An event is published again and again until that
        succeeds, and those after it wait. Any event may be published twice.

        Raises:
            RelayDefinitionError: The table does not exist.
        """
        async with self._engine.connect() as connection:
            if not await connection.run_sync(self._exists):
                raise RelayDefinitionError(
                    f"the outbox has no table {self._name} in its database; await "
                    "outbox.create_table(), or run what outbox.ddl() returns in a migration"
                )
        forwarder = Forwarder(self._engine, self.table, service, publish)
        task = asyncio.create_task(forwarder.run())
        try:
            yield
        finally:
            forwarder.close()
            await task

    def _exists(self, connection: Connection) -> bool:
        return inspect(connection).has_table(self.table.name, schema=self.table.schema)

    def _statements(self) -> tuple[str, ...]:
        indexes = sorted(self.table.indexes, key=lambda index: str(index.name))
        creations: tuple[ExecutableDDLElement, ...] = (
            CreateTable(self.table, if_not_exists=True),
            *(CreateIndex(index, if_not_exists=True) for index in indexes),
        )
        schema = f'"{self.table.schema}".' if self.table.schema else ""
        names = {"schema": schema, "name": self.table.name}
        return (
            *(str(each.compile(dialect=self._engine.dialect)).strip() for each in creations),
            *(each.format_map(names) for each in (_NOTIFY, _TRIGGER)),
        )


def _table(name: str) -> Table:
    if not _NAME.fullmatch(name):
        raise RelayDefinitionError(
            f'the table of an Outbox cannot be called "{name}"; name it with small letters, digits '
            'and _, as in "signals_outbox", or "shop.signals_outbox" in another schema'
        )
    schema, _, own_name = name.rpartition(".")
    try:
        table = make_outbox_table(MetaData(schema=schema or None), own_name)
    except ValueError as error:  # it is too long
        raise RelayDefinitionError(f"the table of an Outbox: {error}") from error
    # Rows are read in order of this column, then of the id. By default it is the time at which
    # the transaction began, and a long one would come before shorter ones that ended earlier.
    table.c.next_attempt_at.server_default = DefaultClause(DUE)
    return table
