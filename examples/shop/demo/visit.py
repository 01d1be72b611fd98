"""What the customers of the demo do, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from examples.shop.demo.expectations import Expectations

ADA = {"email": "ada@example.com", "password": "correct horse"}
BOB = {"email": "bob@example.com", "password": "battery staple"}


@dataclass(slots=True)
class Visit:
    """Somebody with an HTTP client.

    Attributes:
        client: Where to send requests.
        expectations: Where to note whether the answers are as expected.
        announce: Called with a few words before each request.
        tokens: The tokens of those who are logged in, by name.
    """

    client: httpx.Client
    expectations: Expectations
    announce: Callable[[str], None]
    tokens: dict[str, str] = field(default_factory=dict[str, str])

    def all_of_it(self) -> None:
        """Take every step, in order."""
        for step in STEPS:
            step(self)

    def ask(
        self, what: str, expected: int, request: str, json: object = None, *, by: str = ""
    ) -> Any:
        """Send one request, with the token of the visitor `by`; return its answer."""
        self.announce(what)
        headers = {"Authorization": f"Bearer {self.tokens[by]}"} if by in self.tokens else {}
        method, path = request.split()
        response = self.client.request(method, path, json=json, headers=headers)
        self.expectations.equal(response.status_code, expected, what)
        return response.json() if response.content else None


def register(visit: Visit) -> None:
    visit.ask("Ada registers", 201, "POST /users", {**ADA, "name": "Ada"})
    visit.ask("Bob registers", 201, "POST /users", {**BOB, "name": "Bob"})
    visit.ask("Bob registers again", 409, "POST /users", {**BOB, "name": "Bob"})


def log_in(visit: Visit) -> None:
    for password in ("password", "12345678"):
        wrong = {**ADA, "password": password}
        visit.ask("Somebody guesses Ada's password", 401, "POST /login", wrong)
    nobody = {"email": "eve@example.com", "password": "let me in"}
    visit.ask("A stranger logs in", 401, "POST /login", nobody)
    visit.tokens["Ada"] = visit.ask("Ada logs in", 200, "POST /login", ADA)["token"]
    visit.tokens["Bob"] = visit.ask("Bob logs in", 200, "POST /login", BOB)["token"]


def stock_the_shelves(visit: Visit) -> None:
    tea = {"name": "Tea", "price_cents": 450, "stock": 10, "tags": ["green", "hot"]}
    mug = {"name": "Mug", "price_cents": 900, "stock": 1, "tags": ["hot"]}
    flyer = {"name": "Flyer", "price_cents": 1, "stock": 0}
    visit.ask("Ada adds tea", 201, "POST /products", tea, by="Ada")
    visit.ask("Ada adds a mug", 201, "POST /products", mug, by="Ada")
    visit.ask("Ada adds a flyer", 201, "POST /products", flyer, by="Ada")
    visit.ask("Ada tags the tea anew", 200, "PUT /products/1/tags", ["hot", "new"], by="Ada")
    visit.ask("Ada deletes the flyer", 204, "DELETE /products/3", by="Ada")


def order(visit: Visit) -> None:
    tea, mug = {"product_id": 1, "quantity": 2}, {"product_id": 2, "quantity": 1}
    visit.ask("A stranger orders tea", 401, "POST /orders", tea)
    visit.ask("Bob orders two teas", 201, "POST /orders", tea, by="Bob")
    visit.ask("Bob orders the mug", 201, "POST /orders", mug, by="Bob")
    visit.ask("Ada orders the mug, too late", 409, "POST /orders", mug, by="Ada")
    products = visit.ask("Everybody looks at the shelves", 200, "GET /products")
    visit.expectations.equal(
        {each["name"]: each["stock"] for each in products}, {"Tea": 8, "Mug": 0}, "the stock"
    )


def log_out(visit: Visit) -> None:
    visit.ask("Bob logs out", 204, "POST /logout", by="Bob")
    visit.ask("Bob logs out again", 401, "POST /logout", by="Bob")


STEPS = (register, log_in, stock_the_shelves, order, log_out)
REQUESTS = 20
"""How many requests all steps send together."""
