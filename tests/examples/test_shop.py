from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.shop.demo.expectations import Expectations

ROOT = Path(__file__).resolve().parents[2]
ORMS = ("tortoise", "sqlalchemy")
ADA = {"email": "ada@example.com", "password": "correct horse"}


class Shop:
    """A running shop, its HTTP client and its database file.

    It has a process of its own, since its receivers would hear what other tests send.
    """

    def __init__(self, client: httpx.Client, database: Path) -> None:
        self.client = client
        self.database = database

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    def log_in(self) -> None:
        token = self.client.post("/login", json=ADA).json()["token"]
        self.client.headers["Authorization"] = f"Bearer {token}"

    def add_product(self, **fields: Any) -> int:
        product = {"name": "Tea", "price_cents": 450, "stock": 3, **fields}
        response = self.client.post("/products", json=product).raise_for_status()
        added: int = response.json()["id"]
        return added

    def order(self, product: int, quantity: int = 1) -> httpx.Response:
        return self.client.post("/orders", json={"product_id": product, "quantity": quantity})


@pytest.fixture(params=ORMS)
def empty_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    database = tmp_path / "shop.sqlite3"
    # Listening already, so that the first request waits until the shop is open.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = ["-m", "uvicorn", "--factory", "examples.shop.app:create_app"]
        process = subprocess.Popen(
            [sys.executable, *command, "--fd", str(listener.fileno()), "--log-level", "warning"],
            cwd=ROOT,
            env={**os.environ, "SHOP_ORM": request.param, "SHOP_DATABASE": str(database)},
            pass_fds=[listener.fileno()],
        )
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=address, timeout=30) as client:
                yield Shop(client, database)
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    empty_shop.client.post("/users", json={**ADA, "name": "Ada"}).raise_for_status()
    empty_shop.log_in()
    return empty_shop


class TestTheAuditLog:
    def test_it_tells_who_registered(self, shop):
        audit = shop.rows("SELECT action, model, object_id FROM auditentry")
        assert audit[0] == ("created", "User", 1)

    def test_it_tells_which_fields_a_login_updates(self, shop):
        audit = shop.rows("SELECT model, details FROM auditentry WHERE action = 'updated'")
        assert audit == [("User", "last_login")]

    def test_it_tells_of_a_deleted_product(self, shop):
        product = shop.add_product()
        assert shop.client.delete(f"/products/{product}").status_code == 204
        audit = shop.rows("SELECT model, object_id FROM auditentry WHERE action = 'deleted'")
        assert audit == [("Product", product)]

    def test_it_tells_which_tags_were_added_and_removed(self, shop):
        product = shop.add_product(tags=["green", "hot"])
        answer = shop.client.put(f"/products/{product}/tags", json=["hot", "new"])
        assert answer.json()["tags"] == ["hot", "new"]
        audit = shop.rows("SELECT action, details FROM auditentry WHERE action LIKE '%tagged'")
        assert audit == [("tagged", "Tag [1, 2]"), ("untagged", "Tag [1]"), ("tagged", "Tag [3]")]

    def test_it_tells_of_logins_and_logouts(self, shop):
        assert shop.client.post("/logout").status_code == 204
        audit = shop.rows("SELECT action FROM auditentry WHERE action LIKE 'logged%'")
        assert audit == [("logged in",), ("logged out",)]


class TestOrders:
    def test_an_order_is_confirmed_in_the_outbox(self, shop):
        assert shop.order(shop.add_product(), 2).status_code == 201
        outbox = shop.rows("SELECT recipient, subject FROM outboxmessage")
        assert outbox == [("ada@example.com", "Order 1: 2 x Tea")]

    def test_an_order_out_of_stock_is_rolled_back_and_never_confirmed(self, shop):
        assert shop.order(shop.add_product(), 4).status_code == 409
        assert shop.rows('SELECT * FROM "order"') == []
        assert shop.rows("SELECT * FROM outboxmessage") == []
        assert shop.rows("SELECT * FROM auditentry WHERE model = 'Order'") == []

    def test_an_order_after_one_that_was_rolled_back_is_confirmed_alone(self, shop):
        product = shop.add_product()
        assert shop.order(product, 4).status_code == 409
        assert shop.order(product, 3).status_code == 201
        assert shop.rows("SELECT subject FROM outboxmessage") == [("Order 1: 3 x Tea",)]
        assert shop.rows("SELECT stock FROM product") == [(0,)]

    def test_strangers_cannot_order(self, shop):
        product = shop.add_product()
        del shop.client.headers["Authorization"]
        assert shop.order(product).status_code == 401


class TestAccounts:
    @pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
    def test_a_wrong_login_is_noted_with_the_password_masked(self, shop, email):
        wrong = {"email": email, "password": "guess"}
        assert shop.client.post("/login", json=wrong).status_code == 401
        ((address, credentials),) = shop.rows("SELECT address, credentials FROM failedlogin")
        assert address == "127.0.0.1"
        assert json.loads(credentials) == {"email": email, "password": "********"}

    def test_a_right_login_is_not_noted_as_failed(self, shop):
        assert shop.rows("SELECT * FROM failedlogin") == []

    def test_no_password_is_stored(self, shop):
        ((stored,),) = shop.rows("SELECT password_hash FROM user")
        assert ADA["password"] not in stored
        assert re.fullmatch(r"[0-9a-f]{32}\$[0-9a-f]{128}", stored)

    def test_an_address_registers_once(self, shop):
        again = shop.client.post("/users", json={**ADA, "name": "Ada"})
        assert again.status_code == 409

    def test_a_session_ends_with_the_logout(self, shop):
        shop.client.post("/logout").raise_for_status()
        assert shop.client.post("/logout").status_code == 401


def test_requests_are_timed_by_the_request_signals(empty_shop):
    empty_shop.client.get("/nowhere")
    (timing,) = empty_shop.client.get("/timings").json()
    assert timing.pop("milliseconds") > 0
    assert timing == {"method": "GET", "path": "/nowhere", "status": 404}


# --- the demo ----------------------------------------------------------------


def run_demo(
    tmp_path: Path, *command: str, orm: str = "tortoise"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "SHOP_ORM": orm},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module", params=ORMS)
def demo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> subprocess.CompletedProcess[str]:
    place = tmp_path_factory.mktemp("demo")
    return run_demo(place, "-m", "examples.shop.demo", orm=request.param)


@pytest.mark.slow
class TestTheDemo:
    def test_it_succeeds_and_prints_nothing_to_stderr(self, demo):
        assert demo.stderr == ""
        assert demo.returncode == 0, demo.stdout
        assert re.search(r"All \d+ expectations hold", demo.stdout)

    def test_it_works_without_a_terminal(self, demo):
        assert "\x1b" not in demo.stdout

    @pytest.mark.parametrize(
        ("signal", "receiver", "times"),
        [
            ("order_placed", "confirm_order", 2),
            ("user_login_failed", "note_failed_login", 3),
            ("user_logged_out", "audit_logout", 1),
            ("request_finished", "stop_clock", 21),
        ],
    )
    def test_it_shows_who_received_what_and_where_that_is_defined(
        self, demo, signal, receiver, times
    ):
        source = (ROOT / "examples/shop/receivers.py").read_text().splitlines()
        rows = [re.split(r"\s*│\s*", line) for line in demo.stdout.splitlines()]
        (row,) = [row for row in rows if row[1:2] == [signal] and row[3] == receiver]
        path, _, line = row[4].partition(":")
        assert path == "examples/shop/receivers.py"
        assert source[int(line) - 1].startswith("@")
        assert any(receiver in each for each in source[int(line) - 1 : int(line) + 3])
        assert row[7] == str(times)

    def test_it_shows_what_the_database_holds(self, demo):
        for text in ("last_login", "Order 1: 2 x Tea", "Order 2: 1 x Mug", '"********"'):
            assert text in demo.stdout
        assert "Order 3" not in demo.stdout

    def test_it_shows_the_refused_payload_with_its_note(self, demo):
        assert "ValidationError: 2 validation errors for OrderPlaced" in demo.stdout
        assert "in a send of signal shop.order_placed by sender" in demo.stdout

    def test_it_shows_the_refused_handler(self, demo):
        assert "ReceiverSignatureError" in demo.stdout
        unwrapped = re.sub(r"[│\s]+", " ", demo.stdout)
        assert 'did you mean "order_id"?' in unwrapped

    def test_it_shows_what_mypy_says_to_each_bad_handler(self, demo):
        source = (ROOT / "examples/shop/bad_handlers.py").read_text()
        table = demo.stdout.partition("What mypy says")[2]
        for name in re.findall(r"^(?:async )?def (\w+)", source, re.MULTILINE):
            assert name in table

    def test_it_says_where_the_database_is(self, demo):
        path = re.search(r"The database stays at (\S+)", demo.stdout)
        assert path is not None
        with closing(sqlite3.connect(path[1])) as connection:
            assert connection.execute("SELECT count(*) FROM outboxmessage").fetchone() == (2,)

    def test_it_ends_with_how_to_watch_the_signals(self, demo):
        (last,) = demo.stdout.splitlines()[-1:]
        assert last.startswith("Run `make demo-live` and open http://127.0.0.1:8008/signals/ to")

    def test_it_fails_where_something_is_not_as_expected(self, tmp_path):
        spoiled = (
            "import sys; from examples.shop import receivers; "
            "from examples.shop.signals import order_placed; "
            "order_placed.disconnect(receivers.confirm_order, sender=receivers.Order); "
            "from examples.shop.demo.__main__ import main; sys.exit(main())"
        )
        finished = run_demo(tmp_path, "-c", spoiled)
        assert finished.returncode == 1
        assert "orders that were confirmed: expected 2, found 0" in finished.stdout


WATCHED = {
    ("shop.order_placed", "done"),
    ("shop.order_placed", "refused"),
    ("shop.order_placed", "later done"),
    ("shop.order_placed", "later failed"),
    ("shop.newsletter_due", "done"),
    ("fastdjango_signals.post_save", "done"),
}


def watched(address: str) -> Iterator[tuple[str, str]]:
    """Watch the inspector at this address; gives what becomes of the sends of each signal."""
    with httpx.stream("GET", f"{address}events", timeout=30) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: {") and '"state":"' in line:
                send = json.loads(line.removeprefix("data: "))
                yield send["signal"], send["state"]
                for call in send["calls"]:
                    if call["after_send"]:
                        yield send["signal"], f"later {call['state']}"


@pytest.mark.parametrize("orm", ORMS)
def test_the_live_demo_shows_the_signals_of_the_shop_until_it_is_interrupted(tmp_path, orm):
    command = [sys.executable, "-m", "examples.shop.demo.live", "--port", "0", "--seconds", "60"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "SHOP_ORM": orm},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        address = process.stdout.readline().partition(": ")[2].strip()
        assert "Ctrl-C closes the shop" in process.stdout.readline()
        seen = set()
        for each in watched(address):
            seen.add(each)
            if seen >= WATCHED:
                process.send_signal(signal.SIGINT)
                break
        _, errors = process.communicate(timeout=20)
    assert seen >= WATCHED
    assert (process.returncode, errors) == (0, "")


def test_the_live_demo_ends_after_some_seconds(tmp_path):
    finished = run_demo(tmp_path, "-m", "examples.shop.demo.live", "--port", "0", "--seconds", "1")
    assert (finished.returncode, finished.stderr) == (0, "")


def test_without_debug_the_shop_shows_its_signals_to_nobody(empty_shop):
    assert empty_shop.client.get("/signals/").status_code == 403


def test_expectations_keep_what_does_not_hold():
    expectations = Expectations()
    expectations.expect(True, "right")
    expectations.equal(1, 2, "wrong")
    assert expectations.met == 1
    assert expectations.failures == ["wrong: expected 2, found 1"]
