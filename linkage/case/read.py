"""A case as it is read: questions go in, frames, frozen answers and graphs come out.

The database is attached read-only to a connection of its own, so that a case that is written
anew meanwhile is not mixed with the one that was opened. Every answer is a query over what it
needs; nothing loads the graph.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from linkage.case import chains, graphs, names
from linkage.case.database import connect, reading
from linkage.case.views import (
    Account,
    Alternative,
    Belonging,
    Chains,
    Day,
    Evidence,
    EvidenceOfKind,
    Item,
    Judgement,
    Member,
    Membership,
    Operator,
    OperatorView,
    UsedSignal,
)
from linkage.config import Config, from_dict
from linkage.errors import CaseError, InputError, shorten, suggestion
from linkage.schema import BUSY_ACCOUNTS, JUDGEMENTS, RANK, TABLES, VERDICTS

if TYPE_CHECKING:
    import igraph
    import networkx
    import pandas
    import pyarrow as pa

KEPT = [table.name for table in TABLES.values() if table.kept]

ORDERS = {"rank": RANK, "accounts": f"accounts DESC, {RANK}"}

TIMELINE = """
WITH days AS (
    SELECT CAST(coalesce(a.created_at, a.first_seen) AS DATE) AS day, 1 AS sign_ups,
        NULL AS active, 0 AS rows
    FROM members AS m JOIN accounts AS a USING (account) WHERE m.operator_id = $operator
    UNION ALL
    SELECT CAST(v.hour AS DATE), 0, v.account, v.n
    FROM members AS m JOIN activity AS v USING (account) WHERE m.operator_id = $operator
)
SELECT day, sum(sign_ups), count(DISTINCT active), sum(rows)
FROM days WHERE day IS NOT NULL GROUP BY day ORDER BY day
"""

EVIDENCE = """
SELECT kind, value, members, others, weight FROM evidence
WHERE operator_id = $operator ORDER BY weight DESC, members DESC, kind, value
"""

OWN_EVIDENCE = """
SELECT v.kind, v.value, v.members, v.others, v.weight
FROM evidence AS v JOIN edges AS e ON e.signal = v.signal
WHERE v.operator_id = $operator AND e.account = $account
ORDER BY v.weight DESC, v.members DESC, v.kind, v.value
"""

# evidence of one kind is not added up as if it were independent: the strongest of each kind counts
ALTERNATIVE = """
WITH best AS (
    SELECT v.operator_id, v.kind, max(v.weight) AS weight, count(*) AS signals
    FROM edges AS e JOIN evidence AS v ON v.signal = e.signal
    WHERE e.account = $account AND v.operator_id IS DISTINCT FROM $own AND v.weight > 0
    GROUP BY v.operator_id, v.kind
)
SELECT operator_id, any_value(o.verdict), sum(weight ORDER BY weight) AS nats, sum(signals)
FROM best JOIN operators AS o USING (operator_id)
GROUP BY operator_id ORDER BY nats DESC, operator_id LIMIT 1
"""

ACCOUNT_SIGNALS = """
SELECT s.kind, s.value, s.accounts - 1, s.ignored, e.first_seen, e.last_seen, e.n
FROM edges AS e JOIN signals AS s USING (signal) WHERE e.account = $account
ORDER BY s.ignored IS NOT NULL, s.kind, s.accounts, s.value
"""

CROWDED = """
SELECT kind, value, accounts FROM signals
WHERE kind IN ('payment', 'device', 'phone', 'email', 'ip') AND ignored IS NULL
    AND accounts >= greatest(100, (SELECT count(*) FROM accounts) / if(kind = 'ip', 10, 100))
ORDER BY accounts DESC, kind, value
"""

BUSY = f"""
SELECT a.account_id, b.signals FROM ({BUSY_ACCOUNTS}) b JOIN accounts a ON a.account = b.account
ORDER BY b.signals DESC, a.account_id
"""

JUDGEMENTS_OF = f"""
SELECT {JUDGEMENTS.names()} FROM judgements
WHERE subject = 'operator' AND (
    a = $operator OR a IN (SELECT alias FROM aliases WHERE operator_id = $operator)
) ORDER BY judgement
"""

MEMBERS = """
SELECT account_id, confidence, evidence, held_by FROM members WHERE operator_id = $operator
ORDER BY confidence DESC, account_id LIMIT $top
"""


class CaseReader:
    """A case folder, read-only; `CaseError` if it is missing, damaged or of another version."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._connection = connect(self.path)

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def operators(self) -> pandas.DataFrame:
        """The table operators, by rank.

        >>> case.operators["accounts"].to_list()
        [12]
        """
        return self._frame(f"SELECT * FROM operators ORDER BY {RANK}")

    @property
    def members(self) -> pandas.DataFrame:
        """The table members, by the rank of their operator, then by confidence.

        >>> case.members["account_id"].to_list()[:2]
        ['puppet-00', 'puppet-01']
        """
        return self._frame(
            "SELECT m.* FROM members AS m JOIN operators AS o USING (operator_id) "
            f"ORDER BY {RANK}, m.confidence DESC, m.account_id"
        )

    @property
    def rejected(self) -> pandas.DataFrame:
        """The table rejected: values that were not used, by reason, most rows first."""
        return self._frame(
            "SELECT * FROM rejected ORDER BY rows DESC, source, kind, reason, count, example"
        )

    @property
    def crowded(self) -> pandas.DataFrame:
        """Cards, devices, phones, mailboxes and addresses that very many accounts have.

        Columns: kind, value, accounts; those on 100 accounts and one in a hundred, most first;
        addresses on one in ten, since carriers have large ones. They say next to nothing of
        anybody, but may tell of a fault in an export: the address of a load balancer, the device of
        one release, a test card.
        """
        return self._frame(CROWDED)

    @property
    def busy(self) -> pandas.DataFrame:
        """Accounts with so many signals that others have, too, that what goes together in them was
        not counted: a gateway, a test account, one whose password went round.

        Columns: account_id, signals (more than 2,000); most first. They may belong to an operator
        that others show.
        """
        return self._frame(BUSY)

    @property
    def run(self) -> dict[str, Any]:
        """What run.json says of the last run: inputs, settings, seed, versions, seconds, memory.

        >>> case.run["counts"]["accounts"]
        412
        """
        rows = self.rows("SELECT details FROM runs ORDER BY run DESC LIMIT 1")
        details: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
        return details

    @property
    def config(self) -> Config:
        """The settings that the last run was made with."""
        return from_dict(self.run.get("settings", {}), where=f"run.json of {self.path}")

    def evidence(self, operator_id: str) -> pandas.DataFrame:
        """The table evidence of one operator, strongest first.

        >>> sorted(set(case.evidence(operator)["kind"]))
        ['ip', 'ip_range', 'payment', 'payment_sharing']
        """
        operator = self.operator(operator_id)
        return self._frame(
            "SELECT * FROM evidence WHERE operator_id = $operator "
            "ORDER BY weight DESC, members DESC, kind, value",
            operator=operator.operator_id,
        )

    def scorecard(self, operator_id: str) -> pandas.DataFrame:
        """The table scorecard of one operator, heaviest item first.

        The weights, in nats, add up to the logit of the operator's score.

        >>> case.scorecard(operator)["item"][0]
        'stock'
        """
        operator = self.operator(operator_id)
        return self._frame(
            "SELECT * FROM scorecard WHERE operator_id = $operator "
            "ORDER BY abs(weight) DESC, item, finding",
            operator=operator.operator_id,
        )

    def list_operators(
        self, verdict: str | None = None, top: int | None = None, sort: str = "rank"
    ) -> list[Operator]:
        """Operators by `rank` or `accounts`, of one verdict if it is given, at most `top`.

        `InputError` for a verdict or an order that there is none of.

        >>> [found.accounts for found in case.list_operators(top=1)]
        [12]
        """
        if verdict is not None and verdict not in VERDICTS:
            raise InputError(
                f"no verdict {shorten(verdict)}; an operator's is one of: {', '.join(VERDICTS)}."
            )
        if sort not in ORDERS:
            raise InputError(f"no order {shorten(sort)}. {suggestion(sort, ORDERS)}")
        rows = self.rows(
            f"SELECT * FROM operators WHERE $verdict IS NULL OR verdict = $verdict "
            f"ORDER BY {ORDERS[sort]} LIMIT $top",
            verdict=verdict,
            top=2**62 if top is None else top,
        )
        return [Operator(*row) for row in rows]

    def show(self, operator_id: str, top: int = 10) -> OperatorView:
        """One operator in full: scorecard, evidence by kind, members, timeline, judgements.

        Of the members, and of the evidence of each kind, the first `top`.

        >>> view = case.show(operator, top=2)
        >>> [member.account_id for member in view.members], view.more_members
        (['puppet-00', 'puppet-01'], 10)
        """
        operator = self.operator(operator_id)
        name = operator.operator_id
        items = self.rows(
            "SELECT item, finding, weight FROM scorecard WHERE operator_id = $operator "
            "ORDER BY abs(weight) DESC, item, finding",
            operator=name,
        )
        return OperatorView(
            operator=operator,
            scorecard=tuple(Item(*row) for row in items),
            evidence=_by_kind([Evidence(*r) for r in self.rows(EVIDENCE, operator=name)], top),
            members=tuple(Member(*r) for r in self.rows(MEMBERS, operator=name, top=top)),
            more_members=max(0, operator.accounts - top),
            timeline=tuple(Day(*row) for row in self.rows(TIMELINE, operator=name)),
            judgements=self.judgements_of(name),
        )

    def judgements_of(self, operator_id: str) -> tuple[Judgement, ...]:
        """What was decided about an operator, by this id or one that is an alias of it."""
        rows = self.rows(JUDGEMENTS_OF, operator=operator_id)
        return tuple(Judgement(*row) for row in rows)

    def account(self, account_id: str) -> Account:
        """All that is known of one account, whether it belongs to an operator or not.

        >>> found = case.account("person-3")
        >>> found.membership, [(s.kind, s.value, s.others) for s in found.signals]
        (None, [('ip', '8.3.3.9', 0), ('ip_range', '8.3.3.0/24', 0), ('payment', 'card-3', 0)])
        """
        number, name, created_at, first_seen, last_seen, rows = names.find_account(
            self.rows, self.path, account_id
        )
        membership = self._membership(number)
        signals = self.rows(ACCOUNT_SIGNALS, account=number)
        return Account(
            account_id=name,
            created_at=created_at,
            first_seen=first_seen,
            last_seen=last_seen,
            rows=rows,
            signals=tuple(UsedSignal(*row) for row in signals),
            membership=membership,
            alternative=self._alternative(number, membership),
        )

    def explain(self, a: str, b: str | None = None, top: int = 3) -> Belonging | Chains:
        """Why account `a` belongs to its operator; with `b`, the `top` strongest chains between.

        `belonging` and `chains` are the two answers, by themselves.
        """
        return self.belonging(a) if b is None else self.chains(a, b, top)

    def belonging(self, account_id: str) -> Belonging:
        """Which of its operator's evidence an account has, and the operator it is nearest to else.

        >>> sorted(item.value for item in case.belonging("puppet-00").evidence)[:3]
        ['9.9.9.0', '9.9.9.0/24', 'fleet-card-0']
        """
        number, name, *_ = names.find_account(self.rows, self.path, account_id)
        membership = self._membership(number)
        operator, evidence = None, []
        if membership is not None:
            operator = self.operator(membership.operator_id)
            evidence = self.rows(OWN_EVIDENCE, operator=operator.operator_id, account=number)
        return Belonging(
            account_id=name,
            membership=membership,
            operator=operator,
            evidence=tuple(Evidence(*row) for row in evidence),
            alternative=self._alternative(number, membership),
            judgements=self.judgements_of(operator.operator_id) if operator else (),
        )

    def chains(self, a: str, b: str, top: int = 3) -> Chains:
        """The strongest chains of shared signals between two accounts.

        What both have comes first, by its weight in the operator of both, the best of each kind
        before a second of any. If they have nothing, a chain has up to three links; a link costs
        the logarithm of the number of accounts that share its signal, and the cheapest chain is the
        strongest.

        >>> [link] = case.chains("puppet-00", "puppet-03").chains[0].links
        >>> link.value, link.members, link.outsiders
        ('fleet-card-0', 4, 0)
        """
        first, second = (
            names.find_account(self.rows, self.path, a),
            names.find_account(self.rows, self.path, b),
        )
        if first[0] == second[0]:
            raise InputError(f"{shorten(a)} twice: a chain needs two accounts. Give another one.")
        one, other = self._membership(first[0]), self._membership(second[0])
        both = one is not None and other is not None and one.operator_id == other.operator_id
        operator = one.operator_id if both and one else None
        with reading(self.path):
            found, more = chains.find(self._connection, first[0], second[0], top, operator)
        return Chains(
            a=first[1],
            b=second[1],
            same_operator=operator,
            chains=found,
            more=sum(more.values()),
            more_of=more,
        )

    def graph(self, operator_id: str, everything: bool = False) -> networkx.Graph:
        """An operator's members and evidence (or everything they use) as a networkx graph.

        Nodes are account ids (`bipartite` 0) and pairs of kind and value (1); edges have `n`,
        `first_seen` and `last_seen`.

        >>> sorted(case.graph(operator)[("payment", "fleet-card-0")])
        ['puppet-00', 'puppet-03', 'puppet-06', 'puppet-09']
        """
        operator = self.operator(operator_id)
        with reading(self.path):
            return graphs.networkx_graph(self._connection, operator.operator_id, everything)

    def igraph(self, operator_id: str, everything: bool = False) -> igraph.Graph:
        """The same graph for igraph, with the same attributes and `type` for its sides.

        >>> graph = case.igraph(operator)
        >>> graph.is_bipartite(), len(graph.vs.select(type=False))
        (True, 12)
        """
        operator = self.operator(operator_id)
        with reading(self.path):
            return graphs.igraph_graph(self._connection, operator.operator_id, everything)

    def arrow(self, table: str) -> pa.Table:
        """A whole table of the case as an Arrow table, in no particular order.

        Names and columns are in `docs/tables.md`; `InputError` for another.

        >>> case.arrow("accounts").num_rows
        412
        """
        if table not in KEPT:
            raise InputError(f"no table {shorten(table)} in a case. {suggestion(table, KEPT)}")
        with reading(self.path):
            return self._connection.sql(f"SELECT * FROM {table}").to_arrow_table()

    def operator(self, operator_id: str) -> Operator:
        """The operator of an id, of the start of one, or of an id that is an alias of its own.

        >>> case.operator(operator[:5]).operator_id == operator
        True
        """
        return names.find_operator(self.rows, self.path, operator_id)

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """What a query over the tables of the case yields; `$name` in it is a parameter.

        >>> case.rows("SELECT account_id FROM accounts WHERE account = $number", number=0)
        [('person-0',)]
        """
        with reading(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def require(self, table: str, what: str) -> None:
        """Raise `CaseError` if an earlier linkage wrote the case, without what `what` needs."""
        if not self.rows(f"SELECT 1 FROM {table} LIMIT 1"):
            raise CaseError(
                f"{self.path} was written by an earlier linkage, and does not hold what {what} "
                f"needs. Run once more with all inputs: linkage run INPUT... --out {self.path}"
            )

    def _frame(self, sql: str, **parameters: Any) -> pandas.DataFrame:
        with reading(self.path):
            return self._connection.execute(sql, parameters).df()

    def _membership(self, number: int) -> Membership | None:
        rows = self.rows(
            "SELECT operator_id, verdict, confidence, evidence, held_by FROM members "
            "WHERE account = $account",
            account=number,
        )
        return Membership(*rows[0]) if rows else None

    def _alternative(self, number: int, membership: Membership | None) -> Alternative | None:
        own = membership.operator_id if membership else None
        rows = self.rows(ALTERNATIVE, account=number, own=own)
        return Alternative(*rows[0]) if rows else None


def _by_kind(evidence: Iterable[Evidence], top: int) -> tuple[EvidenceOfKind, ...]:
    """Evidence by kind, first the kind whose signals weigh most over all members together."""
    evidence = list(evidence)
    weights: dict[str, float] = {}
    for item in evidence:
        weights[item.kind] = weights.get(item.kind, 0.0) + item.members * item.weight
    ordered = sorted(evidence, key=lambda item: (-weights[item.kind], item.kind))
    groups = ((kind, tuple(items)) for kind, items in groupby(ordered, key=lambda item: item.kind))
    return tuple(
        EvidenceOfKind(kind, items[:top], max(0, len(items) - top)) for kind, items in groups
    )
