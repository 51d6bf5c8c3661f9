"""Companions: accounts that share a card or a device join an operator together, or not at all.

In: `attributed`, `weighed` and `family_weights` of the settled operators. Out: more rows in
`attributed`. Where an operator's accounts share cards in twos and threes, none of a card's users is
known until one is, and each alone has little: an address of the operator's, and a card that is not.
Together they have several addresses, and of the card it is known that it is shared, as the
operator's are. Who shares an address as well as a card is more likely at home, and is left out.
"""

from __future__ import annotations

from linkage.attribution.weights import FEW, HABITS
from linkage.engine import Engine


def add(engine: Engine, min_confidence: float) -> None:
    """Add to `attributed` the companions whose odds, summed, are good enough."""
    engine.create(
        "companions",
        f"""
        WITH habits AS ({HABITS}),
        groups AS (
            SELECT e.signal, w.operator, count(*) AS accounts,
                   -- the card that they share is no longer an absence
                   sum(w.evidence - least(coalesce(f.weight, 0), 0)) AS evidence
            FROM habits h JOIN weighed w ON w.operator = h.operator
            JOIN linking_edges e ON e.account = w.account AND e.kind = h.kind
            LEFT JOIN family_weights f ON f.account = w.account AND f.operator = w.operator
                                      AND f.family = e.family
            WHERE e.personal AND e.kind <> 'prompt' AND e.accounts <= {FEW}
            GROUP BY e.signal, w.operator HAVING count(*) = max(e.accounts)
        ),
        users AS (
            SELECT e.signal, e.account
            FROM linking_edges e SEMI JOIN groups g ON g.signal = e.signal
        ),
        apart AS (
            SELECT u.signal FROM users u JOIN attributed a ON a.account = u.account
            UNION ALL
            -- who shares an address, too
            SELECT u.signal FROM users u JOIN linking_edges i ON i.account = u.account
            WHERE i.address GROUP BY u.signal, i.signal HAVING count(*) >= 2
        ),
        together AS (SELECT g.* FROM groups g ANTI JOIN apart a ON a.signal = g.signal),
        total AS (SELECT count(*) AS accounts FROM accounts)
        SELECT t.signal, t.operator, t.evidence,
               t.evidence + ln(s.size / (total.accounts - s.size + 1.0)) AS log_odds
        FROM together t JOIN sizes s ON s.operator = t.operator CROSS JOIN total
        """,
    )
    engine.run(
        """
        INSERT INTO attributed BY NAME
        WITH joining AS (
            SELECT e.account, c.operator, 1 / (1 + exp(-c.log_odds)) AS confidence, w.evidence,
                   w.corroboration, w.held_by,
                   row_number() OVER (
                       PARTITION BY e.account ORDER BY c.log_odds DESC, c.operator, c.signal
                   ) AS place
            FROM companions c JOIN linking_edges e ON e.signal = c.signal
            JOIN weighed w ON w.account = e.account AND w.operator = c.operator
        )
        SELECT account, operator, confidence, evidence, corroboration, held_by
        FROM joining WHERE place = 1 AND confidence >= ?
        """,
        [min_confidence],
    )
