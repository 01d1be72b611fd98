"""The inspector's page, as somebody with a browser sees it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI

from fastdjango_signals.inspector import Inspector
from tests.browser import shop
from tests.browser.conftest import Tabs, shoot
from tests.inspector.live import nobody_observes, serving, until

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

NARROW = {"width": 360, "height": 740}
WIDE = {"width": 1200, "height": 800}


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    app = FastAPI(debug=True)
    app.mount("/signals", Inspector())
    app.mount("/open/to/all", Inspector(show_values=True, keep=5))
    with serving(app) as address:
        yield address


@asynccontextmanager
async def watching(
    tabs: Tabs, root: str, path: str = "/signals", **options: Any
) -> AsyncIterator[Page]:
    """Open the page without what was sent before; in the end, nobody watches any more."""
    async with tabs.open(f"{root}{path}", viewport=WIDE, **options) as page:
        await live(page)
        await page.get_by_role("button", name="Clear").click()
        yield page
    await until(nobody_observes)


async def live(page: Page) -> None:
    await page.locator("#connection[data-state=live]").wait_for()


def row(page: Page, text: str) -> Locator:
    """Return the row, once its send is over; it may have failed before."""
    over = ":not([data-state=running]):not(:has(.badge.running))"
    return page.locator(f"#rows > .row:visible{over}", has_text=text)


async def boxes(found: Locator) -> list[dict[str, float]]:
    """Return where all of them are, at one moment."""
    measured: list[dict[str, float]] = await found.evaluate_all(
        "(all) => all.map((each) => each.getBoundingClientRect().toJSON())"
    )
    return measured


async def texts(page: Page, selector: str) -> list[str]:
    return [" ".join(each.split()) for each in await page.locator(selector).all_inner_texts()]


async def is_wider_than_the_window(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth > innerWidth"))


async def drawn_width(page: Page) -> int:
    """Wait for the graph; the policy of the page lets nothing be asked again and again there."""
    width = "async (picture) => { await picture.decode(); return picture.naturalWidth; }"
    return int(await page.locator("#canvas img").evaluate(width))


async def focused(page: Page) -> str:
    return str(await page.evaluate("document.activeElement.id || document.activeElement.className"))


# --- live --------------------------------------------------------------------


async def test_a_send_appears_as_it_happens_with_a_bar_for_each_receiver(
    tabs: Tabs, root: str
) -> None:
    async with watching(tabs, root) as page:
        assert await page.title() == "Signals"
        assert await page.locator("#process").inner_text() == f"process {os.getpid()}"
        assert await page.locator("#empty").is_visible()

        await shop.packed.send_robust("till 4", order_id=1)

        line = row(page, "order_packed")
        await line.locator(".badge.failed").wait_for()
        assert not await page.locator("#empty").is_visible()
        assert "'till 4'" in await line.inner_text()
        assert "2 receivers" in await line.inner_text()
        first, second = await boxes(line.locator(".bar"))
        assert first["x"] <= second["x"] < first["x"] + first["width"]  # together
        assert first["width"] > second["width"] > 5
        assert first["y"] < second["y"]


async def test_receivers_one_after_another_have_their_bars_so(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        await shop.ordered.send(shop.Till, order_id=1)
        await row(page, "order_placed").locator(".line").click()

        first, second, third = await boxes(page.locator(".call .bar"))
        assert first["x"] + first["width"] <= second["x"] + 4
        assert second["x"] + second["width"] <= third["x"] + 4
        assert await texts(page, ".calls .name") == [
            f"tests.browser.shop.{each}" for each in ("confirm", "count", "ship")
        ]
        (place, *_) = await texts(page, ".calls .place")
        assert re.fullmatch(r"tests/browser/shop\.py:\d+", place)


async def test_a_failure_shows_its_traceback_and_no_value(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        await shop.packed.send_robust("till 4", order_id=1)
        await row(page, "order_packed").locator(".line").click()

        assert await texts(page, ".raised") == ["LookupError", "KeyError"]
        assert 'raise LookupError(f"no parcel for {email}") from error' in await texts(
            page, ".frames code"
        )
        text = await page.locator("#rows").inner_text()
        assert "in look_up" in text
        assert "ada@example.com" not in text
        await shoot(page, "failure")


async def test_what_was_refused_what_nobody_hears_and_what_a_broker_brought(
    tabs: Tabs, root: str
) -> None:
    async with watching(tabs, root) as page:
        with suppress(ValueError):
            await shop.ordered.send(shop.Till, order_id="one")  # type: ignore[arg-type]
        await shop.closed.send(None, order_id=1)
        await shop.receive_from_a_broker()

        await row(page, "refused").locator(".line").click()
        assert await texts(page, ".rows .fields dt") == ["order_id"]
        assert await texts(page, ".rows .fields dd") == ["int_type"]
        assert "nobody listens" in await row(page, "shop.closed").inner_text()
        assert "from a broker" in await row(page, "warehouse").inner_text()


async def test_a_receiver_that_waited_for_a_commit_joins_its_send(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        await shop.send_in_a_transaction()

        line = row(page, "order_placed")
        await line.locator(".badge.late").wait_for()
        await line.locator(".line").click()
        assert await line.count() == 1
        assert "after the send" in (await texts(page, ".call .when"))[2]
        await shoot(page, "commit")


async def test_values_are_shown_where_the_inspector_was_made_so(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root, "/open/to/all") as page:
        await shop.packed.send_robust("till 4", order_id=1)
        await row(page, "order_packed").locator(".line").click()

        values = await texts(page, ".rows .fields .value")
        assert values == ["1", "'ada@example.com'", "SecretStr('**********')"]
        assert "no parcel for ada@example.com" in (await texts(page, ".message"))[0]


async def test_the_list_is_as_long_as_the_server_says(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root, "/open/to/all") as page:
        for number in range(9):
            await shop.closed.send(str(number), order_id=1)
        await row(page, "'8'").wait_for()
        assert await texts(page, ".row .from .name") == [f"'{number}'" for number in "87654"]


# --- filters, pause, clear ---------------------------------------------------


async def test_sends_are_filtered_by_signal_by_sender_and_by_failure(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        await shop.ordered.send("web", order_id=1)
        await shop.packed.send_robust("web", order_id=1)
        await shop.closed.send("till 4", order_id=1)
        await row(page, "shop.closed").wait_for()

        await page.locator("#filter-signal").fill("PLACED")
        assert await texts(page, ".row:visible .what .name") == ["shop.order_placed"]
        assert await page.locator("#count").inner_text() == "1 of 3 sends"
        await page.locator("#filter-signal").fill("")
        await page.locator("#filter-sender").fill("till")
        assert await texts(page, ".row:visible .what .name") == ["shop.closed"]
        await page.locator("#filter-sender").fill("web")
        await page.get_by_label("Failures only").check()
        assert await texts(page, ".row:visible .what .name") == ["shop.order_packed"]
        await page.locator("#filter-sender").fill("nobody")
        assert await page.locator("#empty").inner_text() == "No send fits the filter."


async def test_a_page_can_be_paused_and_emptied(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        await shop.closed.send("first", order_id=1)
        await row(page, "first").wait_for()
        await page.get_by_role("button", name="Pause").click()
        await shop.closed.send("second", order_id=1)
        await page.get_by_role("button", name="Go on (1 new)").wait_for()
        assert await row(page, "second").count() == 0
        await page.get_by_role("button", name="Go on").click()
        await row(page, "second").wait_for()
        await page.get_by_role("button", name="Clear").click()
        assert await page.locator(".row").count() == 0
        assert await page.locator("#empty").is_visible()


# --- the keyboard ------------------------------------------------------------


async def test_everything_can_be_done_with_the_keyboard(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        for number in range(3):
            await shop.closed.send(f"till {number}", order_id=1)
        await row(page, "till 2").wait_for()

        await page.keyboard.press("/")
        assert await focused(page) == "filter-signal"
        await page.keyboard.type("closed/j")
        assert await page.locator("#filter-signal").input_value() == "closed/j"
        await page.keyboard.press("Escape")
        assert await page.locator("#filter-signal").input_value() == ""
        await page.keyboard.press("Escape")
        assert await focused(page) != "filter-signal"

        await page.keyboard.press("j")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("k")
        await page.keyboard.press("j")
        focus = page.locator(".line:focus")
        assert "till 1" in await focus.inner_text()
        outline = await focus.evaluate("(each) => getComputedStyle(each).outlineStyle")
        assert outline == "solid"
        await page.keyboard.press("Enter")
        assert await focus.get_attribute("aria-expanded") == "true"
        assert await page.locator(".inside:visible").count() == 1
        await page.keyboard.press("Escape")
        assert await focus.get_attribute("aria-expanded") == "false"
        await page.keyboard.press("p")
        assert await page.locator("#pause").get_attribute("aria-pressed") == "true"
        # One row is a stop of the Tab key, not each.
        assert await page.locator('.line[tabindex="0"]').count() == 1


async def test_everything_that_can_be_used_has_a_name(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        await shop.packed.send_robust("till 4", order_id=1)
        await row(page, "order_packed").wait_for()
        for role, name in [
            ("main", ""),
            ("banner", ""),
            ("navigation", "Views"),
            ("heading", "Signals"),
            ("heading", "Sends"),
            ("searchbox", "Sender"),
            ("combobox", "Signal"),
            ("checkbox", "Failures only"),
            ("list", "Sends, the latest first"),
            ("group", "Which sends to show"),
        ]:
            found = page.get_by_role(role, name=name or None, exact=True)  # type: ignore[arg-type]
            assert await found.count() == 1, (role, name)
        line = page.get_by_role("button", name="shop.order_packed")
        assert await line.get_attribute("aria-expanded") == "false"
        assert await page.get_by_role("status").first.inner_text() == "Live"


async def test_the_first_stop_of_the_tab_key_leads_to_the_content(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        await page.reload()
        await page.keyboard.press("Tab")
        assert await focused(page) == "skip"
        await page.keyboard.press("Enter")
        assert await focused(page) == "main"
        assert await page.locator("#view-sends").is_visible()


# --- the other views ---------------------------------------------------------


async def test_signals_are_shown_with_payload_and_receivers(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        await page.get_by_role("link", name="Receivers", exact=True).first.click()
        await page.locator("#find-signal").fill("tests.browser.shop.confirm")
        card = page.locator(".card")
        await card.wait_for()
        await card.locator("> summary").click()

        assert await texts(page, ".listeners .name") == [
            f"tests.browser.shop.{each}" for each in ("confirm", "count", "ship")
        ]
        options = (await texts(page, ".listeners .options"))[0]
        assert options == "from tests.browser.shop.Till priority 5 weak"
        assert (await texts(page, ".fields dt"))[:2] == ["order_id", "email"]
        await card.get_by_text("JSON Schema").click()
        assert '"order_id"' in await card.locator("pre").inner_text()
        await shoot(page, "receivers")

        await card.get_by_role("link", name="Show its sends").click()
        await page.locator("#view-sends").wait_for()
        assert await page.locator("#filter-signal").input_value() == "shop.order_placed"


async def test_what_is_opened_stays_open_when_the_list_is_made_anew(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        await page.get_by_role("link", name="Receivers", exact=True).first.click()
        await page.locator("#find-signal").fill("shop.order_placed")
        summary = page.locator(".card > summary")
        await summary.wait_for()
        # At once, before the browser tells of the first.
        again = "document.getElementById('find-signal').dispatchEvent(new Event('input'))"
        await summary.evaluate(f"(summary) => {{ summary.click(); {again}; }}")
        assert await page.locator(".card[open]").count() == 1
        await page.evaluate(again)
        assert await page.locator(".card[open]").count() == 1
        await page.locator(".card > summary").click()
        await page.evaluate(again)
        assert await page.locator(".card[open]").count() == 0


async def test_the_graph_is_drawn(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        await page.get_by_role("link", name="Graph").click()
        picture = page.locator("#canvas img")
        await page.locator("#graph-signal").select_option("shop.order_placed")
        await picture.wait_for()
        assert await picture.get_attribute("alt") == "Graph of 1 signal and 3 receivers"
        assert await drawn_width(page) > 300
        await shoot(page, "graph")

        await page.get_by_role("link", name="Open the picture").click()
        await page.locator("svg text").first.wait_for()
        fill = "getComputedStyle(document.querySelector('.signal')).fill"
        assert await page.evaluate(fill) == "rgb(227, 237, 251)"  # its style is let in


# --- hostile names -----------------------------------------------------------


@pytest.mark.parametrize("path", ["/signals", "/open/to/all"])
async def test_hostile_names_and_values_are_text(tabs: Tabs, root: str, path: str) -> None:
    async with watching(tabs, root, path) as page:
        await shop.hostile.send_robust(shop.HOSTILE, **{shop.HOSTILE: shop.HOSTILE})
        await row(page, "<script>").locator(".line").click()
        assert shop.HOSTILE in await page.locator(".row").inner_text()
        await page.get_by_role("link", name="Receivers", exact=True).first.click()
        await page.locator("#find-signal").fill("<script>")
        await page.locator(".card > summary").click()
        await page.get_by_role("link", name="Graph").click()
        await page.locator("#graph-signal").select_option(shop.HOSTILE)
        assert await drawn_width(page) > 300
        assert await page.locator("main img").count() == 1
        assert await page.locator("main script").count() == 0


# --- looks -------------------------------------------------------------------


async def fill_the_page(page: Page) -> None:
    await shop.send_in_a_transaction()
    await shop.packed.send_robust("till 4", order_id=1)
    await shop.closed.send(None, order_id=1)
    with suppress(ValueError):
        await shop.ordered.send(shop.Till, order_id="one")  # type: ignore[arg-type]
    await row(page, "refused").wait_for()
    await row(page, "commit").wait_for()
    await row(page, "1 failed").locator(".line").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_is_light_or_dark_as_is_wanted(tabs: Tabs, root: str, scheme: Any) -> None:
    async with watching(tabs, root, color_scheme=scheme) as page:
        await fill_the_page(page)
        ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == {"light": "rgb(244, 246, 249)", "dark": "rgb(15, 20, 27)"}[scheme]
        assert not await is_wider_than_the_window(page)
        await shoot(page, f"wide-{scheme}")


async def test_it_fits_a_narrow_window(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root) as page:
        await page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        await fill_the_page(page)
        for view in ("Sends", "Receivers", "Graph"):
            await page.get_by_role("link", name=view, exact=True).first.click()
            await page.wait_for_timeout(100)
            assert not await is_wider_than_the_window(page), view
            await shoot(page, f"narrow-{view}")


async def test_who_wants_no_motion_gets_none(tabs: Tabs, root: str) -> None:
    async with watching(tabs, root, reduced_motion="reduce") as page:
        name = await page.evaluate(
            """() => {
                const bar = document.createElement("span");
                bar.className = "bar";
                bar.dataset.state = "running";
                document.body.append(bar);
                return getComputedStyle(bar).animationName;
            }"""
        )
        assert name == "none"


# --- the connection ----------------------------------------------------------


async def test_a_lost_connection_is_told_and_found_again(tabs: Tabs) -> None:
    app = FastAPI(debug=True)
    app.mount("/signals", Inspector())
    first = serving(app)
    address = first.__enter__()
    port = int(address.rpartition(":")[2])
    try:
        tab = tabs.open(f"{address}/signals/", viewport=WIDE)
        page = await tab.__aenter__()
        await live(page)
        await shop.closed.send("before", order_id=1)
        await row(page, "before").wait_for()
    finally:
        await asyncio.to_thread(first.__exit__, None, None, None)
    await page.locator("#connection[data-state=lost]").wait_for()
    told = await page.locator("#connection").inner_text()
    assert re.fullmatch(r"Connection lost since \d\d:\d\d:\d\d, trying again", told)

    again = FastAPI(debug=True)
    again.mount("/signals", Inspector())
    with serving(again, port):
        await live(page)
        assert "Another process answers now" in await page.locator("#notice").inner_text()
        assert await page.locator(".row").count() == 0
        again.debug = False
        await page.reload()
        assert "The inspector is off" in await page.content()
        await tab.__aexit__(None, None, None)
    # The browser itself complains of the network, and of the 403.
    tabs.complaints = [each for each in tabs.complaints if not each.startswith("Failed to load")]
