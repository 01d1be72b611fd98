"""Take the picture of the documentation anew: `python -m tests.browser.picture`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from playwright.async_api import async_playwright

from tests.browser.conftest import chromium

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "inspector.png"
SHOP = ["-m", "examples.shop.demo.live", "--port", "0", "--seconds", "60"]


async def take(address: str) -> None:
    """Watch the shop for a while, open a send in which something failed, and take a picture."""
    async with async_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=chromium(), args=options)
        page = await browser.new_page(viewport={"width": 1040, "height": 760})
        await page.goto(address)
        failed = page.locator(".row", has_text="newsletter_due").filter(has_text="1 failed")
        await failed.wait_for(timeout=50_000)
        await page.locator(".row", has_text="refused").first.wait_for(timeout=20_000)
        await page.get_by_role("button", name="Pause").click()
        await page.locator("#filter-signal").fill("shop.")
        await failed.first.locator(".line").click()
        await page.locator("h1").click()
        await page.screenshot(path=PICTURE)
        await browser.close()


def main() -> None:
    """Run the shop, and take the picture."""
    command = [sys.executable, *SHOP]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as shop:
        try:
            line = shop.stdout.readline() if shop.stdout else ""
            asyncio.run(take(line.partition(": ")[2].strip()))
        finally:
            shop.terminate()


if __name__ == "__main__":
    main()
