"""What the warehouse keeps, in a SQLite file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import aiosqlite

from examples.shop.signals import OrderPlaced
from fastdjango_signals.relay import Event

PATH = Path(os.environ.get("WAREHOUSE_DATABASE", "warehouse.sqlite3"))

TABLES = """
CREATE TABLE IF NOT EXISTS shelf (
    product TEXT PRIMARY KEY,
    stock INTEGER NOT NULL,
    seconds_away REAL NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS reservation (
    event_id TEXT PRIMARY KEY,
    order_id INTEGER NOT NULL,
    product TEXT NOT NULL,
    quantity INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL,
    tries INTEGER NOT NULL,
    was_new BOOLEAN NOT NULL,
    fetched BOOLEAN NOT NULL DEFAULT FALSE
);
"""


@dataclass(frozen=True, slots=True)
class Errand:
    """A walk to a shelf, because of one delivery of one event."""

    delivery_id: int | None
    seconds_away: float


class NoShelfError(Exception):
    """A product has no place in this warehouse."""


async def make_tables() -> None:
    async with aiosqlite.connect(PATH) as database:
        await database.executescript(TABLES)


async def reserve_once(event: Event, order: OrderPlaced) -> Errand:
    """Write a reservation and take from the stock, both or neither, and once for each event.

    Raises:
        NoShelfError: The product has no shelf.
    """
    async with aiosqlite.connect(PATH) as database:
        seconds_away = await _seconds_away(database, order)
        reserved = await database.execute(
            "INSERT OR IGNORE INTO reservation VALUES (?, ?, ?, ?)",
            (event.id, order.order_id, order.product, order.quantity),
        )
        # Not new is the same event again, whose effect is there already.
        was_new = reserved.rowcount == 1
        if was_new:
            await database.execute(
                "UPDATE shelf SET stock = stock - ? WHERE product = ?",
                (order.quantity, order.product),
            )
        delivery = await database.execute(
            "INSERT INTO delivery (event_id, tries, was_new) VALUES (?, ?, ?)",
            (event.id, event.tries, was_new),
        )
        await database.commit()
    return Errand(delivery.lastrowid, seconds_away)


async def note_fetched(errand: Errand) -> None:
    async with aiosqlite.connect(PATH) as database:
        done = "UPDATE delivery SET fetched = TRUE WHERE id = ?"
        await database.execute(done, (errand.delivery_id,))
        await database.commit()


async def _seconds_away(database: aiosqlite.Connection, order: OrderPlaced) -> float:
    query = "SELECT seconds_away FROM shelf WHERE product = ?"
    async with database.execute(query, (order.product,)) as found:
        shelf = await found.fetchone()
    if shelf is None:
        raise NoShelfError(f"there is no shelf for what order {order.order_id} asks for")
    return float(shelf[0])
