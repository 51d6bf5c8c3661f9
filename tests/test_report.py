import base64
import hashlib
import json
import random
import re
import stat

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_case import HOSTILE, hostile, large, make, small

from linkage import report
from linkage.errors import CaseError
from linkage.report import graph, timeline
from linkage.report.redaction import Redaction

BLOCK = re.compile(r'<script type="application/json" id="([^"]+)">([^<]*)</script>')


def page_of(tmp_path, rows, name="case", redact=False):
    database = make(tmp_path / f"{name}.duckdb", rows)
    report.write(database, tmp_path / name, redact)
    return (tmp_path / name / "index.html").read_text(encoding="utf-8")


def blocks(page):
    return {name: json.loads(text) for name, text in BLOCK.findall(page)}


def test_page_holds_what_the_tables_say(tmp_path):
    data = blocks(page_of(tmp_path, small()))
    overview = data["overview"]
    assert overview["operators"][0] == [
        "OP-AAAAAA",
        "sockpuppets",
        0.97,
        5,
        0.004,
        ["payment", "prompt"],
        "2025-03-01 00:00",
        "2025-03-10 00:00",
        "5 accounts share 2 cards (card-A, card-B) and a template.",
    ]
    assert overview["found"] == [["sockpuppets", 1, 5], ["household", 1, 3]]
    assert overview["inputs"][0][::2] == ["accounts.csv", 1234567]
    assert overview["rejected"] == [["", "ip", "private address", 3, 40, "10.0.0.1"]]
    assert overview["ignored"] == [["email_domain", "free mail", 1, 900]]
    assert overview["run"] == {"run": 1, "finished": "2025-03-11 00:00", "seed": 7}
    assert overview["chance"] == {"limit": 0.05, "tested": 2, "strong": 1, "expected": 0.0}

    first = data["operator-0"]
    assert first["scorecard"][0] == ["cards", "2 cards for 5 accounts", 2.0]
    assert [s[1] for s in first["signals"]] == ["card-A", "Translate ⟨…⟩ into ⟨…⟩", "card-B"]
    assert first["members"]["id"] == ["acc-2", "acc-0", "acc-1", "acc-3", "acc-4"]
    # of acc-2's signals the heaviest two, as positions in the list of signals
    assert first["members"]["signals"][:2] == [0, 2]
    assert first["members"]["signals"][-2:] == [1, -1]
    assert first["held_by_one"] == 1
    assert first["timeline"]["bars"][0] == [1, 1, 1, 1, 1]
    assert first["judgements"] == [["2025-03-01 00:00", "Ann", "confirmed", "seen before"]]
    bundles = {tuple(sorted(b)): n for n, b in first["graph"]["bundles"]}
    assert sum(bundles.values()) == 5
    assert len(bundles) == 4


def test_same_bytes_whatever_the_row_order(tmp_path):
    rows = large(members=300, operators=6)
    page = page_of(tmp_path, rows)
    shuffled = {name: random.Random(3).sample(some, len(some)) for name, some in rows.items()}
    assert page_of(tmp_path, shuffled, "other") == page


def test_one_file_readable_by_its_owner_and_an_earlier_one_stays(tmp_path, monkeypatch):
    page_of(tmp_path, small())
    path = tmp_path / "case" / "index.html"
    assert [p.name for p in path.parent.iterdir()] == ["index.html"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(report.os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        report.write(tmp_path / "case.duckdb", path.parent)
    assert [p.name for p in path.parent.iterdir()] == ["index.html"]
    assert path.read_bytes() == before


def test_policy_admits_this_style_and_script_alone(tmp_path):
    page = page_of(tmp_path, hostile())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert policy.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r"unsafe|https?:(?!//www\.w3\.org/2000/svg)", re.sub(BLOCK, "", page))
    assert "innerHTML" not in page


def test_hostile_values_stay_inert_and_read_back(tmp_path):
    page = page_of(tmp_path, hostile())
    found = BLOCK.findall(page)
    assert len(found) == 1 + len(HOSTILE)
    for _, text in found:
        assert not set(text) & set("<>&\u2028\u2029")
    assert page.count("<script") == len(found) + 1
    ids = {row[0] for row in blocks(page)["overview"]["operators"]}
    assert ids == {t if len(t) <= 200 else f"{t[:200]}… ({len(t) - 200:,} more characters)"
                   for t in HOSTILE}  # fmt: skip


def test_empty_case(tmp_path):
    data = blocks(page_of(tmp_path, {}))
    assert data["overview"]["operators"] == []
    assert data["overview"]["chance"]["tested"] == 0


def test_values_that_are_missing(tmp_path):
    rows = small()
    rows["operators"] = [(name, None, None, None, None, None, None, None, None)
                         for name, *_ in rows["operators"]]  # fmt: skip
    rows["members"] = [(n, name, op, None, None, None, None) for n, name, op, *_ in rows["members"]]
    rows["scorecard"] = [("OP-AAAAAA", None, None, float("nan"))]
    data = blocks(page_of(tmp_path, rows))
    assert data["overview"]["operators"][0][1:] == [None, None, None, None, [], None, None, ""]
    assert data["operator-0"]["scorecard"] == [[None, "", None]]
    assert data["operator-0"]["members"]["confidence"] == [None] * 5


def test_no_case(tmp_path):
    with pytest.raises(CaseError, match=r"absent\.duckdb can't be opened .* linkage run INPUT"):
        report.write(tmp_path / "absent.duckdb", tmp_path / "report")
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    with pytest.raises(CaseError, match=r"has no table accounts, activity, .* Make the case anew"):
        report.write(tmp_path / "other.duckdb", tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_what_is_not_listed_is_counted(tmp_path):
    rows = small()
    cards = [(10 + n, "payment", f"card-{n:03}", None, 2, None) for n in range(300)]
    rows["signals"] += cards
    rows["evidence"] += [("OP-AAAAAA", s, kind, v, 2, 0, 1.0) for s, kind, v, *_ in cards]
    detail = blocks(page_of(tmp_path, rows))["operator-0"]
    assert detail["kinds"] == [["payment", 302], ["prompt", 1]]
    assert sum(s[0] == "payment" for s in detail["signals"]) == 100


def test_large_case_is_compact(tmp_path):
    page = page_of(tmp_path, large())
    assert len(page.encode()) < 10_000_000
    detail = blocks(page)["operator-0"]
    assert len(detail["members"]["id"]) == 20_000
    assert {n for n, _ in detail["graph"]["bundles"]} != {1}
    assert len(detail["graph"]["signals"]) + len(detail["graph"]["bundles"]) <= 60


def test_members_beyond_the_budget_are_left_to_the_list(tmp_path, monkeypatch):
    monkeypatch.setattr("linkage.report.data.MEMBERS_LISTED", 310)
    monkeypatch.setattr("linkage.report.data.FEWEST", 3)
    monkeypatch.setattr("linkage.report.data.OPERATORS_DETAILED", 4)
    data = blocks(page_of(tmp_path, large(members=300, operators=6)))
    assert len(data["operator-0"]["members"]["id"]) == 300
    assert len(data["operator-1"]["members"]["id"]) == 10
    assert len(data["operator-2"]["members"]["id"]) == 3
    assert "operator-4" not in data
    assert len(data["overview"]["operators"]) == 6


def test_redacted_values_are_gone_but_still_match(tmp_path):
    rows = small()
    rows["rejected"] = [("", "payment", "placeholder", 1, 1, "card-A")]
    rows["scorecard"].append(
        ("OP-AAAAAA", "mail", "all at corp.example, first bo@corp.example", 0.1)
    )
    rows["accounts"][0] = (0, "ann@corp.example", *rows["accounts"][0][2:])
    rows["members"][0] = (0, "ann@corp.example", *rows["members"][0][2:])
    page = page_of(tmp_path, rows, redact=True)
    for raw in ("card-A", "card-B", "198.51.100.7", "corp.example", "Ann", "gmail.com"):
        assert raw not in "".join(text for _, text in BLOCK.findall(page)), raw
    data = blocks(page)
    first = data["operator-0"]
    assert data["overview"]["redacted"] is True
    assert first["signals"][0][1] in data["overview"]["operators"][0][8]
    assert data["overview"]["rejected"][0][5] == first["signals"][0][1]
    assert first["signals"][1][1] == "Translate ⟨…⟩ into ⟨…⟩"
    assert "acc-2" in first["members"]["id"]
    other = blocks(page_of(tmp_path, rows, "again", redact=True))
    assert other["operator-0"]["signals"][0][1] != first["signals"][0][1]


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


BUNDLES = st.dictionaries(st.integers(1, 2**20 - 1), st.integers(1, 5000), min_size=1, max_size=120)


@given(BUNDLES, st.integers(0, 100))
def test_drawing_accounts_for_everyone(bundles, without):
    signals = max(bundles).bit_length()
    accounts = sum(bundles.values()) + without
    drawing = graph.draw(bundles, signals, accounts)
    drawn = sum(n for n, _ in drawing.bundles)
    assert drawn + drawing.accounts_left + drawing.accounts_without == accounts
    assert 1 <= len(drawing.bundles) <= graph.BUNDLES
    assert len(set(drawing.signals)) == len(drawing.signals) <= graph.SIGNALS
    used = {signal for _, held in drawing.bundles for signal in held}
    assert used == set(range(len(drawing.signals)))
    assert graph.draw(dict(reversed(bundles.items())), signals, accounts) == drawing


DAYS = st.dictionaries(st.integers(-700_000, 2_900_000), st.integers(1, 1000), max_size=60)


@given(DAYS, DAYS)
def test_timeline_counts_every_day(signups, activity):
    time = timeline.bars([signups, activity])
    if time is None:
        assert not signups
        assert not activity
        return
    for n, days in enumerate((signups, activity)):
        assert time["totals"][n] == sum(days.values())
        assert sum(time["bars"][n]) + time["early"][n] + time["late"][n] == time["totals"][n]
        assert len(time["bars"][n]) <= timeline.BARS
        assert time["early"][n] + time["late"][n] <= time["totals"][n]


def test_stray_dates_do_not_squash_a_timeline():
    days = {20_000 + n: 100 for n in range(30)} | {0: 1}
    time = timeline.bars([days])
    assert (time["start"], time["step"], time["early"], time["late"]) == (20_000, 1, [1], [0])
