from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cases import Typed, write
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]
from sklearn.metrics.cluster import pair_confusion_matrix  # type: ignore[import-untyped]

from linkage.errors import CaseError, InputError
from linkage.evaluate import Evaluation, Spread, evaluate, over_seeds, score
from linkage.evaluate.spread import spread

KINDS = {"office": "office", "home": "household"}


def population(
    rows: list[tuple[str, str | None, str | None, str, float]], kinds: dict[str, str] | None = None
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Rows of account, operator of the truth, operator of the case, verdict, confidence."""
    truth = {"account_id": [r[0] for r in rows], "operator": [r[1] for r in rows]}
    if kinds is not None:
        truth["kind"] = [kinds.get(r[0], "single") for r in rows]
    members = [r for r in rows if r[2] is not None]
    names = sorted({r[2] for r in members if r[2]})
    return (
        pa.table(
            {
                "account_id": pa.array([r[0] for r in members], pa.string()),
                "operator_id": pa.array([r[2] for r in members], pa.string()),
                "verdict": pa.array([r[3] for r in members], pa.string()),
                "confidence": pa.array([r[4] for r in members], pa.float64()),
            }
        ),
        pa.table(
            {
                "operator_id": pa.array(names, pa.string()),
                "q_value": pa.array([0.01] * len(names), pa.float64()),
            }
        ),
        pa.table(truth),
    )


def known() -> Evaluation:
    rows: list[tuple[str, str | None, str | None, str, float]] = []
    # found: 9 of 10, all of them right
    rows += [(f"a{i}", "big", "OP-A" if i else None, "sockpuppets", 0.9) for i in range(10)]
    # not found: its match holds as many strangers
    rows += [(f"b{i}", "ring", "OP-B", "sockpuppets", 0.7) for i in range(5)]
    rows += [(f"s{i}", None, "OP-B", "sockpuppets", 0.7) for i in range(5)]
    # an office called sockpuppets, another called what it is
    rows += [(f"o{i}", None, "OP-C", "sockpuppets", 0.8) for i in range(4)]
    rows += [(f"p{i}", None, "OP-D", "organisation", 0.8) for i in range(6)]
    rows += [(f"h{i}", None, None, "", 0.0) for i in range(985)]
    kinds = {f"o{i}": "office" for i in range(4)} | {f"p{i}": "office" for i in range(6)}
    kinds |= {f"a{i}": "hydra" for i in range(10)} | {f"b{i}": "ring" for i in range(5)}
    return evaluate(*population(rows, kinds))


def test_known_figures() -> None:
    e = known()
    assert (e.accounts, e.honest, e.fraudulent, e.members) == (1015, 1000, 15, 29)
    assert (e.accused, e.accused_per_100000) == (9, 900.0)
    assert (e.accused_outside_organisations, e.accused_outside_organisations_per_100000) == (5, 500)
    assert e.accounts_found == pytest.approx(14 / 15)
    assert (e.operators_of_10, e.operators_of_10_found) == (1, 1)
    assert (e.operators_of_5, e.operators_of_5_found) == (2, 1)
    assert e.operators[1].precision == 0.5
    assert e.operators[1].recall == 1.0
    # OP-B is half one operator: not mostly; OP-C is none
    assert (e.significant_operators, e.significant_operators_false) == (3, 2)
    assert [f.operator_id for f in e.false_operators] == ["OP-B", "OP-C"]
    assert e.false_operators[1].kinds == "4 office"
    by_kind = {k.kind: k for k in e.honest_kinds}
    assert by_kind["office"].accused == 4
    assert by_kind["office"].per_100000 == 40_000
    assert by_kind["office"].in_any_operator == 10
    assert {k.kind: (k.found, k.operators) for k in e.operator_kinds} == {
        "hydra": (1, 1),
        "ring": (0, 1),
    }


def test_calibration_counts_who_belongs_to_what_the_operator_mostly_is() -> None:
    e = known()
    bins = {b.low: (b.members, b.belonging) for b in e.calibration}
    assert bins == {0.7: (10, 0.0), 0.8: (4, 0.0), 0.9: (9, 1.0)}
    assert e.calibration_error == pytest.approx((10 * 0.7 + 4 * 0.8 + 9 * 0.1) / 23)


def test_text_says_what_counts() -> None:
    text = known().text()
    assert "Honest accused, per 100,000" in text
    assert "500.0 (5); with organisations 900.0 (9)" in text
    assert "1 of 2, 1 as sockpuppets" in text
    assert "OP-C" in text


def test_verdict_decides_what_is_found_as_sockpuppets() -> None:
    rows = [(f"a{i}", "x", "OP-A", "unclear", 0.9) for i in range(10)]
    e = evaluate(*population([*rows, ("h", None, None, "", 0.0)]))
    assert (e.operators_of_10_found, e.operators_of_10_found_as_sockpuppets) == (1, 0)
    assert (e.accounts_found, e.accounts_found_any_verdict) == (0.0, 1.0)
    assert e.any_verdict.bcubed_f1 == 1.0


def test_truth_without_kinds_leaves_figures_out_and_says_so() -> None:
    e = evaluate(*population([("a", "x", "OP-A", "sockpuppets", 1.0), ("b", None, None, "", 0)]))
    assert e.accused_outside_organisations is None
    assert e.honest_kinds == ()
    assert any("no column kind" in note for note in e.notes)
    assert "0.0 (0)" in e.text()


def test_nothing_found_is_an_answer() -> None:
    e = evaluate(*population([("a", "x", None, "", 0.0), ("b", None, None, "", 0.0)]))
    assert e.accounts_found == 0
    assert e.sockpuppets.pair_precision is None
    assert e.calibration_error is None
    assert e.as_dict()["operators"][0]["recall"] == 0


groupings = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from(["sockpuppets", "unclear"])),
    min_size=2,
    max_size=40,
).filter(lambda rows: any(t for t, _, _ in rows))


@settings(max_examples=25, deadline=None)
@given(groupings)
def test_agreement_matches_oracles(drawn: list[tuple[int, int, str]]) -> None:
    if all(guess == 0 for _, guess, _ in drawn):
        return
    rows = [
        (f"a{i}", f"t{t}" if t else None, f"OP-{g}" if g else None, "sockpuppets", 0.5)
        for i, (t, g, _) in enumerate(drawn)
    ]
    e = evaluate(*population(rows))
    # honest accounts and accounts left out are groups of one
    true = [r[1] or f"alone-{r[0]}" for r in rows]
    guess = [r[2] or f"alone-{r[0]}" for r in rows]
    (_, false), (missed, both) = pair_confusion_matrix(true, guess) / 2
    if both + false:
        assert e.any_verdict.pair_precision == pytest.approx(both / (both + false))
    if both + missed:
        assert e.any_verdict.pair_recall == pytest.approx(both / (both + missed))
    precision, recall = bcubed(true, guess, [bool(r[1] or r[2]) for r in rows])
    assert e.any_verdict.bcubed_precision == pytest.approx(precision)
    assert e.any_verdict.bcubed_recall == pytest.approx(recall)
    assert e.sockpuppets == e.any_verdict


def test_figures_are_the_same_in_any_order_of_the_rows() -> None:
    rows = [
        (f"a{i}", f"t{i * i % 97}" if i % 3 else None, f"OP-{i % 89}", "sockpuppets", 1 / (i + 2))
        for i in range(3_000)
    ]
    assert evaluate(*population(rows)) == evaluate(*population(rows[::-1]))


def bcubed(true: list[str], guess: list[str], counted: list[bool]) -> tuple[float, float]:
    """B-cubed by its definition, account by account."""
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for t, g in zip(true, guess, strict=True):
        members[g][t] += 1
    sizes = Counter(true)
    cells = [members[g][t] for t, g in zip(true, guess, strict=True)]
    precision = [n / members[g].total() for n, g in zip(cells, guess, strict=True)]
    recall = [n / sizes[t] for n, t in zip(cells, true, strict=True)]
    chosen = [i for i, use in enumerate(counted) if use]
    return (
        sum(precision[i] for i in chosen) / len(chosen),
        sum(recall[i] for i in chosen) / len(chosen),
    )


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "members.csv").write_text(
        "account_id,operator_id,verdict,confidence\n"
        "'=007,OP-A,sockpuppets,0.99\n'-x,OP-A,sockpuppets,0.98\n007,OP-A,sockpuppets,0.97\n"
    )
    (folder / "operators.csv").write_text(
        "operator_id,verdict,score,accounts,q_value\nOP-A,sockpuppets,0.9,3,0.001\n"
    )
    return folder


def test_score_reads_neutralised_cells_and_keeps_ids_text(case: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("Account_ID,Operator\n=007,x\n-x,x\n007,x\n8,\n")
    e = score(case, truth)
    assert e.members_without_truth == 0
    assert e.accounts_found == 1.0


def test_score_reads_ids_as_they_are_from_a_database(tmp_path: Path) -> None:
    """A csv can't tell an id that begins with a quote from one that was neutralised."""
    accounts = {name: [("payment", "card")] for name in ("'=1", "=1", "=2", "plain")}
    out = write(tmp_path / "case", accounts, {"OP-AAA111": list(accounts)})
    pq.write_table(
        pa.table({"account_id": list(accounts), "operator": ["x"] * 4}), tmp_path / "truth.parquet"
    )
    (out / "members.csv").unlink()
    e = score(out, tmp_path / "truth.parquet")
    assert (e.members, e.members_without_truth, e.accounts_found) == (4, 0, 1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("account,operator\na,x\n", "account_id is missing"),
        ("account_id,owner\na,x\n", "operator is missing"),
        ("account_id,operator\nzzz,x\n", "none of its 1 accounts"),
        ("account_id,operator\n007,x\n007,y\n", 'found "007" 2 times'),
        ("account_id,operator\n", "expected a row for each account, found none"),
    ],
)
def test_bad_truth_is_refused(case: Path, tmp_path: Path, text: str, message: str) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text(text)
    with pytest.raises(InputError, match=message):
        score(case, truth)


def test_missing_files(case: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        score(case, tmp_path / "none.csv")
    with pytest.raises(CaseError, match=r"linkage run INPUT\.\.\. --out"):
        score(tmp_path, tmp_path / "none.csv")
    with pytest.raises(CaseError, match="no such case, and no such table of members"):
        score(tmp_path / "members.csv", tmp_path / "none.csv")


def test_binary_truth_is_refused(case: Path, tmp_path: Path) -> None:
    for name in ("truth.csv", "truth.parquet"):
        path = tmp_path / name
        path.write_bytes(bytes(range(256)) * 20)
        with pytest.raises(InputError, match=name):
            score(case, path)


class TestAnyTool:
    """A table of members from elsewhere is scored as a case is."""

    TRUTH = "account_id,operator,kind\n" + "".join(
        [f"a{i},x,ring\n" for i in range(6)] + [f"h{i},,household\n" for i in range(4)]
    )

    def scored(self, folder: Path, members: str, min_size: int = 2) -> Evaluation:
        (folder / "truth.csv").write_text(self.TRUTH)
        (folder / "members.csv").write_text(members)
        return score(folder / "members.csv", folder / "truth.csv", min_size)

    def test_ids_alone_will_do(self, tmp_path: Path) -> None:
        rows = "".join(f"a{i},1\n" for i in range(6)) + "h0,2\nh1,2\nh2,3\nh3,\n"
        e = self.scored(tmp_path, "Account_ID, operator_id\n" + rows)
        assert (e.members, e.accused, e.accounts_found) == (8, 2, 1.0)
        assert (e.accusing_operators, e.accusing_operators_false) == (2, 1)
        assert e.calibration == ()
        text = e.text()
        assert "Left out, for fewer than 2 accounts: operators 1, accounts 1." in text
        assert "No operator has a q-value" in text
        assert [(a.account_id, a.kind, a.of) for a in e.accused_accounts] == [
            ("h0", "household", None),
            ("h1", "household", None),
        ]

    def test_small_operators_can_be_left_out(self, tmp_path: Path) -> None:
        rows = "".join(f"a{i},1\n" for i in range(6)) + "h0,2\nh1,2\n"
        e = self.scored(tmp_path, "account_id,operator_id\n" + rows, min_size=5)
        assert (e.members, e.accused) == (6, 0)

    def test_verdicts_and_confidences_are_used_if_there_are_any(self, tmp_path: Path) -> None:
        rows = "".join(f"a{i},1,sockpuppets,0.8\n" for i in range(6))
        rows += "h0,2,household,0.9\nh1,2,household,0.9\n"
        e = self.scored(tmp_path, "account_id,operator_id,verdict,confidence\n" + rows)
        assert (e.accused, e.accounts_found) == (0, 1.0)
        assert e.calibration_error == pytest.approx(0.2)

    def test_parquet_and_tab_separated(self, tmp_path: Path) -> None:
        (tmp_path / "truth.csv").write_text(self.TRUTH)
        members = pa.table({"account_id": ["a0", "a1"], "operator_id": [7, 7]})
        pq.write_table(members, tmp_path / "members.parquet")
        (tmp_path / "members.tsv").write_text("account_id\toperator_id\na0\t7\na1\t7\n")
        for name in ("members.parquet", "members.tsv"):
            assert score(tmp_path / name, tmp_path / "truth.csv").members == 2

    def test_a_missing_column_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"members\.csv.*operator_id is missing.*cluster"):
            self.scored(tmp_path, "account_id,cluster\na0,1\n")


class TestOverSeeds:
    def test_means_and_intervals_are_those_of_scipy(self) -> None:
        for values in ([0.2, 0.5], [0.31, 0.35, 0.4, 0.2], [0.5 + i / 100 for i in range(12)]):
            s = spread(values, most=1e9)
            low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
            assert s.mean == pytest.approx(np.mean(values))
            assert (s.low, s.high) == (
                pytest.approx(max(0, low), abs=2e-4),
                pytest.approx(high, abs=2e-4),
            )

    def test_one_population_has_no_interval(self) -> None:
        assert spread([0.5], most=1) == Spread(0.5, None, None, (0.5,))

    def test_kinds_are_put_together(self) -> None:
        together = over_seeds([known(), known()])
        assert together.populations == 2
        accused = together.figures["Honest accused per 100,000"]
        assert accused is not None
        assert (accused.mean, accused.low, accused.high) == (900, 900, 900)
        kinds = {k.kind: k for k in together.operator_kinds}
        assert (kinds["hydra"].found, kinds["hydra"].operators) == (2, 2)
        assert kinds["hydra"].figure.mean == pytest.approx(0.9)
        honest = {k.kind: k.figure.mean for k in together.honest_kinds}
        assert honest["office"] == 40_000
        assert "900.0 (900.0 to 900.0)" in together.text()
        assert "hydra  2 of 2  0.900" in together.text()


def test_why_an_operator_is_missed() -> None:
    def why(found: list[str | None], verdict: str = "sockpuppets") -> str:
        rows = [(f"a{i}", "x", op, verdict, 0.9) for i, op in enumerate(found)]
        rows += [(f"h{i}", None, "OP-B", "sockpuppets", 0.9) for i in range(2)]
        return evaluate(*population(rows)).operators[0].why_not

    assert why([None] * 10) == "no member found"
    assert why(["OP-A"] * 10) == ""
    assert why(["OP-A"] * 10, "organisation") == "called organisation"
    assert why(["OP-A"] * 5 + ["OP-C"] * 5) == "in 2 parts"
    assert why(["OP-A"] * 5 + [None] * 5) == "50% in no operator"
    assert why(["OP-B"] * 10) == "17% of the match are others"


def test_errors_are_shown_with_their_evidence(tmp_path: Path) -> None:
    accounts = {f"h{i}": [("payment", "card-7"), ("ip", f"8.8.{i}.1")] for i in range(4)}
    out = write(tmp_path / "case", accounts, {"OP-AAA111": list(accounts)})
    (tmp_path / "truth.csv").write_text(
        "account_id,operator\n" + "".join(f"h{i},\n" for i in range(4))
    )
    e = score(out, tmp_path / "truth.csv")
    assert [o.operator_id for o in e.false_operators] == ["OP-AAA111"]
    shown = {(r.kind, r.value) for r in e.false_operators[0].reasons}
    assert ("payment", "card-7") in shown
    assert all(
        ("payment", "card-7") in {(r.kind, r.value) for r in a.reasons} for a in e.accused_accounts
    )
    assert len(e.accused_accounts) == 3
    assert 'payment "card-7": 4 members, 0 others' in e.text()


class TestCommand:
    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[str, str]:
        (tmp_path / "m.csv").write_text("account_id,operator_id\n" + "a,1\nb,1\n")
        (tmp_path / "t.csv").write_text("account_id,operator\na,x\nb,x\nc,\n")
        return str(tmp_path / "m.csv"), str(tmp_path / "t.csv")

    def test_one_table(self, typed: Typed, files: tuple[str, str]) -> None:
        code, out, err = typed("evaluate", files[0], "--truth", files[1])
        assert (code, err) == (0, "")
        assert "Accounts of operators found" in out
        code, out, _ = typed("evaluate", files[0], "--truth", files[1], "--json")
        assert json.loads(out)["accounts_found"] == 1.0

    def test_several_tables(self, typed: Typed, files: tuple[str, str]) -> None:
        twice = ("evaluate", files[0], files[0], "--truth", files[1], "--truth", files[1])
        code, out, _ = typed(*twice)
        assert code == 0
        assert "Over 2 populations" in out
        _, out, _ = typed(*twice, "--json")
        assert len(json.loads(out)["cases"]) == 2

    def test_a_truth_for_each(self, typed: Typed, files: tuple[str, str]) -> None:
        code, _, err = typed("evaluate", files[0], files[0], "--truth", files[1])
        assert code == 2
        assert "2 cases and 1 truth file: expected one for each" in err
