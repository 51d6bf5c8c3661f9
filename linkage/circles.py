"""Circles: groups of accounts that share things with each other and hardly with others.

In: `linking_edges` and `attributed`. Out: more rows in `attributed`, for `attribution` to judge.
A signal graph has an edge only where two signals go together beyond chance. Where an operator
deals out its cards and templates at random, ten accounts a card and a third of them a template,
few pairs are: it comes out in pieces, or not at all, though nobody else has any of them. In the
bipartite graph it is one community, and plain.
"""

from __future__ import annotations

import pyarrow as pa

from linkage import bipartite
from linkage.engine import Engine
from linkage.signals import ACQUAINTED, DIRECT_KINDS, HELD

RESOLUTION = 10
"""So high that a popular template does not make one community of the families who use it; half of
it and twice as much make next to no difference (docs/method.md), since `attribution` merges and
splits."""

LARGE = 50_000
"""Accounts beyond which the resolution grows with the service. Modularity merges the more the
larger the whole is (its resolution limit), and whether two groups are one is no matter of how many
others there are (Traag and others 2011)."""

THROUGH_THINGS = f"""
    kind IN {(*HELD, *DIRECT_KINDS)} AND account IN (
        SELECT account FROM linking_edges WHERE kind IN {HELD}
        INTERSECT SELECT account FROM linking_edges WHERE kind IN {DIRECT_KINDS}
    )
"""
"""What ties accounts that both share a thing and name each other. A bonus ring's tree of referrals
goes through all of its machines; in a chain of friends, each home has its own."""

SPAN = 3_000
"""Groups of those are told apart as they would be in a graph of so many edges, however large the
service: a chain of a few homes stays one, and `attribution` parts it."""


def find(engine: Engine, min_size: int, seed: int) -> None:
    """Add to `attributed` the groups of accounts that share cards, devices, templates and so on,
    and those that share things with whom they invited or pay.
    """
    accounts = engine.value("SELECT count(*) FROM accounts")
    own = _edges(engine, f"kind NOT IN {ACQUAINTED}")
    _propose(engine, own, RESOLUTION * max(accounts / LARGE, 1.0), min_size, seed)
    through = _edges(engine, THROUGH_THINGS)
    _propose(engine, through, through.num_rows / SPAN, min_size, seed)


def _edges(engine: Engine, which: str) -> pa.Table:
    return engine.arrow(
        f"""
        SELECT account, signal FROM linking_edges WHERE personal AND {which}
        ORDER BY account, signal
        """
    )


def _propose(engine: Engine, edges: pa.Table, resolution: float, min_size: int, seed: int) -> None:
    account, signal = edges["account"].to_numpy(), edges["signal"].to_numpy()
    found = bipartite.communities(account, signal, resolution, min_size, seed)
    engine.put("circles", found)
    bipartite.propose(engine, "circles")
    engine.drop("circles")
