"""What happens in the demo, and what must come of it."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass, replace
from typing import Any

from examples.shop.demo.expectations import Expectations
from examples.shop.demo.visit import ADA, Visit
from examples.warehouse.demo.database import Reservation, Warehouse
from examples.warehouse.demo.report import Report
from examples.warehouse.demo.services import Services, comes_true

TEA, PIANO, LAMP, FLYER = 1, 2, 3, 4
"""The products' numbers in the shop, which gives them in this order."""
PRODUCTS = {"Tea": 100, "Piano": 2, "Lamp": 5, "Flyer": 0}
"""What the shop believes to have."""


@dataclass(slots=True)
class Demo:
    """Who takes part.

    Attributes:
        services: Starts and asks the shop and the warehouse.
        visit: Ada, at the shop.
        database: What the warehouse has written.
        report: Tells what happens.
        expectations: Where to note whether all is as expected.
        warehouse: The process that runs now.
    """

    services: Services
    visit: Visit
    database: Warehouse
    report: Report
    expectations: Expectations
    warehouse: subprocess.Popen[str]

    def order(self, what: str, product: int, quantity: int, expected: int = 201) -> Any:
        """Have Ada order something; return the order's number, if there is an order."""
        order = {"product_id": product, "quantity": quantity}
        answer = self.visit.ask(f"Ada orders {what}", expected, "POST /orders", order, by="Ada")
        return answer.get("id")

    def expect_fetched(self, count: int, what: str) -> list[Reservation]:
        """Wait until so many orders were reserved, and fetched; return them."""
        holds = comes_true(
            lambda: sum(each.fetched for each in self.database.reservations()) >= count
        )
        self.expectations.expect(holds, what)
        return self.database.reservations()


def prepare(demo: Demo) -> None:
    """Fill the shop, and put up shelves in the warehouse; nobody thinks of the lamps."""
    demo.report.say(f"Ada opens the shop, which has {', '.join(PRODUCTS)}.")
    visit = replace(demo.visit, announce=_say_nothing)
    visit.ask("Ada registers", 201, "POST /users", {**ADA, "name": "Ada"})
    visit.tokens["Ada"] = visit.ask("Ada logs in", 200, "POST /login", ADA)["token"]
    for name, stock in PRODUCTS.items():
        product = {"name": name, "price_cents": 450, "stock": stock}
        visit.ask(f"Ada adds {name}", 201, "POST /products", product, by="Ada")
    demo.database.put_up("Tea", stock=100)
    demo.database.put_up("Piano", stock=2, seconds_away=3600)


def order_tea(demo: Demo) -> None:
    """Show that the warehouse hears of what was ordered, and of nothing else."""
    demo.report.scene("Orders reach the warehouse")
    demo.order("2 teas", TEA, 2)
    demo.order("a flyer, which is out of stock: rolled back, never sent", FLYER, 1, expected=409)
    demo.order("3 teas", TEA, 3)
    found = demo.expect_fetched(2, "the warehouse receives two orders")
    demo.expectations.equal(
        [(each.product, each.quantity, each.times, each.deliveries) for each in found],
        [("Tea", 2, 1, 1), ("Tea", 3, 1, 1)],
        "reservations, each delivered once",
    )
    demo.report.say(f"The warehouse has reserved {len(found)} orders.")


def kill_the_warehouse(demo: Demo) -> None:
    """Kill it while a receiver runs, which has written its reservation and goes a long way."""
    demo.report.scene("The warehouse dies in the middle of an order")
    piano = demo.order("a piano, which stands an hour's walk away", PIANO, 1)
    begun = comes_true(lambda: piano in {each.order_id for each in demo.database.reservations()})
    demo.expectations.expect(begun, "the receiver of the piano begins")
    demo.warehouse.kill()
    demo.expectations.equal(demo.warehouse.wait(), -signal.SIGKILL, "exit code of the warehouse")
    before = demo.database.reservations()
    demo.expectations.equal(
        [(each.order_id, each.fetched) for each in before if each.product == "Piano"],
        [(piano, False)],
        "the piano is written, and its receiver has not come to its end",
    )
    demo.report.say("kill -9: the piano is reserved, but nobody has told NATS.")
    for what, quantity in {"a tea": 1, "4 teas": 4, "2 teas": 2}.items():
        demo.order(f"{what} meanwhile", TEA, quantity)
    demo.expectations.equal(demo.database.reservations(), before, "nobody reserves meanwhile")


def start_it_again(demo: Demo) -> None:
    """Show that every order is reserved once, although one event came twice."""
    demo.report.scene("The warehouse comes back")
    demo.database.move_near("Piano")
    demo.warehouse = demo.services.open_warehouse()
    found = demo.expect_fetched(6, "the warehouse catches up with six orders")
    demo.expectations.equal(
        sorted((each.product, each.quantity, each.times) for each in found),
        [("Piano", 1, 1), *(("Tea", quantity, 1) for quantity in (1, 2, 2, 3, 4))],
        "reservations, one for each order",
    )
    demo.expectations.equal(
        [(each.product, each.deliveries) for each in found if each.deliveries > 1],
        [("Piano", 2)],
        "the event of the piano came twice, and no other",
    )
    demo.expectations.equal(
        demo.database.stock(), {"Tea": 88, "Piano": 1}, "the stock: each order was taken once"
    )
    demo.report.reservations(found)


def mend_a_dead_letter(demo: Demo) -> None:
    """Show an order that nobody can reserve, until somebody puts up a shelf."""
    expect, report = demo.expectations, demo.report
    report.scene("An order that fails for good")
    lamp = demo.order("a lamp, for which there is no shelf", LAMP, 1)
    logged = comes_true(lambda: "is a dead letter" in demo.services.log("warehouse"))
    expect.expect(logged, "the log tells of a dead letter")
    letters = demo.services.ask_warehouse("dead-letters")
    expect.equal(
        [(each["body"]["data"]["order_id"], each["tries"]) for each in letters],
        [(lamp, 3)],
        "dead letters, after three tries",
    )
    errors = [each["error"] for each in letters]
    expect.expect(all("NoShelfError" in each for each in errors), f"what failed: {errors}")
    report.letters(letters)
    expect.expect(lamp not in _orders(demo), "the lamp is not reserved")

    demo.database.put_up("Lamp", stock=5)
    replayed = demo.services.ask_warehouse("replay")
    expect.equal(replayed, [{"received": 1, "failed": 0}], "the replay")
    report.say("Somebody puts up a shelf, and replays: the lamp is reserved.")
    expect.equal(_orders(demo).count(lamp), 1, "reservations of the lamp")
    expect.equal(demo.database.stock().get("Lamp"), 4, "lamps that are left")
    expect.equal(demo.services.ask_warehouse("dead-letters"), [], "dead letters that are left")


def close(demo: Demo) -> None:
    """Show that the warehouse ends when it is asked to."""
    code = demo.services.processes.stop(demo.warehouse)
    demo.expectations.equal(code, 0, "exit code of a warehouse that is asked to end")


def _say_nothing(_: str) -> None: ...


def _orders(demo: Demo) -> list[int]:
    return [each.order_id for each in demo.database.reservations()]


SCENES = (prepare, order_tea, kill_the_warehouse, start_it_again, mend_a_dead_letter, close)
