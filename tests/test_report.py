import base64
import gzip
import hashlib
import itertools
import json
import random
import re
import stat

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_case import HOSTILE, START, hostile, large, make, small

from linkage import report
from linkage.errors import CaseError, InputError
from linkage.report.redaction import Redaction

BLOCK = re.compile(r'<script type="application/json" id="([^"]+)">([^<]*)</script>')


def pages_of(tmp_path, rows, name="case", redact=False):
    """The pages of a report by file name."""
    database = make(tmp_path / f"{name}.duckdb", rows)
    report.write(database, tmp_path / name, redact)
    return {p.name: p.read_text(encoding="utf-8") for p in sorted((tmp_path / name).iterdir())}


def blocks(page):
    return {name: json.loads(text) for name, text in BLOCK.findall(page)}


def data_of(pages, file):
    """The data of an operator's page, and of its members."""
    found = blocks(pages[file])
    return found["operator"], found["members"]


def held(members):
    """Which signals each member holds: the gaps of the data added up."""
    return [list(itertools.accumulate(gaps)) for gaps in members["held"]]


def test_pages_hold_what_the_tables_say(tmp_path):
    pages = pages_of(tmp_path, small())
    assert set(pages) == {"index.html", "OP-AAAAAA.html", "OP-BBBBBB.html"}
    overview = blocks(pages["index.html"])["overview"]
    row = [
        "OP-AAAAAA",
        "sockpuppets",
        0.97,
        5,
        0.004,
        ["payment", "prompt"],
        "2025-03-01 00:00",
        "2025-03-10 00:00",
        "5 accounts share 2 cards (card-A, card-B) and a template.",
        "OP-AAAAAA.html",
    ]
    assert overview["operators"][0] == [*row, "confirmed as sockpuppets"]
    assert overview["operators"][1][-1] is None
    assert overview["found"] == [["sockpuppets", 1, 5], ["household", 1, 3]]
    assert overview["inputs"][0][::2] == ["accounts.csv", 1234567]
    assert overview["rejected"] == [["", "ip", "private address", 3, 40, "10.0.0.1"]]
    assert overview["ignored"] == [["email_domain", "free mail", 1, 900]]
    assert overview["case"] == tmp_path.name
    assert overview["run"] == {"run": 1, "finished": "2025-03-11 00:00", "seed": 7}
    assert overview["chance"] == {"limit": 0.05, "tested": 2, "strong": 1, "expected": 0.0}
    # all accounts, then members of sockpuppets, by day
    assert overview["timeline"]["bars"] == [[1] * 8, [1] * 5 + [0] * 3]

    operator, members = data_of(pages, "OP-AAAAAA.html")
    assert operator["operator"] == row
    assert (operator["place"], operator["of"]) == (0, 2)
    assert operator["scorecard"][0] == ["cards", "2 cards for 5 accounts", 2.0]
    assert operator["signals"] == [
        ["payment", "card-A", 3, 0, 7.0],
        ["prompt", "Translate ⟨…⟩ into ⟨…⟩", 5, 4, 2.5],
        ["payment", "card-B", 2, 1, 6.0],
    ]
    assert operator["timeline"]["bars"][0] == [1, 1, 1, 1, 1]
    assert operator["judgements"] == [
        ["2025-03-01 00:00", "Ann", "confirmed as sockpuppets", "seen before"]
    ]
    # midnights of 1 to 3 March 2025, a Saturday to a Monday: 2, 2 and 1 of the five members
    assert {n: k for n, k in enumerate(operator["hours"]["week"]) if k} == {0: 1, 120: 2, 144: 2}
    assert operator["hours"]["peak"] == ["2025-03-01 00:00", 2]
    assert members["id"] == ["acc-2", "acc-0", "acc-1", "acc-3", "acc-4"]
    assert held(members) == [[0, 1, 2], [0, 1], [0, 1], [1, 2], [1]]
    # acc-4 has the template alone: without its 2.5 nats, the odds of 5 to 4 are left
    assert members["relies_on"] == [0, 0, 0, 2, 1]
    assert members["without"][-1] == round(5 / 9, 4)
    assert operator["relied_on"] == []
    bundles = [n for n, _ in operator["graph"]["bundles"]]
    assert sorted(bundles) == [1, 1, 1, 2]
    assert [bundles[b] for b in members["bundle"]] == [1, 2, 2, 1, 1]


def test_members_that_one_signal_holds_are_counted(tmp_path):
    rows = small()
    # among a hundred more accounts, nothing but evidence makes a member
    rows["accounts"] += [(n, f"other-{n}", None, None, None, 1) for n in range(8, 108)]
    operator, members = data_of(pages_of(tmp_path, rows), "OP-AAAAAA.html")
    assert operator["relied_on"] == [[0, 2], [1, 1], [2, 1]]
    falling = [p < 0.5 for p in members["without"]]
    assert dict(zip(members["id"], falling, strict=True)) == {
        "acc-0": True,  # 9.5 nats, 7 of them from its card
        "acc-1": True,
        "acc-2": False,  # two cards
        "acc-3": True,
        "acc-4": True,
    }


def test_same_bytes_whatever_the_row_order(tmp_path):
    rows = large(members=300, operators=6)
    pages = pages_of(tmp_path, rows)
    shuffled = {name: random.Random(3).sample(some, len(some)) for name, some in rows.items()}
    assert pages_of(tmp_path, shuffled, "other") == pages


def test_readable_by_its_owner_and_an_earlier_one_stays(tmp_path, monkeypatch):
    before = pages_of(tmp_path, small())
    folder = tmp_path / "case"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(report, "_put", broken)
    with pytest.raises(OSError, match="disk full"):
        report.write(tmp_path / "case.duckdb", folder)
    monkeypatch.undo()
    assert {p.name: p.read_text(encoding="utf-8") for p in sorted(folder.iterdir())} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["case", "case.duckdb"]
    report.write(tmp_path / "case.duckdb", folder)
    assert {p.name: p.read_text(encoding="utf-8") for p in sorted(folder.iterdir())} == before


def test_what_is_no_report_is_never_replaced(tmp_path):
    database = make(tmp_path / "case.duckdb", small())
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "thesis.txt").write_text("years")
    with pytest.raises(InputError, match=r'other things in it \(first: "thesis.txt"\).*--out'):
        report.write(database, tmp_path / "desk")
    with pytest.raises(InputError, match="is a file"):
        report.write(database, tmp_path / "desk" / "thesis.txt")
    assert [p.name for p in (tmp_path / "desk").iterdir()] == ["thesis.txt"]


def test_one_operator_as_one_file(tmp_path):
    database = make(tmp_path / "case.duckdb", small())
    path = tmp_path / "to" / "send.html"
    report.write_operator(database, "OP-BBBBBB", path)
    [operator, members] = blocks(path.read_text(encoding="utf-8")).values()
    pages_of(tmp_path, small(), "whole")
    whole = blocks((tmp_path / "whole" / "OP-BBBBBB.html").read_text(encoding="utf-8"))
    # it goes to people who do not have the case
    assert operator == {**whole["operator"], "alone": True, "case": None}
    assert operator["place"] == 1
    assert members == whole["members"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(InputError, match=r'no operator "OP-CCCCCC".*linkage operators'):
        report.write_operator(database, "OP-CCCCCC", path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["send.html"]


def test_policy_admits_our_style_and_scripts_alone(tmp_path):
    for page in pages_of(tmp_path, hostile()).values():
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
        assert policy.startswith("default-src 'none'; ")
        packed = re.search(r'id="library">([^<]*)</script>', page)[1]
        library = gzip.decompress(base64.b64decode(packed))
        assert b"vis-network" in library[:100]
        [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
        [script] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
        digests = [
            base64.b64encode(hashlib.sha256(content).digest()).decode()
            for content in (script.encode(), library, style.encode())
        ]
        assert policy == (
            f"default-src 'none'; script-src 'sha256-{digests[0]}' 'sha256-{digests[1]}'; "
            f"style-src 'sha256-{digests[2]}'; base-uri 'none'; form-action 'none'"
        )
        ours = re.sub(BLOCK, "", page)
        assert not re.search(r"unsafe|https?:(?!//www\.w3\.org/2000/svg)", ours)
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", ours)


def test_hostile_values_stay_inert_and_read_back(tmp_path):
    pages = pages_of(tmp_path, hostile())
    # not one file is named by what somebody typed
    assert set(pages) == {"index.html"} | {f"operator-{n + 1}.html" for n in range(len(HOSTILE))}
    for page in pages.values():
        found = BLOCK.findall(page)
        for _, text in found:
            assert not set(text) & set("<>&\u2028\u2029")
        assert page.count("<script") == len(found) + 2
    ids = {row[0] for row in blocks(pages["index.html"])["overview"]["operators"]}
    assert ids == {t if len(t) <= 200 else f"{t[:200]}… ({len(t) - 200:,} more characters)"
                   for t in HOSTILE}  # fmt: skip


def test_empty_case(tmp_path):
    pages = pages_of(tmp_path, {})
    assert set(pages) == {"index.html"}
    overview = blocks(pages["index.html"])["overview"]
    assert overview["operators"] == []
    assert overview["chance"]["tested"] == 0


def test_values_that_are_missing(tmp_path):
    rows = small()
    rows["operators"] = [(name, None, None, None, None, None, None, None, None)
                         for name, *_ in rows["operators"]]  # fmt: skip
    rows["members"] = [(n, name, op, None, None, None, None) for n, name, op, *_ in rows["members"]]
    rows["scorecard"] = [("OP-AAAAAA", None, None, float("nan"))]
    pages = pages_of(tmp_path, rows)
    overview = blocks(pages["index.html"])["overview"]
    assert overview["operators"][0][1:9] == [None, None, None, None, [], None, None, ""]
    operator, members = data_of(pages, "OP-AAAAAA.html")
    assert operator["scorecard"] == [[None, "", None]]
    assert members["confidence"] == members["without"] == [None] * 5


def test_no_case(tmp_path):
    with pytest.raises(CaseError, match=r"absent\.duckdb can't be opened .* linkage run INPUT"):
        report.write(tmp_path / "absent.duckdb", tmp_path / "report")
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    with pytest.raises(CaseError, match=r"has no table accounts, activity, .* Make the case anew"):
        report.write(tmp_path / "other.duckdb", tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_large_case_is_compact(tmp_path):
    pages = pages_of(tmp_path, large())
    assert max(len(page.encode()) for page in pages.values()) < 10_000_000
    operator, members = data_of(pages, "OP-000000.html")
    assert len(members["id"]) == 20_000
    assert {n for n, _ in operator["graph"]["bundles"]} != {1}
    assert len(operator["graph"]["signals"]) + len(operator["graph"]["bundles"]) <= 60


def test_what_a_page_can_not_hold_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("linkage.report.operator.MEMBERS", 100)
    monkeypatch.setattr("linkage.report.operator.HELD", 1)
    monkeypatch.setattr("linkage.report.tables.PAGES", 4)
    rows = large(members=300, operators=6)
    pages = pages_of(tmp_path, rows)
    assert len(pages) == 5
    operators = blocks(pages["index.html"])["overview"]["operators"]
    assert [row[9] is None for row in operators] == [False] * 4 + [True] * 2
    operator, members = data_of(pages, "OP-000000.html")
    assert operator["operator"][3] == 300
    assert len(members["id"]) == 100
    sure = sorted((row[4] for row in rows["members"] if row[2] == "OP-000000"), reverse=True)
    assert members["confidence"] == [min(round(p, 4), 0.9999) for p in sure[:100]]
    assert max(map(len, members["held"])) <= 8


def test_what_changed_since_the_run_before(tmp_path):
    rows = small()
    was = {0: "OP-AAAAAA", 1: "OP-AAAAAA", 2: "OP-OLDOLD", 5: "OP-AAAAAA", 6: "OP-BBBBBB"}
    rows["memberships"] = [
        # acc-0, acc-1 and acc-6 stay, acc-5 changes hands, acc-9 is in none any more
        ("acc-0", "OP-AAAAAA", 1, 3),
        ("acc-6", "OP-BBBBBB", 2, 3),
        ("acc-9", "OP-AAAAAA", 2, 2),
        *((f"acc-{n}", name, 2, 2) for n, name in was.items() if n not in (0, 6)),
        *((f"acc-{n}", "OP-AAAAAA", 3, 3) for n in (1, 2, 3, 4)),
        *((f"acc-{n}", "OP-BBBBBB", 3, 3) for n in (5, 7)),
        ("acc-8", "OP-AAAAAA", 1, 1),
    ]
    rows["run_operators"] = [
        (1, "OP-AAAAAA", "unclear", 0.5, 2),
        (2, "OP-AAAAAA", "sockpuppets", 0.9, 4),
        (3, "OP-AAAAAA", "sockpuppets", 0.97, 5),
        (3, "OP-BBBBBB", "household", 0.2, 3),
    ]
    rows["aliases"] = [("OP-OLDOLD", "OP-AAAAAA", 3)]
    rows["judgements"].append(
        (2, START, "Bo", "operator", "OP-OLDOLD", None, "unsure", "by its old id", 3)
    )
    pages = pages_of(tmp_path, rows)
    operator, _ = data_of(pages, "OP-AAAAAA.html")
    nobody = {"all": 0, "none": 0, "operators": [], "more": 0}
    assert operator["changes"] == {
        "run": 3,
        "runs": [[1, "unclear", 2, 0.5], [2, "sockpuppets", 4, 0.9], [3, "sockpuppets", 5, 0.97]],
        "stayed": 2,
        "came": {"all": 3, "none": 2, "operators": [["OP-OLDOLD", 1]], "more": 0},
        "left": {"all": 2, "none": 1, "operators": [["OP-BBBBBB", 1]], "more": 0},
    }
    assert [j[1] for j in operator["judgements"]] == ["Ann", "Bo"]
    operator, _ = data_of(pages, "OP-BBBBBB.html")
    assert operator["changes"]["stayed"] == 1
    assert operator["changes"]["came"]["operators"] == [["OP-AAAAAA", 1]]
    assert operator["changes"]["left"] == nobody


def test_batches_change_nothing(tmp_path, monkeypatch):
    rows = large(members=300, operators=6)
    pages = pages_of(tmp_path, rows)
    monkeypatch.setattr("linkage.report.tables.BATCH", 1)
    assert pages_of(tmp_path, rows, "other") == pages


def test_redacted_values_are_gone_but_still_match(tmp_path):
    rows = small()
    rows["rejected"] = [("", "payment", "placeholder", 1, 1, "card-A")]
    rows["scorecard"].append(
        ("OP-AAAAAA", "mail", "all at corp.example, first bo@corp.example", 0.1)
    )
    rows["accounts"][0] = (0, "ann@corp.example", *rows["accounts"][0][2:])
    rows["members"][0] = (0, "ann@corp.example", *rows["members"][0][2:])
    pages = pages_of(tmp_path, rows, redact=True)
    for raw in ("card-A", "card-B", "198.51.100.7", "corp.example", "Ann", "gmail.com"):
        for page in pages.values():
            assert raw not in "".join(text for _, text in BLOCK.findall(page)), raw
    overview = blocks(pages["index.html"])["overview"]
    operator, members = data_of(pages, "OP-AAAAAA.html")
    assert overview["redacted"] == operator["redacted"]
    assert "templates, which may hold names" in overview["redacted"]
    assert overview["case"] is operator["case"] is None
    # one value has one mask, in a sentence and on another page too
    assert operator["signals"][0][1] in overview["operators"][0][8]
    assert overview["rejected"][0][5] == operator["signals"][0][1]
    assert operator["signals"][1][1] == "Translate ⟨…⟩ into ⟨…⟩"
    assert "acc-2" in members["id"]
    again, _ = data_of(pages_of(tmp_path, rows, "again", redact=True), "OP-AAAAAA.html")
    assert again["signals"][0][1] != operator["signals"][0][1]


def test_redacted_notes_are_left_out_unless_asked_for(tmp_path):
    rows = small()
    note = "Maria Lopez of Acme called us"
    said = f"confirmed as sockpuppets by Ann Bo on 2025-03-02: {note}"
    rows["scorecard"].append(("OP-AAAAAA", "judgement", said, 6.0))
    like = f"resembles OP-AAAAAA, which Ann Bo confirmed as sockpuppets on 2025-03-02: {note}"
    rows["scorecard"].append(("OP-BBBBBB", "judgement", like, 6.0))
    name, *others, _ = rows["operators"][0]
    rows["operators"][0] = (name, *others, f"5 accounts share 2 cards; {said}.")
    rows["judgements"] = [
        (1, START, "Ann Bo", "operator", name, "sockpuppets", "confirmed", note, 1),
        (2, START, "Ann Bo", "operator", "OP-BBBBBB", None, "dismissed", None, 1),
    ]
    rows["signals"].append((5, "ip", "198.51.100.8", None, 2, f"allowed: {note}"))
    database = make(tmp_path / "case.duckdb", rows)
    found = {}
    for name, choice in (("plain", {}), ("out", {"redact": True}),
                         ("in", {"redact": True, "notes": True})):  # fmt: skip
        report.write(database, tmp_path / name, **choice)
        pages = sorted((tmp_path / name).glob("*.html"))
        texts = [text for p in pages for _, text in BLOCK.findall(p.read_text(encoding="utf-8"))]
        found[name] = "".join(texts)
    count = found["plain"].count("Maria Lopez")
    assert [found[name].count("Maria Lopez") for name in ("out", "in")] == [0, count]
    assert count == 6
    assert "Ann" not in found["out"] + found["in"]
    mask = re.search(r"confirmed as sockpuppets by (masked-\w+) on 2025-03-02", found["out"])[1]
    assert f'"{mask}","confirmed as sockpuppets",""' in found["out"]
    assert '"allowed"' in found["out"]


def test_operators_that_share_are_near(tmp_path):
    rows = small()
    # two of the three at home use the cards' operator's template, one its card A
    rows["edges"] += [(5, 3, START, START, 1), (6, 3, START, START, 1), (6, 1, START, START, 1)]
    pages = pages_of(tmp_path, rows)
    operator, _ = data_of(pages, "OP-AAAAAA.html")
    [near] = operator["near"]
    name, verdict, accounts, file, score, signals, users, strongest, nats = near
    assert (name, verdict, accounts, file) == ("OP-BBBBBB", "household", 3, "OP-BBBBBB.html")
    assert score == 0.2
    assert (signals, users) == (2, 2)
    assert operator["signals"][strongest][1] == "card-A"
    assert nats == round((2.5 + 2.5 + 7.0) / 3, 2)
    assert data_of(pages, "OP-BBBBBB.html")[0]["near"] == []
    drawn = blocks(pages["index.html"])["overview"]["map"]
    assert [o[0] for o in drawn["operators"]] == [0, 1]
    assert drawn["ties"] == [[0, 1, 4.0, 2, "payment", 2, 2, 12.0]]


def test_the_map_draws_what_is_grave_before_what_is_strong(tmp_path, monkeypatch):
    rows = small()
    rows["edges"] += [(5, 3, START, START, 1), (6, 3, START, START, 1)]
    # two offices with one address: more nats for each, but nobody looks for them
    rows["signals"].append((5, "ip", "198.51.100.9", None, 4, None))
    for n, name in ((8, "OP-CCCCCC"), (10, "OP-DDDDDD")):
        rows["operators"].append((name, "organisation", 0.1, 2, 0.0, "ip", None, None, "an office"))
        for account in (n, n + 1):
            rows["accounts"].append((account, f"acc-{account}", None, None, None, 1))
            rows["members"].append((account, f"acc-{account}", name, "organisation", 0.99, 9.0, 1))
            rows["edges"].append((account, 5, None, None, 1))
        rows["evidence"].append((name, 5, "ip", "198.51.100.9", 2, 2, 9.0))
    pages = pages_of(tmp_path, rows)
    drawn = blocks(pages["index.html"])["overview"]["map"]
    assert [tie[2] for tie in drawn["ties"]] == [1.67, 9.0]
    monkeypatch.setattr("linkage.report.map.OPERATORS", 3)
    drawn = blocks(pages_of(tmp_path, rows, "fewer")["index.html"])["overview"]["map"]
    assert [place for place, _, _ in drawn["operators"]] == [0, 1]
    assert (drawn["ties_left"], drawn["operators_left"]) == (1, 2)


@given(
    st.ip_addresses().map(str) | st.emails() | st.from_regex(r"\A\+[1-9][0-9]{10}\Z"),
    st.sampled_from(["prompt", "user_agent", "ip", "email", "anything"]),
)
def test_nothing_that_names_a_person_is_left(value, kind):
    redaction = Redaction(True, key=b"k")
    assert value not in redaction.value(kind, f"from {value} on")
    assert value not in redaction.sentence(f"first {value}, then others", [value])
    assert value not in redaction.account(value)
    assert Redaction(False).value(kind, value) == value


def test_dates_and_counts_stay_in_redacted_sentences():
    sentence = "20,500 accounts signed up from 2025-03-05 to 2025-04-01; 61.5% share 3 cards."
    assert Redaction(True).sentence(sentence) == sentence
