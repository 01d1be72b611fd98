"""The browser lane: the inspector's page in a real Chromium, driven by Playwright.

Where there is no Chromium its tests are skipped, and the summary says so; with BROWSER=required,
as continuous integration sets it, they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Route

NAMES = ("chromium", "chromium-browser", "google-chrome")
SHOTS = "BROWSER_SHOTS"
"""Environment variable with a folder for pictures of the page; without it there are none."""


def chromium() -> str | None:
    """Return where Chromium is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def missing() -> str:
    """Return what this lane needs, and is not there."""
    if find_spec("playwright") is None:
        return 'no playwright; `pip install -e ".[browser]"` installs it'
    return "" if chromium() else "no chromium; `make browser` installs it"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if missing() and os.environ.get("BROWSER") != "required":
                reason = f"The browser lane did NOT run: {missing()}"
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if missing():
        terminalreporter.write_line(f"The browser lane did NOT run: {missing()}", yellow=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Give a Chromium without a window."""
    if missing():
        pytest.fail(f"BROWSER=required, and there is {missing()}")
    from playwright.async_api import async_playwright

    # Chromium refuses to put root into its sandbox.
    options = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium(), args=options)
        yield started
        await started.close()


class Tabs:
    """Opens pages, and notes what none of them may do."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.complaints: list[str] = []

    @asynccontextmanager
    async def open(self, address: str, **options: Any) -> AsyncIterator[Page]:
        """Open an address; whatever the page asks of another origin gets no answer."""
        origin = urlsplit(address).netloc
        context = await self._browser.new_context(**options)
        context.set_default_timeout(10_000)

        async def watch(route: Route) -> None:
            if urlsplit(route.request.url).netloc == origin:
                await route.continue_()
            else:
                self.complaints.append(f"asked for {route.request.url}")
                await route.abort()

        await context.route("**/*", watch)
        page = await context.new_page()
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("pageerror", lambda error: self._hear("error", str(error)))
        page.on("dialog", lambda dialog: self._hear("error", f"a dialog: {dialog.message}"))
        try:
            await page.goto(address)
            yield page
        finally:
            await context.close()

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)


@pytest.fixture
def tabs(browser: Browser) -> Iterator[Tabs]:
    """Give a way to open pages; in the end, none may have complained."""
    made = Tabs(browser)
    yield made
    assert made.complaints == []


async def shoot(page: Page, name: str) -> None:
    """Take a picture, where pictures are wanted."""
    folder = os.environ.get(SHOTS)
    if folder:
        await page.screenshot(path=Path(folder) / f"{name}.png")
