"""Members against truth: the figures that count, on a population whose operators are known.

The members and operators of a case and a table of truth (an account's operator, empty: honest, and
perhaps its kind) come in; an `Evaluation` leaves, as plain values or as text. Everything is counted
from one join of members and truth. A figure that can't be computed is None, and a note says why.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from linkage.engine import DuckDBEngine, Engine
from linkage.errors import InputError, shorten
from linkage.evaluate.agreement import Agreement, Bin, agreement, calibration, ratio
from linkage.evaluate.figures import (
    Accused,
    Evaluation,
    FalseOperator,
    Found,
    HonestKind,
    OperatorKind,
    Reason,
)
from linkage.evaluate.read import expect, read_members, read_truth
from linkage.evaluate.reasons import with_reasons
from linkage.evaluate.spread import KindOverSeeds, OverSeeds, Spread, over_seeds

__all__ = [
    "Accused",
    "Agreement",
    "Bin",
    "Evaluation",
    "FalseOperator",
    "Found",
    "HonestKind",
    "KindOverSeeds",
    "OperatorKind",
    "OverSeeds",
    "Reason",
    "Spread",
    "evaluate",
    "over_seeds",
    "read_members",
    "read_truth",
    "score",
]

ORGANISATIONS = ("office", "agency", "class", "campus", "customer")
SIGNIFICANT = 0.05
WORST = 50
"""Accused accounts that are named, at most `OF_ONE` of an operator."""
OF_ONE = 3


def score(path: Path, truth: Path, min_size: int = 2) -> Evaluation:
    """The figures of a case, or of a table of members, against a truth file.

    The truth (csv, tsv or parquet) has columns `account_id` and `operator` (empty: honest), and
    perhaps `kind`. A table of members, from any tool, has `account_id` and `operator_id`, and
    perhaps `verdict` (without it, all are taken for sockpuppets) and `confidence`. Operators of
    fewer than `min_size` accounts are left out. In csv files, cells that were neutralised for
    spreadsheets (a quote before =, +, - or @) are read as they were. `CaseError` or `InputError`
    if one can't be read, lacks a column, or names an account twice.

    >>> import pandas, tempfile
    >>> folder, ids = Path(tempfile.mkdtemp()), list("abcdef")
    >>> members = pandas.DataFrame({"account_id": ids, "operator_id": "group"})
    >>> members.to_csv(folder / "members.csv", index=False)
    >>> truth = pandas.DataFrame({"account_id": ids, "operator": ["x"] * 5 + [None]})
    >>> truth.to_csv(folder / "truth.csv", index=False)
    >>> figures = score(folder / "members.csv", folder / "truth.csv")
    >>> figures.accused, figures.accounts_found, figures.operators_of_5_found
    (1, 1.0, 0)
    """
    members, operators = read_members(path)
    figures = evaluate(members, operators, read_truth(truth), str(truth), min_size)
    return with_reasons(figures, path)


def evaluate(
    members: pa.Table,
    operators: pa.Table,
    truth: pa.Table,
    where: str = "truth",
    min_size: int = 1,
) -> Evaluation:
    """The figures of members and operators against truth.

    `members` has account_id, operator_id, verdict and confidence; `operators` has operator_id and
    q_value; `truth` has account_id and operator, and perhaps kind. `where` names the truth in
    messages. Operators of fewer than `min_size` accounts are left out.

    >>> ids = pa.array([f"a{i}" for i in range(6)])
    >>> truth = pa.table({"account_id": ids, "operator": ["x"] * 5 + [None]})
    >>> members = pa.table({"account_id": ids[:5], "operator_id": ["OP-1"] * 5,
    ...     "verdict": ["sockpuppets"] * 5, "confidence": [1.0] * 5})
    >>> operators = pa.table({"operator_id": ["OP-1"], "q_value": [0.0]})
    >>> evaluate(members, operators, truth).operators_of_5_found
    1
    """
    engine = DuckDBEngine()
    try:
        has_kind = _load(engine, members, operators, truth, where)
        dropped = _drop_small(engine, min_size)
        return _evaluate(engine, has_kind, dropped)
    finally:
        engine.close()


def _load(
    engine: Engine, members: pa.Table, operators: pa.Table, truth: pa.Table, where: str
) -> bool:
    """Check and join: `t` (truth), `m` (members with truth) and `o` (operators of the case)."""
    expect(members, "members", ["account_id", "operator_id", "verdict", "confidence"])
    expect(operators, "operators", ["operator_id", "q_value"])
    truth = truth.rename_columns([name.strip().lower() for name in truth.column_names])
    expect(truth, where, ["account_id", "operator"])
    has_kind = "kind" in truth.column_names
    engine.put("raw_truth", truth)
    engine.put("raw_members", members)
    engine.put("raw_operators", operators)
    kind = "coalesce(nullif(trim(kind::VARCHAR), ''), 'unknown')" if has_kind else "'unknown'"
    engine.create(
        "t",
        "SELECT account_id::VARCHAR AS account_id,"
        f" nullif(trim(operator::VARCHAR), '') AS operator, {kind} AS kind FROM raw_truth",
    )
    engine.create(
        "all_members",
        "SELECT account_id::VARCHAR AS account_id, operator_id::VARCHAR AS operator_id,"
        " verdict::VARCHAR AS verdict, try_cast(confidence AS DOUBLE) AS confidence"
        " FROM raw_members WHERE nullif(trim(operator_id::VARCHAR), '') IS NOT NULL",
    )
    _expect_once(engine, "t", where)
    _expect_once(engine, "all_members", "members")
    engine.create(
        "m",
        "SELECT account_id, operator_id, verdict, confidence, operator, kind"
        " FROM all_members JOIN t USING (account_id)",
    )
    engine.create(
        "o",
        "SELECT operator_id::VARCHAR AS operator_id, try_cast(q_value AS DOUBLE) AS q_value"
        " FROM raw_operators",
    )
    _expect_overlap(engine, where)
    return has_kind


def _expect_once(engine: Engine, table: str, name: str) -> None:
    twice = engine.rows(
        f"SELECT account_id, count(*) FROM {table} GROUP BY 1 HAVING count(*) > 1"
        " ORDER BY ALL LIMIT 1"
    )
    if twice:
        account, times = twice[0]
        raise InputError(
            f"{name}: expected each account once, found {shorten(account)} {times} times."
        )


def _expect_overlap(engine: Engine, where: str) -> None:
    accounts = engine.value("SELECT count(*) FROM t")
    if not accounts:
        raise InputError(f"{where}: expected a row for each account, found none.")
    if engine.value("SELECT count(*) FROM all_members") and not engine.value(
        "SELECT count(*) FROM m"
    ):
        example = engine.value("SELECT min(account_id) FROM all_members")
        other = engine.value("SELECT min(account_id) FROM t")
        raise InputError(
            f"{where}: none of its {accounts:,} accounts (first: {shorten(other)}) is a member of"
            f" the case (first: {shorten(example)}). Is it the truth of another population?"
        )


def _drop_small(engine: Engine, min_size: int) -> str:
    """Leave operators of few accounts out of `all_members` and `m`; a note about it, or nothing."""
    small = (
        "(SELECT operator_id FROM all_members GROUP BY operator_id"
        f" HAVING count(*) < {int(min_size)})"
    )
    operators, accounts = engine.rows(
        "SELECT count(DISTINCT operator_id), count(*) FROM all_members"
        f" WHERE operator_id IN {small}"
    )[0]
    for table in ("m", "all_members"):
        engine.create(f"large_{table}", f"FROM {table} WHERE operator_id NOT IN {small}")
    for table in ("m", "all_members"):
        engine.create(table, f"FROM large_{table}")
    if not operators:
        return ""
    return (
        f"Left out, for fewer than {min_size} accounts: operators {operators:,},"
        f" accounts {accounts:,}."
    )


def _evaluate(engine: Engine, has_kind: bool, dropped: str) -> Evaluation:
    _match(engine)
    accounts, honest = engine.rows("SELECT count(*), count(*) - count(operator) FROM t")[0]
    fraudulent = accounts - honest
    members = engine.value("SELECT count(*) FROM all_members")
    strangers = members - engine.value("SELECT count(*) FROM m")
    accused, outside, in_sockpuppets, in_any = engine.rows(
        "SELECT count(*) FILTER (operator IS NULL AND sockpuppets),"
        f" count(*) FILTER (operator IS NULL AND sockpuppets AND kind NOT IN {ORGANISATIONS}),"
        " count(*) FILTER (operator IS NOT NULL AND sockpuppets), count(operator)"
        " FROM (SELECT *, coalesce(verdict = 'sockpuppets', false) AS sockpuppets FROM m)"
    )[0]
    accusing, wrong, significant, false = engine.rows(
        "SELECT count(*), count(*) FILTER (NOT is_one),"
        f" count(*) FILTER (q_value < {SIGNIFICANT}),"
        f" count(*) FILTER (q_value < {SIGNIFICANT} AND NOT is_one)"
        " FROM matched LEFT JOIN o USING (operator_id) WHERE verdict = 'sockpuppets'"
    )[0]
    no_q = accusing and not engine.value("SELECT count(q_value) FROM o")
    bins = calibration(engine)
    confident = sum(b.members for b in bins)
    error = sum(b.members * abs(b.confidence - b.belonging) for b in bins)
    notes = {
        dropped: bool(dropped),
        f"{strangers:,} members are not in the truth and count nowhere.": strangers > 0,
        "The truth has no column kind: nothing is said of organisations and kinds.": not has_kind,
        "The truth has no honest account: nobody can be accused wrongly.": honest == 0,
        "The truth has no operator: there is nothing to find.": fraudulent == 0,
        "No operator has a q-value: nothing is said of those below 0.05.": no_q,
        "No operator has members with truth and a confidence: no calibration.": not confident,
    }
    operators = tuple(_found(engine))
    large = [op for op in operators if op.accounts >= 10]
    small = [op for op in operators if op.accounts >= 5]
    return Evaluation(
        accounts=accounts,
        honest=honest,
        fraudulent=fraudulent,
        members=members,
        members_without_truth=strangers,
        accused=accused,
        accused_per_100000=ratio(accused * 100_000, honest),
        accused_outside_organisations=outside if has_kind else None,
        accused_outside_organisations_per_100000=(
            ratio(outside * 100_000, honest) if has_kind else None
        ),
        accounts_found=ratio(in_sockpuppets, fraudulent),
        accounts_found_any_verdict=ratio(in_any, fraudulent),
        operators_of_10=len(large),
        operators_of_10_found=sum(op.is_found for op in large),
        operators_of_10_found_as_sockpuppets=sum(_accused(op) for op in large),
        operators_of_5=len(small),
        operators_of_5_found=sum(op.is_found for op in small),
        operators_of_5_found_as_sockpuppets=sum(_accused(op) for op in small),
        sockpuppets=agreement(engine, "verdict = 'sockpuppets'"),
        any_verdict=agreement(engine, "true"),
        calibration_error=ratio(error, confident),
        calibration=bins,
        accusing_operators=accusing,
        accusing_operators_false=wrong,
        significant_operators=significant,
        significant_operators_false=false,
        false_share=ratio(false, significant),
        operators=operators,
        operator_kinds=_operator_kinds(engine, operators) if has_kind else (),
        honest_kinds=_honest_kinds(engine) if has_kind else (),
        false_operators=_false_operators(engine),
        accused_accounts=_accused_accounts(engine),
        notes=tuple(note for note, holds in notes.items() if holds),
    )


def _accused(operator: Found) -> bool:
    return operator.is_found and operator.verdict == "sockpuppets"


def _match(engine: Engine) -> None:
    """`matched`: each operator of the case, the nearest of the truth, and if it mostly is that."""
    engine.create(
        "overlap",
        "SELECT operator_id, any_value(verdict) AS verdict, operator, count(*) AS together"
        " FROM m GROUP BY operator_id, operator",
    )
    engine.create(
        "matched",
        "SELECT operator_id, any_value(verdict) AS verdict, sum(together) AS size,"
        " first(operator ORDER BY operator IS NULL, together DESC, operator) AS operator,"
        " coalesce(max(together) FILTER (operator IS NOT NULL), 0) * 2 > sum(together) AS is_one"
        " FROM overlap GROUP BY operator_id",
    )


def _found(engine: Engine) -> list[Found]:
    rows = engine.rows(
        "WITH sizes AS (SELECT operator, min(kind) AS kind, count(*) AS accounts"
        " FROM t WHERE operator IS NOT NULL GROUP BY operator),"
        " best AS (SELECT s.operator, operator_id, v.verdict, together, size FROM overlap v"
        " JOIN matched USING (operator_id) JOIN sizes s ON v.operator = s.operator"
        " QUALIFY row_number() OVER (PARTITION BY s.operator"
        " ORDER BY together / (size + accounts - together) DESC, operator_id) = 1)"
        " SELECT operator, kind, accounts, operator_id, verdict,"
        " coalesce(together / size, 0), coalesce(together / accounts, 0),"
        " coalesce(inside / accounts, 0), coalesce(parts, 0)"
        " FROM sizes LEFT JOIN best USING (operator) LEFT JOIN"
        " (SELECT operator, sum(together) AS inside, count(*) AS parts FROM overlap"
        " GROUP BY operator) USING (operator) ORDER BY accounts DESC, operator"
    )
    return [Found(*row) for row in rows]


def _operator_kinds(engine: Engine, operators: tuple[Found, ...]) -> tuple[OperatorKind, ...]:
    inside = dict(
        engine.rows(
            "SELECT kind, count(*) FROM m WHERE operator IS NOT NULL AND verdict = 'sockpuppets'"
            " GROUP BY kind"
        )
    )
    kinds = []
    for kind in sorted({operator.kind for operator in operators}):
        own = [operator for operator in operators if operator.kind == kind]
        accounts = sum(operator.accounts for operator in own)
        kinds.append(
            OperatorKind(
                kind=kind,
                operators=len(own),
                found=sum(operator.is_found for operator in own),
                accounts=accounts,
                accounts_found=inside.get(kind, 0) / accounts,
                precision=sum(operator.precision for operator in own) / len(own),
                recall=sum(operator.recall for operator in own) / len(own),
            )
        )
    return tuple(kinds)


def _honest_kinds(engine: Engine) -> tuple[HonestKind, ...]:
    rows = engine.rows(
        "SELECT t.kind, count(*), count(*) FILTER (verdict = 'sockpuppets'),"
        " 1e5 * count(*) FILTER (verdict = 'sockpuppets') / count(*), count(m.account_id)"
        " FROM t LEFT JOIN m USING (account_id) WHERE t.operator IS NULL"
        " GROUP BY t.kind ORDER BY t.kind"
    )
    return tuple(HonestKind(*row) for row in rows)


def _false_operators(engine: Engine) -> tuple[FalseOperator, ...]:
    rows = engine.rows(
        "WITH k AS (SELECT operator_id, kind, count(*) AS n FROM m GROUP BY ALL)"
        " SELECT operator_id, any_value(size), any_value(q_value),"
        " string_agg(n || ' ' || kind, ', ' ORDER BY n DESC, kind)"
        " FROM matched JOIN k USING (operator_id) LEFT JOIN o USING (operator_id)"
        " WHERE verdict = 'sockpuppets' AND NOT is_one"
        " GROUP BY operator_id ORDER BY 2 DESC, 1"
    )
    return tuple(FalseOperator(*row) for row in rows)


def _accused_accounts(engine: Engine) -> tuple[Accused, ...]:
    """Honest accounts accused with most confidence, a few of each operator."""
    rows = engine.rows(
        "SELECT account_id, kind, m.operator_id,"
        " CASE WHEN is_one THEN x.operator END, confidence"
        " FROM m JOIN matched x USING (operator_id)"
        " WHERE m.operator IS NULL AND m.verdict = 'sockpuppets'"
        " QUALIFY row_number() OVER (PARTITION BY m.operator_id"
        f" ORDER BY confidence DESC NULLS LAST, account_id) <= {OF_ONE}"
        f" ORDER BY confidence DESC NULLS LAST, account_id LIMIT {WORST}"
    )
    return tuple(Accused(*row) for row in rows)
