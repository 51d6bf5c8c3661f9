from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cases import write
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.cluster import pair_confusion_matrix  # type: ignore[import-untyped]

from linkage.errors import CaseError, InputError
from linkage.evaluate import Evaluation, evaluate, score

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


def test_binary_truth_is_refused(case: Path, tmp_path: Path) -> None:
    for name in ("truth.csv", "truth.parquet"):
        path = tmp_path / name
        path.write_bytes(bytes(range(256)) * 20)
        with pytest.raises(InputError, match=name):
            score(case, path)
