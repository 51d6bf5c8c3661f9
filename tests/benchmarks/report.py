"""How fast the report is made and opens, on a case with an operator of 20,500 accounts.

    python tests/benchmarks/report.py [CASE]

Without a case one is simulated and run first (ten minutes, 3 GB). Prints what docs/report.md says:
seconds and memory to make the report, and of its list and its largest page the weight, seconds
until the load event and until the graph is drawn, and the longest tasks (PerformanceObserver, which
sees those above 50 ms) while opening, scrolling all members, searching, sorting and
finding a chain; the worst of three openings.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from linkage import report
from linkage.case import DATABASE
from linkage.pipeline import run
from linkage.simulate import Preset, simulate
from linkage.simulate.presets import HYDRA, PRESETS

OPENINGS = 3
OBSERVE = """
window.tasks = [];
new PerformanceObserver(list => tasks.push(...list.getEntries().map(entry => entry.duration)))
    .observe({ type: "longtask", buffered: true });
"""


def main(case: Path | None) -> None:
    """Make the report of a case and measure it."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        if case is None:
            case = large(folder)
        start = time.perf_counter()
        report.write(case / DATABASE, folder / "report")
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        pages = sorted((folder / "report").iterdir(), key=lambda p: -p.stat().st_size)
        print(f"{len(pages)} files in {seconds:.1f} s, {peak:.0f} MB of memory at most")
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        print(f"Chromium {browser.version}")
        largest = next(page for page in pages if page.name != "index.html")
        for path in (folder / "report" / "index.html", largest):
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
            worst: dict[str, float] = {}
            for _ in range(OPENINGS):
                for what, value in measure(browser, path):
                    worst[what] = max(worst.get(what, 0), value)
            for what, value in worst.items():
                print(f"  {what}: {value:.0f} ms")
        browser.close()


def large(folder: Path) -> Path:
    """A case of 200,000 accounts, one operator among them with 20,500."""
    network = replace(HYDRA, size=20_500, exits=12_000, templates=60, waves=12, mean_events=40)
    operators = (network, *PRESETS["demo"].operators[1:])
    simulate(folder / "population", Preset("a large network", 200_000, operators), None, 1)
    inputs = [folder / "population" / name for name in ("accounts.csv", "events.parquet")]
    run(inputs, folder / "case", with_report=False).close()
    return folder / "case"


def measure(browser: Browser, path: Path) -> Iterator[tuple[str, float]]:
    """What one opening takes, in milliseconds."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.add_init_script(OBSERVE)
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.locator(".canvas canvas").first.wait_for()
    drawn = 1000 * (time.perf_counter() - start)
    yield "load event", page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    yield "graph drawn", drawn
    page.wait_for_timeout(600)
    yield "longest task, opening", longest(page)
    view = page.locator(".view")
    if view.count():
        view.scroll_into_view_if_needed()
        longest(page)
        view.hover()
        for _ in range(40):
            page.mouse.wheel(0, 700)
            page.wait_for_timeout(16)
        for part in range(20):
            view.evaluate(
                "(node, part) => { node.scrollTop = node.scrollHeight * part }", part / 20
            )
            page.wait_for_timeout(30)
        yield "longest task, scrolling", longest(page)
        page.get_by_label("Search accounts").press_sequentially("u00a", delay=60)
        yield "longest task, searching", longest(page)
        page.get_by_label("Search accounts").fill("")
        longest(page)
        page.locator(".long .sort").first.click()
        yield "longest task, sorting", longest(page)
        accounts = page.locator(".long tbody button.plain")
        accounts.nth(1).click()
        accounts.nth(9).click()
        yield "longest task, chain", longest(page)
    page.close()


def longest(page: Page) -> float:
    """The longest task since the last call; 0 if none took 50 ms."""
    page.wait_for_timeout(300)
    return max(page.evaluate("tasks.splice(0)"), default=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
