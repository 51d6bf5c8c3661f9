import csv
import http.server
import importlib.resources
import os
import re
import shutil
import threading

import pytest
from report_case import HOSTILE, hostile, large, make, small

from linkage import report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HERE = CHROMIUM is not None or os.environ.get("CI") == "true"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not HERE, reason="no Chromium here; install it: apt-get install chromium"),
]
# how the script shows what a reader can't see or what would reorder the line
UNSEEN = re.compile(r"[\u200f\u202a-\u202e\u2066-\u2069\u061c\u2028\u2029\x00-\x1f]")

HANDLERS = """[...document.querySelectorAll("body *")]
    .filter(node => [...node.attributes].some(a => a.name.startsWith("on"))).length"""


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    for name, rows in (("small", small()), ("hostile", hostile()), ("large", large())):
        report.write(make(folder / f"{name}.duckdb", rows), folder / name)
    return folder


class Opened:
    """A page, and what went wrong on it."""

    def __init__(self, page, address):
        self.page, self.address, self.troubles, self.requests = page, address, [], []
        page.on("console", lambda message: self.troubles.append(message.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", lambda dialog: self.troubles.append(dialog.message))
        page.on("popup", lambda popup: self.troubles.append(popup.url))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(address)

    def go(self, name):
        self.page.evaluate("name => { location.hash = encodeURIComponent(name) }", name)

    def texts(self, selector):
        return self.page.locator(selector).all_inner_texts()


@pytest.fixture
def opened(browser, reports):
    contexts = []

    def open_(name, hash_="", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        address = (reports / name / "index.html").as_uri() + hash_
        return Opened(context.new_page(), address)

    yield open_
    for context in contexts:
        context.close()


def test_hostile_values_do_nothing(opened):
    it = opened("hostile")
    page = it.page
    for text in ["", *HOSTILE]:
        it.go(text if len(text) <= 200 else f"{text[:200]}… ({len(text) - 200:,} more characters)")
        page.wait_for_timeout(20)
        assert page.locator("h1").count() == 1
        page.locator(".sort").first.click()
        assert page.evaluate("window.pwned") is None
        assert page.locator("main img, main iframe, main style, main link, main base").count() == 0
        assert page.locator("main script, main object, main embed, main form").count() == 0
        assert page.evaluate(HANDLERS) == 0
        links = page.locator("a").evaluate_all("nodes => nodes.map(n => n.getAttribute('href'))")
        assert all(link is None or re.match(r"#|blob:null/", link) for link in links)
        assert not UNSEEN.search(page.locator("main").evaluate("n => n.textContent"))
    assert page.evaluate("short('🧿'.repeat(3000), 24)") == "🧿" * 23 + "…"
    assert page.evaluate("short('🧿'.repeat(24), 24)") == "🧿" * 24
    assert it.troubles == []
    assert {url.split("#")[0] for url in it.requests if not url.startswith("blob:")} == {
        it.address.split("#")[0]
    }


@pytest.fixture
def server():
    """An address, and the list of paths that were asked of it."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", asked
    running.shutdown()
    running.server_close()


def test_the_policy_stops_what_the_script_would_not(opened, server):
    address, asked = server
    it = opened("small")
    it.page.evaluate(
        """address => {
            const script = document.createElement("script");
            script.textContent = "window.pwned = 1";
            document.body.append(script);
            const image = document.createElement("img");
            image.src = `${address}/a.png`;
            document.body.append(image);
        }""",
        address,
    )
    fetched = "address => fetch(address, {mode: 'no-cors'}).then(() => 'sent', () => 'stopped')"
    sent = it.page.evaluate(fetched, address)
    assert sent == "stopped"
    assert it.page.evaluate("window.pwned") is None
    assert asked == []
    assert len(it.troubles) >= 3


def test_list_is_filtered_searched_and_sorted(opened):
    it = opened("large")
    page, rows = it.page, ".listing tbody tr"
    assert page.locator(rows).count() == 50
    assert (
        "34 operators look like sockpuppets: 23,140 accounts" in page.locator("main").inner_text()
    )
    page.get_by_label("Sockpuppets (34)").uncheck()
    assert set(it.texts(f"{rows} .badge")) == {"■ Organisation", "◇ Unclear"}
    page.get_by_label("Sockpuppets (34)").check()
    page.get_by_label("At least").fill("400")
    assert page.locator(rows).count() < 50
    page.get_by_label("At least").fill("20000")
    assert it.texts(f"{rows} th") == ["OP-000000"]
    page.get_by_label("At least").fill("")
    page.get_by_role("searchbox").fill("op-000007")
    assert it.texts(f"{rows} th") == ["OP-000007"]
    page.get_by_role("searchbox").fill("nothing like it")
    assert page.get_by_role("status").inner_text() == "No operator matches."
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="Score").click()
    page.get_by_role("button", name="Score").click()
    assert it.texts(f"{rows} th")[0] == "OP-000049"
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Score")
    assert it.troubles == []


def test_keyboard_opens_an_operator_and_comes_back(opened):
    it = opened("small")
    page = it.page
    page.get_by_role("link", name="OP-AAAAAA").focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#OP-AAAAAA")
    page.locator("h1", has_text="OP-AAAAAA").wait_for()
    assert page.evaluate("document.activeElement.innerText") == "Operator OP-AAAAAA"
    assert page.title().startswith("Operator OP-AAAAAA")
    text = page.locator("main").inner_text()
    for words in (
        "5 accounts share 2 cards (card-A, card-B) and a template.",
        "sign-ups: spread evenly over five days (−0.5 nats)",
        "1 member of 5 (20%) is held by one signal only",
        "Held alone most often by prompt template “Translate ⟨…⟩ into ⟨…⟩” (1)",
        "payment card: 2 signals",
        "Sign-ups: 5 sign-ups, at most 1 in a day (2025-03-01).",
        "Nothing is left out.",
        "confirmed by Ann",
    ):
        assert words in text, words
    assert it.texts("mark.slot") == ["⟨…⟩", "⟨…⟩"]
    page.go_back()
    page.locator("h1", has_text="Operators behind accounts").wait_for()
    page.locator(".listing tbody tr").nth(1).locator("td").last.click()
    page.locator("h1", has_text="OP-BBBBBB").wait_for()
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.url.endswith("#OP-BBBBBB")


def test_twenty_thousand_members(opened):
    it = opened("large", "#OP-000000")
    page = it.page
    # what a page costs does not grow with the operator
    assert page.locator("*").count() < 3000
    members = page.locator("section", has=page.locator("#members"))
    assert members.get_by_role("status").inner_text() == "1–50 of 20,000 members"
    members.get_by_role("button", name="Next").click()
    assert members.get_by_role("status").inner_text() == "51–100 of 20,000 members"
    members.get_by_label("Search accounts").fill("user_00019")
    assert members.get_by_role("status").inner_text() == "1–50 of 1,000 members"
    members.get_by_label("Search accounts").fill("")
    members.get_by_label("Held by one signal only").check()
    assert set(members.locator("tbody td:nth-child(4)").all_inner_texts()) == {"one signal only"}
    members.get_by_label("Held by one signal only").uncheck()
    members.get_by_role("button", name="Account").click()
    assert members.locator("tbody th").first.inner_text() == "user_00000000"
    shown = page.locator(".kind").first
    assert "Shown: 10 of 1,6" in shown.inner_text()
    shown.get_by_role("button", name="Show 90 more").click()
    assert "Shown: 100 of 1,6" in shown.inner_text()
    assert shown.locator("tbody tr").count() == 100
    assert it.troubles == []


def test_csv_reads_back_and_holds_no_formula(opened, tmp_path):
    it = opened("hostile")
    path = tmp_path / "members.csv"
    for text in ('=HYPERLINK("https://evil.example")', "+1", "@SUM(A1)", "\t=1", "-1+1"):
        it.go(text)
        it.page.locator("h1", has_text=text[-4:]).wait_for()
        with it.page.expect_download() as download:
            it.page.get_by_role("button", name="Save as CSV").click()
        assert re.fullmatch(r"operator-\d+-members\.csv", download.value.suggested_filename)
        download.value.save_as(path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            [row] = csv.DictReader(file)
        assert row["account_id"] == row["operator_id"] == f"'{text}"
        assert float(row["confidence"]) >= 0
        assert not any(cell[:1] in "=+-@\t\r" for cell in row.values() if cell)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_accessibility_fault(opened, scheme, width):
    axe = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
    for hash_ in ("", "#OP-AAAAAA"):
        options = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
        page = opened("small", hash_, **options).page
        page.evaluate(axe)
        faults = page.evaluate("() => axe.run()")["violations"]
        assert [(f["id"], f["nodes"][0]["html"]) for f in faults] == []
        # nothing makes the page itself scroll sideways
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_print_leaves_controls_out(opened):
    page = opened("small", "#OP-AAAAAA").page
    page.emulate_media(media="print")
    assert not page.get_by_role("button", name="Save as CSV").is_visible()
    assert page.get_by_text("What speaks against").is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
