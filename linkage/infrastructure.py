"""Which signals go together beyond chance, and which of them form one infrastructure.

In: `kinds`, `signals`, `edges` and `account_kinds`. Out: `pairs`, the signal graph, and
`communities`, its Leiden communities. Two signals are compared by the number of accounts that have
both, from one join of the bipartite graph with itself on the account: the cost follows what each
account has, so a value that half the service shares costs an edge per account and no more.

The expected number under independence keeps, for each kind, how many signals of that kind every
account has: the chance that account a has s is d_s k_a / E, with d_s the accounts of s, k_a the
signals of that kind that a has, and E their total. Summed over accounts, two signals of kinds x
and y meet d_s d_t f_xy times, f_xy = sum_a k_ax k_ay / (E_x E_y): one factor for each two kinds.
The weight of a pair that c accounts share, e expected, is c ln(c/e) - (c - e) nats; its exponential
bounds the Poisson tail from above (Chernoff), and Benjamini-Hochberg over all pairs that could
have been tested decides which pairs stay.

An account that has thousands of what others have (a gateway, a test account, a password that goes
round) would make millions of pairs, and every pair expected; it is not asked.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import igraph
import numpy as np
import pyarrow as pa

from linkage import schema
from linkage.bipartite import network
from linkage.config import InfrastructureConfig
from linkage.engine import Engine

CHANCE_SHARE = 0.5
"""A pair stays only if less than this share of its accounts is there by chance (e < c/2): below
that, an account that has both is more likely a coincidence than not."""


IMPLIED = 0.1
"""A pair stays only if at least this share of the accounts of one signal has the other too:
a popular template is a little more common in some networks than in others, and that is all."""

DECOYS = 10_000
"""Pairs of a shuffled graph that are kept: with so many as heavy, an operator is chance anyway."""

GROWN = 1.25
"""Times as many edges as when the decoys were made, from which on they are made again."""

LEIDEN_ROUNDS = 20
"""Leiden passes; a fixed number, since passing until nothing improves may not end."""

PERSONAL = """
    ({a}.personal OR {b}.personal) AND ({a}.family <> {b}.family OR {a}.kind = {b}.kind)
"""
"""Which kinds may be evidence together (see `graph`): never what one value implies."""

HABIT = "{a}.sharing AND {b}.address"
"""Beside those: how widely things are shared, with an address."""


def find(engine: Engine, config: InfrastructureConfig, seed: int) -> None:
    """Create `pairs` (significant pairs of signals), `decoys` and `communities`.

    `communities` has a row (community, signal) for every signal in a pair; `decoys` the weights of
    the heaviest pairs found in a shuffled copy of the graph, for `chance`.
    """
    engine.create("busy", schema.BUSY_ACCOUNTS)
    _pair_kinds(engine)
    engine.create("linking_edges", _LINKING.format(edges="edges"))
    _weigh_pairs(engine, "linking_edges", "weighed_pairs")
    _keep_significant(engine, config)
    _decoys(engine, seed)
    engine.drop("weighed_pairs")
    _communities(engine, seed)


def _decoys(engine: Engine, seed: int) -> None:
    """`decoys`, of this graph, or of an earlier one (in `decoys` already) that was nearly as large.

    Chance makes the pairs it makes; a few more edges change little of that.
    """
    engine.run(schema.DECOYS.ddl("CREATE TABLE IF NOT EXISTS"))
    edges = engine.value("SELECT count(*) FROM edges")
    if edges <= GROWN * engine.value("SELECT coalesce(max(edges), 0) FROM decoys"):
        return
    _shuffle(engine, seed)
    _weigh_pairs(engine, "shuffled_edges", "_decoys")
    # one row says how many edges there were, if no pair was found
    engine.create(
        "decoys",
        f"""
        SELECT CAST({edges} AS BIGINT) AS edges, weight FROM (
            SELECT weight FROM _decoys ORDER BY weight DESC LIMIT {DECOYS}
        )
        UNION ALL SELECT {edges}, NULL
        """,
    )
    engine.drop("shuffled_edges", "_decoys")


_LINKING = """
    SELECT e.account, e.signal, s.kind, s.accounts, k.family, k.personal, k.sharing, k.address
    FROM {edges} e JOIN signals s ON s.signal = e.signal JOIN kinds k ON k.kind = s.kind
    LEFT JOIN busy b ON b.account = e.account
    WHERE s.ignored IS NULL AND b.account IS NULL
"""


def _pair_kinds(engine: Engine) -> None:
    """`kind_pairs`: of any two kinds, in their order, that may be evidence together, the factor of
    the number of accounts expected to have two signals, and how many pairs of signals there are."""
    engine.create(
        "kind_pairs",
        f"""
        WITH asked AS (
            SELECT k.* FROM account_kinds k LEFT JOIN busy b ON b.account = k.account
            WHERE b.account IS NULL
        ),
        totals AS (SELECT kind, sum(k) AS total FROM asked GROUP BY kind),
        linking AS (
            SELECT kind, count(*) AS signals FROM signals WHERE ignored IS NULL GROUP BY kind
        ),
        products AS (
            SELECT x.kind AS kind_a, y.kind AS kind_b,
                   sum(x.k * (y.k - CASE WHEN x.kind = y.kind THEN 1 ELSE 0 END)) AS product
            FROM asked x JOIN asked y ON y.account = x.account
            WHERE x.kind <= y.kind GROUP BY x.kind, y.kind
        )
        SELECT x.kind AS kind_a, y.kind AS kind_b,
               p.product / (CAST(a.total AS DOUBLE) * b.total) AS factor,
               CASE WHEN x.kind = y.kind THEN CAST(m.signals AS DOUBLE) * (m.signals - 1) / 2
                    ELSE CAST(m.signals AS DOUBLE) * n.signals END AS tests
        FROM products p
        JOIN totals a ON a.kind = p.kind_a JOIN totals b ON b.kind = p.kind_b
        JOIN kinds x ON x.number = p.kind_a JOIN kinds y ON y.number = p.kind_b
        JOIN linking m ON m.kind = x.kind JOIN linking n ON n.kind = y.kind
        WHERE ({PERSONAL.format(a="x", b="y")})
           OR ({HABIT.format(a="x", b="y")}) OR ({HABIT.format(a="y", b="x")})
        """,
    )


def _weigh_pairs(engine: Engine, edges: str, table: str) -> None:
    """`table`: every pair of signals that two accounts or more share more often than by chance.

    A habit (many accounts a card) and an address are together as often as there are different
    cards: one card that an office pays with is no habit.
    """
    engine.create(
        table,
        f"""
        WITH shared_most AS (
            SELECT account, family, arg_max(signal, (accounts, signal)) AS signal
            FROM {edges} WHERE personal GROUP BY account, family
        ),
        together AS (
            -- from the personal one, of two such from the first
            SELECT least(a.signal, b.signal) AS signal_a, greatest(a.signal, b.signal) AS signal_b,
                   count(*) AS together
            FROM {edges} a JOIN {edges} b ON b.account = a.account
            WHERE a.personal AND (a.signal < b.signal OR NOT b.personal)
              AND {PERSONAL.format(a="a", b="b")}
            GROUP BY signal_a, signal_b HAVING count(*) >= 2
            UNION ALL
            SELECT least(a.signal, b.signal), greatest(a.signal, b.signal), count(DISTINCT m.signal)
            FROM {edges} a JOIN {edges} b ON b.account = a.account
            JOIN shared_most m ON m.account = a.account AND m.family = a.family
            WHERE {HABIT.format(a="a", b="b")}
            GROUP BY a.signal, b.signal HAVING count(DISTINCT m.signal) >= 2
        ),
        expectations AS (
            SELECT t.*, least(a.accounts, b.accounts) AS fewer,
                   CAST(a.accounts AS DOUBLE) * b.accounts * f.factor AS expected
            FROM together t
            JOIN signals a ON a.signal = t.signal_a JOIN signals b ON b.signal = t.signal_b
            JOIN kind_pairs f ON f.kind_a = a.kind AND f.kind_b = b.kind
        )
        SELECT signal_a, signal_b, CAST(together AS INTEGER) AS together, expected,
               together * ln(together / expected) - (together - expected) AS weight
        FROM expectations
        WHERE expected < together * {CHANCE_SHARE} AND together >= {IMPLIED} * fewer
        """,
    )


def _keep_significant(engine: Engine, config: InfrastructureConfig) -> None:
    """`pairs`: those of `weighed_pairs` that survive Benjamini-Hochberg."""
    tests = engine.value("SELECT coalesce(sum(tests), 0) FROM kind_pairs")
    engine.create(
        "pairs",
        """
        WITH ranked AS (
            SELECT *, row_number() OVER (ORDER BY weight DESC, signal_a, signal_b) AS place
            FROM weighed_pairs
        ),
        threshold AS (SELECT min(weight) AS weight FROM ranked WHERE weight >= ? - ln(place))
        SELECT r.signal_a, r.signal_b, r.together, r.expected, r.weight
        FROM ranked r JOIN threshold t ON r.weight >= t.weight
        ORDER BY r.signal_a, r.signal_b
        """,
        [math.log(max(tests, 1.0) / config.false_discovery)],
    )


def _shuffle(engine: Engine, seed: int) -> None:
    """`shuffled_edges`: within each kind, accounts dealt anew to signals.

    Signals are numbered in the order of kinds, so the edges of a kind are places in a row, whether
    in the order of signals, each of which has as many as accounts, or shuffled.
    """
    engine.create(
        "dealt",
        """
        SELECT e.account,
               row_number() OVER (ORDER BY k.number, e.shuffle, e.signal, e.account) AS place
        FROM (SELECT account, signal, hash(account, signal, ?) AS shuffle FROM edges) e
        JOIN signals s ON s.signal = e.signal JOIN kinds k ON k.kind = s.kind
        """,
        [seed],
    )
    engine.create(
        "places",
        """
        WITH last AS (
            SELECT signal, accounts, ignored,
                   CAST(sum(accounts) OVER (ORDER BY signal) AS BIGINT) AS place
            FROM signals
        )
        SELECT signal, unnest(generate_series(place - accounts + 1, place)) AS place
        FROM last WHERE ignored IS NULL
        """,
    )
    engine.create(
        "shuffled_edges",
        _LINKING.format(
            edges="""(
                SELECT DISTINCT d.account, p.signal FROM dealt d JOIN places p ON p.place = d.place
            )"""
        ),
    )
    engine.drop("dealt", "places")


def _communities(engine: Engine, seed: int) -> None:
    pairs = engine.arrow("SELECT signal_a, signal_b, weight FROM pairs ORDER BY signal_a, signal_b")
    ends = np.column_stack([pairs["signal_a"].to_numpy(), pairs["signal_b"].to_numpy()])
    signals, numbered = np.unique(ends, return_inverse=True)
    graph = network(len(signals), numbered.reshape(ends.shape))
    graph.es["weight"] = pairs["weight"].to_numpy()
    graph.vs["signal"] = signals
    igraph.set_random_number_generator(random.Random(seed))
    communities = [community for part in graph.decompose() for community in _split(part)]
    engine.put(
        "communities",
        pa.table(
            {
                "community": pa.array(
                    [i for i, members in enumerate(communities) for _ in members], pa.int64()
                ),
                "signal": pa.array([s for members in communities for s in members], pa.int32()),
            }
        ),
    )


def _split(graph: igraph.Graph) -> Iterator[list[int]]:
    """Leiden communities, split again within themselves until none divides.

    Modularity is blind to communities that are small beside the whole graph; within a community
    its scale is the community's own. What is split too far is merged by `attribution`, which
    knows the accounts.
    """
    parts = graph.community_leiden(
        objective_function="modularity", weights="weight", n_iterations=LEIDEN_ROUNDS
    )
    if len(parts) == 1:
        yield graph.vs["signal"]
        return
    for part in parts:
        yield from _split(graph.induced_subgraph(part, implementation="create_from_scratch"))
