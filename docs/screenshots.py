"""Take the screenshots of the report that stand in the docs, from the demo population.

    python docs/screenshots.py [CASE]

Without a case the demo is simulated and run first. Needs Chromium (apt-get install chromium) and
what `pip install .[test]` brings.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from linkage import report
from linkage.case import DATABASE, Case
from linkage.pipeline import run
from linkage.simulate import simulate

HERE = Path(__file__).parent
LARGEST = 300_000
"""Bytes of a screenshot at most."""


def main(case: Path | None) -> None:
    """Write every screenshot to the folder `docs`."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("No Chromium here; install it: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        if case is None:
            simulate(folder / "demo", "demo", None, 1)
            inputs = [folder / "demo" / "accounts.csv", folder / "demo" / "events.parquet"]
            case = folder / "case"
            run(inputs, case, with_report=False).close()
        report.write(case / DATABASE, folder / "report")
        with Case(case) as opened:
            [first] = opened.list_operators(top=1)
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        take(
            browser,
            folder / "report" / "index.html",
            folder / "report" / f"{first.operator_id}.html",
        )
        browser.close()


def take(browser: Browser, index: Path, operator: Path) -> None:
    """The screenshots, one after another."""
    page = opened(browser, index, height=1000)
    save(page, "index")
    page = opened(browser, operator, height=1000)
    save(page, "operator")
    page = opened(browser, operator)
    page.locator("section[aria-labelledby=graph] summary").click()
    page.get_by_role("button", name="Open bundle 10 in the graph").click()
    page.locator("section[aria-labelledby=graph] summary").click()
    page.wait_for_timeout(300)
    page.locator("section[aria-labelledby=graph]").screenshot(path=HERE / "report-graph.png")
    page = opened(browser, operator, color_scheme="dark")
    page.evaluate("document.getElementById('timeline').scrollIntoView()")
    save(page, "dark")
    page = opened(browser, index)
    page.locator("section[aria-labelledby=map]").screenshot(path=HERE / "report-map.png")
    page = opened(browser, index, width=390, height=1100)
    page.evaluate("document.getElementById('operators').scrollIntoView()")
    save(page, "narrow")
    # as wide as A4 between its margins, and as high
    page = opened(browser, operator, width=720, height=1020)
    page.emulate_media(media="print")
    save(page, "print")


def opened(
    browser: Browser, path: Path, width: int = 1280, height: int = 1100, color_scheme: str = "light"
) -> Page:
    """A page whose graphs are drawn."""
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if color_scheme == "dark" else "light",
    )
    page.goto(path.as_uri())
    page.locator(".canvas canvas").first.wait_for()
    page.wait_for_timeout(300)
    return page


def save(page: Page, name: str) -> None:
    """What is in view, as docs/report-NAME.png."""
    path = HERE / f"report-{name}.png"
    page.screenshot(path=path)
    if path.stat().st_size > LARGEST:
        sys.exit(f"{path} has {path.stat().st_size:,} bytes, more than {LARGEST:,}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
