import csv
import http.server
import importlib.resources
import itertools
import os
import random
import re
import shutil
import threading

import pytest
from cases import write
from report_case import HOSTILE, hostile, large, make, small

from linkage import report
from linkage.case import Case

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HERE = CHROMIUM is not None or os.environ.get("CI") == "true"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not HERE, reason="no Chromium here; install it: apt-get install chromium"),
]
# how the script shows what a reader can't see or what would reorder the line
UNSEEN = re.compile(r"[\u200f\u202a-\u202e\u2066-\u2069\u061c\u2028\u2029\x00-\x1f]")

HANDLERS = """[...document.querySelectorAll("body *")].filter(
    node => [...node.attributes].some(a => a.name.startsWith("on"))).length"""


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
    near = small()
    near["edges"] += [(account, 1, None, None, 1) for account in (5, 6, 7)]
    near["memberships"] = [
        *((f"acc-{n}", "OP-AAAAAA", 1, 2) for n in (0, 1, 2, 3)),
        ("acc-4", "OP-BBBBBB", 1, 1),
        ("acc-4", "OP-AAAAAA", 2, 2),
        ("acc-9", "OP-AAAAAA", 1, 1),
    ]
    near["run_operators"] = [
        (1, "OP-AAAAAA", "unclear", 0.5, 5),
        (2, "OP-AAAAAA", "sockpuppets", 0.97, 5),
    ]
    made = {"small": small(), "near": near, "hostile": hostile(), "large": large()}
    for name, rows in made.items():
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

    def texts(self, selector):
        return self.page.locator(selector).all_inner_texts()


@pytest.fixture
def opened(browser, reports):
    contexts = []

    def open_(name, file="index.html", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        return Opened(context.new_page(), (reports / name / file).as_uri())

    yield open_
    for context in contexts:
        context.close()


HOSTILE_FILES = ["index.html", *(f"operator-{n + 1}.html" for n in range(len(HOSTILE)))]


def test_hostile_values_do_nothing(browser, reports):
    context = browser.new_context()
    for file in HOSTILE_FILES:
        it = Opened(context.new_page(), (reports / "hostile" / file).as_uri())
        page = it.page
        drawn(page)
        press_everything(page)
        assert page.locator("h1").count() == 1
        assert page.evaluate("window.pwned") is None
        assert page.locator("main img, main iframe, main style, main link, main base").count() == 0
        assert page.locator("main script, main object, main embed, main form").count() == 0
        assert page.evaluate(HANDLERS) == 0
        links = page.locator("a").evaluate_all("nodes => nodes.map(n => n.getAttribute('href'))")
        ours = r"#[a-z-]+|index\.html|operator-\d+\.html|blob:null/.*"
        assert all(link is None or re.fullmatch(ours, link) for link in links)
        assert not UNSEEN.search(page.locator("main").evaluate("n => n.textContent"))
        assert not UNSEEN.search(page.title())
        assert it.troubles == []
        assert [url for url in it.requests if not url.startswith("blob:")] == [it.address]
        page.close()
    context.close()


def test_pairs_of_code_units_are_never_split(opened):
    page = opened("small").page
    assert page.evaluate("short('🧿'.repeat(3000), 24)") == "🧿" * 23 + "…"
    assert page.evaluate("short('🧿'.repeat(24), 24)") == "🧿" * 24


def drawn(page):
    """Wait until the graphs of a page are drawn."""
    for canvas in page.locator(".canvas").all():
        canvas.locator("canvas").wait_for()


PRESS = """() => {
    for (const part of document.querySelectorAll("details")) part.open = true;
    for (const button of document.querySelectorAll("button")) {
        if (!button.innerText.includes("CSV")) button.click();
    }
    for (const input of document.querySelectorAll("input[type=search], input[type=text]")) {
        for (const typed of ["<", input.list ? input.list.options[0]?.value || "" : ""]) {
            input.value = typed;
            input.dispatchEvent(new Event("input"));
        }
    }
}"""


def press_everything(page):
    """Open, sort, search and choose whatever a page has."""
    page.evaluate(PRESS)
    # the marks of the graph, as far as a pointer finds them
    for canvas in page.locator(".canvas").all():
        size = canvas.bounding_box()
        for across in (0.4, 0.6):
            canvas.click(position={"x": size["width"] * across, "y": size["height"] / 2})


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
    text = page.locator("main").inner_text()
    assert "34 operators look like sockpuppets, 26 of them barely: 23,140 accounts" in text
    assert "Household a few people who live together: score below 0.5, at most 8 members" in text
    assert "q is the share that chance is expected to make" in text
    page.get_by_label("Sockpuppets (34)").uncheck()
    assert set(it.texts(f"{rows} .badge")) == {"■\u00a0Organisation", "◇\u00a0Unclear"}
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
    page.get_by_role("link", name="OP-AAAAAA").first.focus()
    page.keyboard.press("Enter")
    page.locator("h1", has_text="OP-AAAAAA").wait_for()
    assert page.url.endswith("/OP-AAAAAA.html")
    assert page.title().startswith("Operator OP-AAAAAA")
    text = page.locator("main").inner_text()
    for words in (
        "5 accounts share 2 cards (card-A, card-B) and a template.",
        "sign-ups: spread evenly over five days (−0.5 nats)",
        "1 listed member has a confidence below 0.9.",
        "payment card: 2 signals",
        "Sign-ups: 5 sign-ups, at most 1 in a day (2025-03-01).",
        "The most members active in one and the same hour were 2 of 5 (2025-03-01 00:00 UTC).",
        "Nothing is left out.",
        "confirmed as sockpuppets by Ann",
        "No other operator’s members use evidence of this one.",
    ):
        assert words in text, words
    assert it.texts("mark.slot") == ["⟨…⟩", "⟨…⟩"]
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.get_by_role("link", name="All operators").click()
    page.locator("h1", has_text="Operators behind accounts").wait_for()
    page.locator(".listing tbody tr").nth(1).locator("td").last.click()
    page.locator("h1", has_text="OP-BBBBBB").wait_for()
    assert it.troubles == []


def test_twenty_thousand_members(opened):
    it = opened("large", "OP-000000.html")
    page = it.page
    # what a page costs does not grow with the operator
    assert page.locator("*").count() < 4000
    members = page.locator("section", has=page.locator("#members"))
    list_ = members.get_by_role("region", name="List of members")
    assert members.get_by_text("20,000 members").is_visible()
    # the last row is there when it is scrolled to, and few others
    list_.evaluate("node => { node.scrollTop = node.scrollHeight }")
    last = members.locator("tr[aria-rowindex='20001']")
    last.wait_for()
    assert members.locator("tbody tr").count() < 60
    assert list_.evaluate("node => node.querySelector('table').getAttribute('aria-rowcount')") == (
        "20001"
    )
    members.get_by_label("Search accounts").fill("user_00019")
    assert members.get_by_text("1,000 members", exact=True).is_visible()
    members.get_by_label("Search accounts").fill("")
    members.get_by_role("button", name="Account").click()
    first = members.locator("tr[aria-rowindex='2'] th")
    assert first.inner_text() == "user_00000000"
    members.get_by_role("button", name="Account").click()
    assert first.inner_text() == "user_00019999"
    members.get_by_label("Would fall away").check()
    assert "falls away" in members.locator("tr[aria-rowindex='2']").inner_text()
    shown = page.locator(".kind").first
    assert "Shown: 10 of 1,6" in shown.inner_text()
    shown.get_by_role("button", name="Show 100 more").click()
    assert "Shown: 110 of 1,6" in shown.inner_text()
    assert shown.locator("tbody tr").count() == 110
    assert it.troubles == []


def test_members_of_a_signal_are_listed(opened):
    page = opened("small", "OP-AAAAAA.html").page
    page.get_by_role("button", name="List the 3 members that use it").click()
    members = page.locator("section", has=page.locator("#members"))
    assert "Only members that use payment card “card-A”" in members.inner_text()
    listed = members.locator("tbody tr:not(.space) th")
    assert sorted(listed.all_inner_texts()) == ["acc-0", "acc-1", "acc-2"]
    members.get_by_role("button", name="List all members").click()
    assert listed.count() == 5


def test_one_account_and_the_chain_between_two(opened):
    it = opened("small", "OP-AAAAAA.html")
    page = it.page
    members = page.locator("section", has=page.locator("#members"))
    members.get_by_role("button", name="acc-0").click()
    panel = members.locator(".panel")
    assert panel.locator("h3").inner_text() == "What holds acc-0"
    assert "Without payment card “card-A”" in panel.inner_text()
    members.get_by_role("button", name="acc-2").click()
    assert panel.locator("h3").inner_text() == "From acc-0 to acc-2"
    # the card of three before the template of nine
    assert panel.locator("li").all_inner_texts() == [
        "acc-0 — both use payment card card-A (3 members, 0 others) — acc-2",
        "acc-0 — both use prompt template Translate ⟨…⟩ into ⟨…⟩ (5 members, 4 others) — acc-2",
    ]
    members.get_by_label("Second account").fill("nobody")
    assert panel.inner_text().startswith("No account nobody among the listed members")
    assert "What holds acc-0" in panel.inner_text()
    members.get_by_label("Second account").fill(" acc-2 ")
    assert panel.locator("h3").inner_text() == "From acc-0 to acc-2"
    members.get_by_label("First account").fill("")
    members.get_by_label("Second account").fill("")
    assert "Choose an account in the list" in panel.inner_text()
    assert it.troubles == []


@pytest.mark.parametrize("seed", range(4))
def test_chains_are_the_ones_that_explain_finds(opened, tmp_path, seed):
    """The page and `linkage explain` answer alike, on random members and signals."""
    draw = random.Random(seed)
    names = [f"a{n:02}" for n in range(14)]
    kinds = ("payment", "device", "phone")
    signals = [(draw.choice(kinds), f"v{n:02}") for n in range(16)]
    accounts = {name: sorted(set(draw.sample(signals, draw.choice((1, 2))))) for name in names}
    path = write(tmp_path / "case", accounts, {"OP-AAAAAA": names})
    with Case(path) as case:
        rows = [
            (kind, value, n, o, w)
            for kind, value, n, o, w in case.evidence("OP-AAAAAA")[
                ["kind", "value", "members", "others", "weight"]
            ].itertuples(index=False)
        ]
        places = {(kind, value): n for n, (kind, value, *_) in enumerate(rows)}
        held = []
        for name in names:
            own = sorted(places[s] for s in accounts[name] if s in places)
            held.append([b - a for a, b in zip([0, *own], own, strict=False)])
        page = opened("small", "OP-AAAAAA.html").page
        find = """([signals, held, pairs]) => {
            const uses = usesOf({ held });
            const holders = holdersOf(uses, held.length, signals.length);
            const graph = { uses, holders, signals };
            return pairs.map(([a, b]) => chainsBetween(a, b, 3, graph).map(c => c.cost));
        }"""
        pairs = list(itertools.combinations(range(len(names)), 2))
        answered = 0
        for (a, b), costs in zip(pairs, page.evaluate(find, [rows, held, pairs]), strict=True):
            expected = [chain.cost for chain in case.chains(names[a], names[b]).chains]
            # what both have comes in an order of its own
            assert sorted(costs) == pytest.approx(sorted(expected))
            answered += bool(expected)
        assert answered > 10


def test_accounts_that_can_not_be_typed_are_found(opened):
    ranks = {text: len(HOSTILE) - n for n, text in enumerate(HOSTILE)}
    for text in ("line\u2028paragraph\u2029feed\nreturn\rtab\tbell\x07escape\x1b[31m", "__proto__"):
        page = opened("hostile", f"operator-{ranks[text]}.html").page
        members = page.locator("section", has=page.locator("#members"))
        members.locator("tbody button").first.click()
        held = members.locator(".panel h3").inner_text()
        assert held.startswith("What holds ")
        shown = members.get_by_label("First account").input_value()
        members.get_by_label("First account").fill("")
        members.get_by_label("First account").fill(shown)
        assert members.locator(".panel h3").inner_text() == held


def test_graph_opens_a_bundle(opened):
    it = opened("small", "OP-AAAAAA.html")
    page = it.page
    drawn(page)
    section = page.locator("section", has=page.locator("#graph"))
    section.locator("summary").click()
    rows = section.locator("tbody tr")
    assert rows.count() == 4
    row = rows.filter(has=page.locator("td:first-child", has_text="2"))
    row.get_by_role("button").click()
    panel = section.locator(".panel")
    assert "2 accounts with exactly these" in panel.inner_text()
    panel.get_by_role("button", name="List its accounts below").click()
    listed = page.locator("section", has=page.locator("#members")).locator(
        "tbody tr:not(.space) th"
    )
    assert sorted(listed.all_inner_texts()) == ["acc-0", "acc-1"]
    assert it.troubles == []


def test_changes_since_the_run_before(opened):
    it = opened("near", "OP-AAAAAA.html")
    text = it.page.locator("section", has=it.page.locator("#changes")).inner_text()
    for words in (
        "4 accounts that belonged to it in run 1 still do.",
        "1 account came, from: 1 OP-BBBBBB.",
        "1 account left, to: 1 no operator.",
    ):
        assert words in text, words
    it = opened("near", "OP-BBBBBB.html")
    text = it.page.locator("section", has=it.page.locator("#changes")).inner_text()
    assert "It was not found in run 1 under this id." in text
    assert it.troubles == []


def test_map_names_what_ties_operators(opened):
    it = opened("near")
    section = it.page.locator("section", has=it.page.locator("#map"))
    assert "2 operators and 1 tie between them" in section.inner_text()
    section.locator("summary").click()
    tie = "1 signal of 1 kind in common, mostly card, on 3 accounts; 7.0 nats for an average member"
    assert tie in section.inner_text()
    section.get_by_role("link", name="OP-BBBBBB").click()
    it.page.locator("h1", has_text="OP-BBBBBB").wait_for()
    assert it.troubles == []


def test_csv_reads_back_and_holds_no_formula(opened, tmp_path):
    # by score, best first
    ranks = {text: len(HOSTILE) - n for n, text in enumerate(HOSTILE)}
    path = tmp_path / "members.csv"
    for text in ('=HYPERLINK("https://evil.example")', "+1", "@SUM(A1)", "\t=1", "-1+1"):
        it = opened("hostile", f"operator-{ranks[text]}.html")
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
    for name, file in (("near", "index.html"), ("near", "OP-AAAAAA.html")):
        options = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
        page = opened(name, file, **options).page
        drawn(page)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        for account in page.get_by_role("button", name="acc-").all()[:2]:
            account.click()
        page.evaluate(axe)
        faults = page.evaluate("() => axe.run()")["violations"]
        assert [(f["id"], f["nodes"][0]["html"]) for f in faults] == []
        # nothing makes the page itself scroll sideways
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_shows_whole_drawings_and_says_where_to_scroll(opened):
    page = opened("large", "OP-000000.html", viewport={"width": 390, "height": 844}).page
    drawn(page)
    wider = "node => node.scrollWidth - node.clientWidth"
    graph = page.locator("section[aria-labelledby=graph]")
    assert graph.locator(".network .scroll").evaluate(wider) <= 2
    assert not graph.locator(".sideways").is_visible()
    graph.locator("summary").click()
    graph.get_by_role("button", name="Open bundle 1 in the graph").click()
    graph.locator(".sideways").wait_for()
    heights = page.locator(".chart text").evaluate_all(
        "nodes => nodes.map(n => n.getBoundingClientRect().height)"
    )
    assert min(heights) > 10
    members = page.locator("section[aria-labelledby=members]")
    assert members.locator(".sideways").is_visible()
    # the account stays in view while the rest is scrolled
    first = members.locator("tr[aria-rowindex='2'] th")
    left = first.bounding_box()["x"]
    members.locator(".view").evaluate("node => { node.scrollLeft = 400 }")
    assert first.bounding_box()["x"] == pytest.approx(left, abs=1)
    said = "node => getComputedStyle(node, '::before').content"
    assert "towards sockpuppets" in page.locator("td.ways").first.evaluate(said)


def test_print_leaves_controls_out_and_lists_members(opened):
    page = opened("large", "OP-000000.html").page
    page.emulate_media(media="print")
    assert not page.get_by_role("button", name="Save as CSV").is_visible()
    assert page.get_by_text("What speaks against").is_visible()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".long tbody tr").count() == 200
    assert page.get_by_text("The first 200 of 20,000 members are printed").is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.pdf(format="A4").startswith(b"%PDF")
