"""Read back what the receivers wrote, with nothing but the standard library."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from examples.shop.demo.expectations import Expectations

TABLES = {
    "The audit log": "SELECT id, action, model, object_id, details FROM auditentry ORDER BY id",
    "The outbox": "SELECT id, recipient, subject FROM outboxmessage ORDER BY id",
    "Failed log-ins": "SELECT id, address, credentials FROM failedlogin ORDER BY id",
}
"""What to show, by title."""

Rows = list[dict[str, Any]]


def read_tables(path: Path) -> dict[str, Rows]:
    """Return the rows of each table, by title."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return {
            title: [dict(row) for row in connection.execute(query)]
            for title, query in TABLES.items()
        }


def check_tables(tables: dict[str, Rows], expectations: Expectations) -> None:
    """Note whether the tables hold what the visit must have caused."""
    audit, outbox, failed = (tables[title] for title in TABLES)
    expectations.equal(
        [row["subject"] for row in outbox],
        ["Order 1: 2 x Tea", "Order 2: 1 x Mug"],
        "confirmations for the orders that were committed, and for no other",
    )
    orders = [row for row in audit if row["model"] == "Order"]
    expectations.equal(len(orders), 2, "audit entries of orders: the third was rolled back")
    for action in (
        "created",
        "updated",
        "deleted",
        "tagged",
        "untagged",
        "logged in",
        "logged out",
    ):
        expectations.expect(
            any(row["action"] == action for row in audit), f'the audit log says "{action}"'
        )
    expectations.equal(
        [json.loads(row["credentials"]) for row in failed],
        [
            {"email": email, "password": "********"}
            for email in ("ada@example.com", "ada@example.com", "eve@example.com")
        ],
        "failed log-ins, with the passwords masked",
    )
