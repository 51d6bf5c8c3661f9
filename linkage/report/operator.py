"""What an operator's page shows, as plain data: two blocks, what is read first and its members.

In: the tables of a case. Out: for each operator with a page its place, the data of the page, and
of its members, who are many and wanted later. Operators are read some at a time. What is cut or
left out is counted, so that the page can say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from linkage.report import changes, graph, hours, overview, reliance, timeline
from linkage.report.plain import CUT, CUT_OTHERS, cut, day, minute, probability, rounded
from linkage.report.redaction import Redaction, unmasked
from linkage.report.tables import SIGNALS, Tables

MEMBERS = 30_000
"""Members that a page lists, the most certain first."""
HELD = 1_200_000
"""Uses of signals that a page holds; beyond, of each member the strongest only."""
NEAR = 20

MEMBER_COLUMNS = ("id", "confidence", "evidence", "held_by", "created", "last", "bundle",
                  "relies_on", "without", "held")  # fmt: skip


def read(
    tables: Tables, redaction: Redaction, case: str | None = None
) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Place, page and members of each operator that has a page, in the order of rank.

    `case` is what commands call the case.
    """
    reader = _Reader(tables, redaction, case)
    for places in tables.batches():
        yield from reader.batch(places)


class _Reader:
    def __init__(self, tables: Tables, redaction: Redaction, case: str | None) -> None:
        self.tables, self.redaction, self.case = tables, redaction, case
        self.known = overview.known_values(tables, redaction)
        self.everybody = hours.of_everybody(tables)
        [(self.accounts,)] = tables.rows("SELECT count(*) FROM accounts")
        [(self.operators,)] = tables.rows("SELECT count(*) FROM operators")
        self.run = overview.run(tables)
        rows = tables.rows("SELECT place, operator_id, verdict, accounts, page, score FROM shown")
        self.names = {
            place: [cut(name or ""), verdict, accounts,
                    overview.file_name(place, name) if page else None, probability(score)]
            for place, name, verdict, accounts, page, score in rows
        }  # fmt: skip

    def batch(self, places: str) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
        found, members = self._found(places), self._members(places)
        for row in self.tables.rows(f"SELECT * FROM shown WHERE {places} ORDER BY place"):
            place, accounts = row[0], row[4] or 0
            own = {name: of.get(place, ()) for name, of in found.items()}
            drawing = _drawing(dict(own["bundles"]), own["signals"], accounts)
            page = self._page(row, own, drawing)
            rows = next(members, (place, []))[1]
            listed = self._columns(rows, own["signals"], drawing, accounts)
            page["relied_on"] = _relied_on(listed)
            yield place, page, listed

    def _found(self, places: str) -> dict[str, dict[int, Any]]:
        """What the tables say of the operators of a batch, by what it is and by place."""
        read = self.tables.by_place
        return {
            "scorecard": read(
                "SELECT place, item, finding, weight FROM scorecard JOIN shown USING (operator_id)"
                f" WHERE {places} ORDER BY place, abs(weight) DESC, item"
            ),
            "kinds": read(
                "SELECT place, kind, count(*), "
                " sum(greatest(weight, 0) * members ORDER BY rank) AS strength"
                f" FROM strongest WHERE {places} GROUP BY place, kind"
                " ORDER BY place, strength DESC, kind"
            ),
            "signals": read(
                "SELECT place, kind, value, members, others, weight, above, turn FROM strongest"
                f" WHERE {places} AND rank <= {SIGNALS} ORDER BY place, rank"
            ),
            "bundles": read(
                f"SELECT place, mask, count(*) FROM ({MASKS.format(places=places)})"
                " GROUP BY ALL ORDER BY place, mask"
            ),
            "near": read(
                "SELECT place, other, signals, users, strongest, nats FROM ties"
                f" WHERE {places} ORDER BY place, nats DESC, other"
            ),
            "judged": read(
                "SELECT place, made_at, made_by, decision, note FROM judged"
                f" JOIN shown USING (operator_id) WHERE {places} ORDER BY place, made_at, decision"
            ),
            "sign_ups": self._days(places, "accounts", "created_at", "count(*)"),
            "activity": self._days(places, "activity", "hour", "sum(n)::BIGINT"),
            "hours": hours.of_operators(self.tables, places),
            "changes": changes.of_operators(self.tables, places),
        }

    def _page(
        self, row: tuple[Any, ...], own: dict[str, Any], drawing: graph.Drawing | None
    ) -> dict[str, Any]:
        """What is read first on the page of an operator, from its row of `shown` and the rest."""
        place = row[0]
        return {
            "redacted": self.redaction.active and unmasked(self.redaction.notes),
            "run": self.run,
            "rules": overview.RULES,
            "case": self.case,
            "place": place,
            "of": self.operators,
            "operator": overview.operator(
                row, self.redaction, self.known.get(place, ()), self.names[place][3]
            ),
            "scorecard": [
                [item, self._sentence(finding, place), rounded(weight, 2)]
                for item, finding, weight in own["scorecard"]
            ],
            "kinds": [[kind, n] for kind, n, _ in own["kinds"]],
            "signals": [
                [kind, cut(self.redaction.value(kind, value), CUT.get(kind, CUT_OTHERS)),
                 inside, others, rounded(weight, 2), *([] if above is None else [above - 1])]
                for kind, value, inside, others, weight, above, _ in own["signals"]
            ],
            "timeline": timeline.bars([dict(own["sign_ups"]), dict(own["activity"])]),
            "hours": {**own["hours"], "everybody": self.everybody} if own["hours"] else None,
            "graph": drawing and _graph(drawing, own["signals"]),
            "near": [
                [*self.names[other], n, users, strongest - 1 if strongest <= SIGNALS else None,
                 rounded(nats, 2)]
                for other, n, users, strongest, nats in own["near"][:NEAR]
            ],
            "near_left": max(0, len(own["near"]) - NEAR),
            "changes": own["changes"] or None,
            "judgements": [
                [minute(at), self.redaction.value("name", by or ""), decision,
                 cut(self.redaction.note(note or "", self.known.get(place, ())), 600)]
                for at, by, decision, note in own["judged"]
            ],
        }  # fmt: skip

    def _members(self, places: str) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
        """The members of each operator of a batch, those with none included."""
        rows = self.tables.by_place(
            f"""
            SELECT place, account_id, confidence, evidence, held_by, created_at, last_seen,
                coalesce(mask, 0), ranks
            FROM (
                SELECT place, m.*, row_number() OVER (PARTITION BY place ORDER BY
                    confidence DESC NULLS LAST, evidence DESC NULLS LAST, account_id) AS nth
                FROM members AS m JOIN shown USING (operator_id) WHERE {places}
                QUALIFY nth <= {MEMBERS}
            ) AS m
            LEFT JOIN (SELECT account, created_at, last_seen FROM accounts) USING (account)
            LEFT JOIN ({MASKS.format(places=places)}) USING (place, account)
            LEFT JOIN (
                SELECT place, account, list(rank ORDER BY weight DESC, rank) AS ranks
                FROM uses WHERE {places} AND rank <= {SIGNALS} GROUP BY place, account
            ) USING (place, account)
            ORDER BY place, nth
            """
        )
        for (place,) in self.tables.rows(f"SELECT place FROM shown WHERE {places} ORDER BY 1"):
            yield place, rows.pop(place, [])

    def _columns(
        self,
        rows: Sequence[tuple[Any, ...]],
        signals: Sequence[tuple[Any, ...]],
        drawing: graph.Drawing | None,
        accounts: int,
    ) -> dict[str, Any]:
        """Members by column; `held` are the gaps between the positions of signals, ascending."""
        weighed = [
            reliance.Held(kind, weight or 0.0, None if above is None else above - 1)
            for kind, _, _, _, weight, above, _ in signals
        ]
        most = max(8, HELD // max(1, len(rows)))
        columns: dict[str, list[Any]] = {name: [] for name in MEMBER_COLUMNS}
        for account_id, confidence, evidence, held_by, created, last, mask, ranks in rows:
            held = [rank - 1 for rank in ranks or ()]
            weakest = reliance.weakest(held, weighed)
            known = weakest is not None and evidence is not None
            columns["id"].append(cut(self.redaction.account(account_id or "")))
            columns["confidence"].append(probability(confidence))
            columns["evidence"].append(rounded(evidence, 1))
            columns["held_by"].append(held_by)
            columns["created"].append(day(created))
            columns["last"].append(day(last))
            columns["bundle"].append(drawing.bundle_of(mask) if drawing else -1)
            columns["relies_on"].append(weakest[0] if known and weakest else -1)
            columns["without"].append(
                probability(reliance.confidence(evidence, weakest[1], accounts, self.accounts))
                if known and weakest
                else None
            )
            columns["held"].append(_gaps(sorted(held[:most])))
        return {**columns, "cut_at": most}

    def _days(self, places: str, table: str, time: str, count: str) -> dict[int, list[Any]]:
        return self.tables.by_place(
            f"""
            SELECT place, date_diff('day', DATE '1970-01-01', t.{time}::DATE) AS day, {count}
            FROM members JOIN shown USING (operator_id) JOIN {table} AS t USING (account)
            WHERE isfinite(t.{time}) AND {places} GROUP BY ALL ORDER BY place
            """
        )

    def _sentence(self, text: str | None, place: int) -> str:
        return cut(self.redaction.sentence(text or "", self.known.get(place, ())), 600)


# which of the signals of a drawing a member has, a bit each
MASKS = f"""
SELECT place, account, sum(1::BIGINT << (turn - 1)::INTEGER)::BIGINT AS mask
FROM (SELECT DISTINCT place, account, turn FROM uses
      WHERE {{places}} AND turn <= {graph.SIGNALS})
GROUP BY place, account
"""


def _drawing(
    bundles: dict[int, int], signals: Sequence[tuple[Any, ...]], accounts: int
) -> graph.Drawing | None:
    """The drawing of an operator; None if nothing ties its members."""
    if not bundles:
        return None
    count = min(graph.SIGNALS, len(signals))
    return graph.draw(bundles, count, max(accounts, sum(bundles.values())))


def _graph(drawing: graph.Drawing, signals: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """The drawing as the page reads it: `signals` are positions in the list of signals."""
    turns = sorted(range(len(signals)), key=lambda n: signals[n][-1])
    data = asdict(drawing)
    data["signals"] = [turns[signal] for signal in drawing.signals]
    del data["masks"], data["considered"]
    return data


def _gaps(positions: list[int]) -> list[int]:
    return [b - a for a, b in zip([0, *positions], positions, strict=False)]


def _relied_on(members: dict[str, Any]) -> list[list[int]]:
    """Signals without which listed members would fall away, and how many: most members first."""
    counts = Counter(
        signal
        for signal, left in zip(members["relies_on"], members["without"], strict=True)
        if left is not None and left < 0.5
    )
    return [list(item) for item in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
