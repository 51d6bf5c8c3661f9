"""What evidence there is for each operator if one knew who its members are.

The truth takes the place of the proposals: signals are found, members weighed and the scorecard
filled in as for any operator. What then falls short can't be found from what is weighed, however it
is searched for; what does not was there to be found.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from linkage import attribution, graph, infrastructure, signals, sources, triage
from linkage.config import Config
from linkage.engine import DuckDBEngine
from linkage.progress import Quiet
from linkage.signals import prompt
from linkage.simulate import simulate

Unit = Callable[[Path], list[dict[str, Any]]]


def units(quick: bool) -> dict[str, Unit]:
    """`mixed` and `careful`, seed 1; to try it out, `young`."""
    sizes = {"young": None} if quick else {"mixed": 100_000, "careful": None}
    return {f"limits/{preset}/1": partial(one, preset, n, 1) for preset, n in sizes.items()}


def one(preset: str, accounts: int | None, seed: int, scratch: Path) -> list[dict[str, Any]]:
    """A row an operator of ten accounts or more."""
    folder = scratch / f"limits-{preset}-{seed}"
    simulate(folder, preset, accounts, seed)
    engine = _given(folder)
    try:
        service = engine.value("SELECT count(*) FROM accounts")
        return [
            {
                "preset": preset,
                "seed": seed,
                "kind": kind,
                "accounts": size,
                "own": round(own, 3),
                "evidence": round(evidence, 1),
                "corroboration": round(corroboration, 1),
                "prior": round(math.log(service / size), 1),
                "score": round(score, 2),
            }
            for kind, size, own, evidence, corroboration, score in engine.rows(_FOUND)
        ]
    finally:
        engine.close()


def _given(folder: Path) -> DuckDBEngine:
    """An engine in which the operators are the true ones."""
    config = Config()
    engine = DuckDBEngine(folder / "work.duckdb", config.engine)
    inputs = [folder / "accounts.csv", folder / "events.parquet"]
    sources.load(engine, inputs, config.sources, lambda message: None)
    signals.clean(engine, config.signals)
    prompt.mine(engine, Quiet())
    graph.build(engine)
    infrastructure.find(engine, config.infrastructure, config.seed)
    attribution.propose(engine, config.attribution)
    engine.create(
        "truth",
        """
        SELECT a.account, dense_rank() OVER (ORDER BY t.operator) AS operator, t.kind
        FROM read_csv(?, all_varchar = true) t JOIN accounts a ON a.account_id = t.account_id
        WHERE t.operator <> ''
        """,
        [str(folder / "truth.csv")],
    )
    engine.create(
        "attributed",
        """
        SELECT account, operator, 1.0 AS confidence, 0.0 AS evidence,
               CAST(NULL AS DOUBLE) AS corroboration, 2 AS held_by FROM truth
        """,
    )
    attribution.find_signals(engine)
    attribution.weigh(engine)
    triage.judge(engine, config.attribution.min_size)
    return engine


_FOUND = """
    SELECT any_value(t.kind) AS kind, count(*) AS size,
           avg(CAST(coalesce(w.log_odds, -1) > 0 AS INTEGER)),
           avg(coalesce(w.evidence, 0)), avg(coalesce(w.corroboration, 0)), any_value(v.score)
    FROM truth t LEFT JOIN weighed w ON w.account = t.account AND w.operator = t.operator
    JOIN verdicts v ON v.operator = t.operator
    GROUP BY t.operator HAVING count(*) >= 10 ORDER BY size DESC, kind, t.operator
"""
