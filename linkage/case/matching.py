"""New accounts against the operators of a case, which is not changed.

Tables of accounts that the case does not hold arrive; those that belong to one of its operators
leave, with the confidence that a run with them would give, by the same weights: the shares of
members and of everybody that have a signal are those of the last run. Each account is looked at by
itself: what new accounts share with each other alone is for an update to find.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pyarrow as pa

from linkage import attribution, graph, signals, sources, words, writing
from linkage.attribution import SURE, served
from linkage.case.database import attached
from linkage.case.place import DATABASE
from linkage.case.read import CaseReader
from linkage.case.views import Match
from linkage.config import Config
from linkage.engine import DuckDBEngine
from linkage.errors import InputError, shorten
from linkage.judgements import CONFIRMED, find_own_holders
from linkage.progress import Progress, Quiet
from linkage.schema import VERDICTS
from linkage.signals import prompt

SUSPECT = ("sockpuppets", "unclear")
"""Verdicts of operators that new accounts are matched against, if nobody says."""

SHOWN = 3
"""Signals that `why` names, first the strongest of each family."""


class Matcher:
    """The operators of a case, loaded once and asked often; `close` it, or use it in a `with`.

    Only operators with one of `verdicts` are looked at: that somebody belongs to an office or a
    family is no news at a gate. `config` overrules the settings of the last run. `known` counts the
    accounts of the last call that the case holds. `InputError` for a verdict that there is none of,
    `CaseError` if the case can't be read, or was written by a linkage that kept less.

    >>> import pandas
    >>> with Matcher(case.path, verdicts=["sockpuppets", "organisation", "unclear"]) as matcher:
    ...     matcher.match([pandas.DataFrame({"account_id": ["puppet-00"], "ip": ["9.9.9.1"]})])
    ...     matcher.known
    []
    1
    """

    def __init__(
        self,
        path: Path | str,
        config: Config | None = None,
        verdicts: Sequence[str] = SUSPECT,
    ) -> None:
        for verdict in verdicts:
            if verdict not in VERDICTS:
                raise InputError(
                    f"no verdict {shorten(verdict)}; an operator's is one of: "
                    f"{', '.join(VERDICTS)}."
                )
        with CaseReader(path) as case:
            case.require("kind_holders", "matching")
            self.config = config or case.config
            self._accounts = case.rows("SELECT count(*) + 1 FROM accounts")[0][0]
            models = case.rows("SELECT content FROM template_models ORDER BY number")
        self.path = Path(path)
        self.known = 0
        self._templates = prompt.Known(
            [model for (content,) in models if (model := prompt.from_bytes(content)) is not None]
        )
        self._engine = DuckDBEngine(None, self.config.engine)
        self._load(verdicts)

    def _load(self, verdicts: Sequence[str]) -> None:
        engine = self._engine
        with attached(engine, self.path.resolve() / DATABASE, "earlier"):
            engine.create(
                "known_operators",
                "SELECT row_number() OVER (ORDER BY operator_id) - 1 AS operator, operator_id, "
                "accounts AS size FROM earlier.operators WHERE verdict IN (SELECT unnest(?))",
                [list(verdicts)],
            )
            engine.create("sizes", "SELECT operator, size FROM known_operators")
            engine.create(
                "kind_rates",
                # in a run, the account would be one of all
                "SELECT o.operator, k.* EXCLUDE operator_id REPLACE (all_holders + 1 AS "
                "all_holders) FROM earlier.operator_kinds k "
                "JOIN known_operators o USING (operator_id)",
            )
            engine.create(
                "operator_signals",
                """
                SELECT o.operator, e.signal, e.kind, e.value, e.members, e.others + 1 AS others,
                       k.holders, k.all_holders
                FROM earlier.evidence e JOIN known_operators o USING (operator_id)
                JOIN kind_rates k ON k.operator = o.operator AND k.kind = e.kind
                """,
            )
            engine.create("all_kinds", "SELECT * FROM earlier.kind_holders")
            engine.create(
                "kind_totals", "SELECT kind, holders + 1 AS holders FROM earlier.kind_holders"
            )
            engine.create(
                "evidence_signals",
                "SELECT DISTINCT s.signal, s.kind, s.value, s.accounts FROM earlier.signals s "
                "JOIN earlier.evidence e USING (signal)",
            )
            engine.create(
                "known_degrees",
                "SELECT kind, value, accounts FROM earlier.signals "
                f"WHERE kind IN {graph.SHARED_KINDS} "
                "AND NOT starts_with(coalesce(ignored, ''), 'allowed')",
            )
            engine.create("known_ids", "SELECT account_id FROM earlier.accounts")
            for name, item in (("confirmed", "judgement"), ("serving", "customers")):
                engine.create(
                    f"{name}_operators",
                    "SELECT DISTINCT o.operator FROM known_operators o "
                    "JOIN earlier.scorecard USING (operator_id) WHERE item = ?",
                    [item],
                )
        engine.run("CREATE TABLE attributed (account INTEGER, operator BIGINT)")
        engine.run("CREATE TABLE allowed_signals (kind VARCHAR, value VARCHAR, reason VARCHAR)")

    def match(
        self, inputs: Sequence[sources.Input], progress: Progress | None = None
    ) -> list[Match]:
        """The accounts of `inputs` that belong to an operator, surest first.

        Inputs are as for `run`. `InputError` if they can't be used.
        """
        engine, progress = self._engine, progress or Quiet()
        engine.drop("cleaned", "rejected")
        progress.stage("sources")
        sources.load(engine, inputs, self.config.sources, progress.step)
        self.known = engine.value("SELECT count(*) FROM accounts JOIN known_ids USING (account_id)")
        progress.stage("signals")
        signals.clean(engine, self.config.signals)
        prompt.recognise(engine, self._templates, progress)
        progress.stage("match")
        graph.find_uses(engine)
        engine.create(
            "degrees",
            "SELECT n.number, k.accounts + 1 AS accounts FROM known_degrees k "
            "JOIN numbered n USING (kind, value)",
        )
        graph.add_sharing(engine)
        engine.create(
            "linking_edges",
            """
            SELECT u.account, s.signal, s.kind, s.accounts, k.family, k.personal, k.sharing,
                   k.address
            FROM uses u JOIN numbered n USING (number) JOIN evidence_signals s USING (kind, value)
            JOIN all_kinds k ON k.kind = s.kind
            WHERE u.account NOT IN (
                SELECT account FROM accounts JOIN known_ids USING (account_id)
            )
            """,
        )
        engine.create(
            "kinds",
            "SELECT * EXCLUDE holders, row_number() OVER (ORDER BY kind) AS number FROM all_kinds",
        )
        graph.add_holdings(engine)
        self._decide()
        return self._matches()

    def _decide(self) -> None:
        """`matched`: the operator that explains an account best: as one that settled, or joined."""
        engine, least = self._engine, self.config.attribution.min_confidence
        find_own_holders(engine)
        engine.create(
            "candidates",
            "SELECT DISTINCT e.account, o.operator FROM linking_edges e "
            "JOIN operator_signals o ON o.signal = e.signal",
        )
        served.find_lives(
            engine,
            "candidates",
            "SELECT u.account, n.kind, e.signal, u.n FROM uses u JOIN numbered n USING (number) "
            "LEFT JOIN evidence_signals e USING (kind, value)",
        )
        engine.create(
            "customers",
            """
            SELECT account, operator FROM lives WHERE lacks AND elsewhere
            AND operator IN (SELECT operator FROM serving_operators)
            """,
        )
        for settled in (False, True):
            attribution.weigh(engine, settled, self._accounts)
            engine.create(f"weighed_{settled}", "SELECT * FROM weighed")
        engine.create(
            "matched",
            f"""
            WITH weighed AS (
                SELECT *, corroboration > 0 AS eligible, 0 AS turn, {least} AS bar
                FROM weighed_False
                UNION ALL
                SELECT *, exclusive AS eligible, 1 AS turn,
                       CASE WHEN identified THEN {least} ELSE {max(SURE, least)} END AS bar
                FROM weighed_True
            ),
            judged AS (
                SELECT w.*, o.account IS NOT NULL AS own,
                       1 / (1 + exp(-w.log_odds - CASE WHEN o.account IS NULL THEN 0
                                                       ELSE {CONFIRMED} END)) AS confidence
                FROM weighed w LEFT JOIN own_holders o
                  ON o.account = w.account AND o.operator = w.operator
            )
            SELECT account, operator, confidence
            FROM judged LEFT JOIN customers USING (account, operator)
            WHERE ((eligible AND customers.account IS NULL) OR own)
              AND confidence >= bar
            QUALIFY row_number() OVER (
                PARTITION BY account ORDER BY turn, log_odds DESC, operator
            ) = 1
            """,
        )

    def _matches(self) -> list[Match]:
        rows = self._engine.rows(
            """
            WITH why AS (
                SELECT m.account, o.kind, o.value, o.members, o.others, k.size,
                       ln((CAST(o.members AS DOUBLE) / o.holders)
                          / ((o.members + o.others) / CAST(o.all_holders AS DOUBLE))) AS weight,
                       row_number() OVER (
                           PARTITION BY m.account, e.family ORDER BY weight DESC, o.kind, o.value
                       ) AS turn
                FROM matched m JOIN linking_edges e USING (account)
                JOIN operator_signals o ON o.operator = m.operator AND o.signal = e.signal
                JOIN known_operators k ON k.operator = m.operator
                WHERE NOT e.sharing
            )
            SELECT a.account_id, k.operator_id, round(m.confidence, 6) AS confidence,
                   count(w.kind) AS signals,
                   to_json(list(struct_pack(kind := w.kind, value := w.value,
                                            members := w.members, others := w.others - 1)
                                ORDER BY w.turn, w.weight DESC, w.kind, w.value)[:?]) AS why
            FROM matched m JOIN accounts a USING (account)
            JOIN known_operators k ON k.operator = m.operator
            LEFT JOIN why w ON w.account = m.account
            GROUP BY a.account_id, k.operator_id, m.confidence
            ORDER BY confidence DESC, account_id
            """,
            [SHOWN],
        )
        return [
            Match(account_id, operator_id, confidence, _sentence(count, json.loads(why)))
            for account_id, operator_id, confidence, count, why in rows
        ]

    def close(self) -> None:
        """Let go of what was loaded."""
        self._engine.close()

    def __enter__(self) -> Matcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_csv(path: Path, matches: Sequence[Match]) -> None:
    """Write what was matched to a file; `InputError` if it can't be written."""
    schema = pa.schema(
        [(f.name, pa.float64() if f.type == "float" else pa.string()) for f in fields(Match)]
    )
    with writing.trouble(path), writing.beside(path) as new:
        writing.write_csv(new, pa.Table.from_pylist([asdict(m) for m in matches], schema))


def _sentence(count: int, found: list[dict[str, Any]]) -> str:
    parts = []
    for s in found:
        members, others = words.count(s["members"], "member"), words.count(s["others"], "other")
        parts.append(f"{words.name(s['kind'])} {s['value']} ({members}, {others})")
    more = f" and {count - len(parts):,} more" if count > len(parts) else ""
    return "has " + ", ".join(parts) + more
