"""Read what the warehouse has written, and put up its shelves, with the standard library alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was set aside because of one order.

    Attributes:
        order_id: The order.
        product: What was ordered.
        quantity: How many.
        event_id: The event.
        times: How often it was reserved.
        deliveries: How often the event came, and the receiver got as far as to reserve.
        fetched: Whether the receiver came to its end.
    """

    order_id: int
    product: str
    quantity: int
    event_id: str
    times: int
    deliveries: int
    fetched: bool


RESERVATIONS = """
SELECT order_id, product, quantity, min(event_id), count(DISTINCT event_id), count(*), max(fetched)
FROM reservation JOIN delivery USING (event_id)
GROUP BY order_id ORDER BY order_id
"""


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The database of the warehouse.

    Attributes:
        path: The file.
    """

    path: Path

    def put_up(self, product: str, *, stock: int, seconds_away: float = 0) -> None:
        """Give a product a shelf, or move the one that it has."""
        shelf = (product, stock, seconds_away)
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("INSERT INTO shelf VALUES (?, ?, ?)", shelf)

    def move_near(self, product: str) -> None:
        """Move a shelf to where one is at once."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            query = "UPDATE shelf SET seconds_away = 0 WHERE product = ?"
            connection.execute(query, (product,))

    def reservations(self) -> list[Reservation]:
        """Return what was reserved, by order."""
        return [Reservation(*row) for row in self._rows(RESERVATIONS)]

    def stock(self) -> dict[str, int]:
        """Return what is left on the shelves."""
        return dict(self._rows("SELECT product, stock FROM shelf"))

    def _rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()
