"""Circles: groups of accounts that share things with each other and hardly with others.

In: `linking_edges` and `attributed`. Out: more rows in `attributed`, for `attribution` to judge.
A signal graph has an edge only where two signals go together beyond chance. Where an operator
deals out its cards and templates at random, ten accounts a card and a third of them a template,
few pairs are: it comes out in pieces, or not at all, though nobody else has any of them. In the
bipartite graph it is one community, and plain.
"""

from __future__ import annotations

from linkage import bipartite
from linkage.engine import Engine
from linkage.signals import ACQUAINTED

RESOLUTION = 10
"""So high that a popular template does not make one community of the families who use it; half of
it and twice as much make next to no difference (docs/method.md), since `attribution` merges and
splits."""

LARGE = 50_000
"""Accounts beyond which the resolution grows with the service. Modularity merges the more the
larger the whole is (its resolution limit), and whether two groups are one is no matter of how many
others there are (Traag and others 2011)."""


def find(engine: Engine, min_size: int, seed: int) -> None:
    """Add to `attributed` the groups of accounts that share cards, devices, templates and so on."""
    edges = engine.arrow(
        f"""
        SELECT account, signal FROM linking_edges WHERE personal AND kind NOT IN {ACQUAINTED}
        ORDER BY account, signal
        """
    )
    accounts = engine.value("SELECT count(*) FROM accounts")
    found = bipartite.communities(
        edges["account"].to_numpy(),
        edges["signal"].to_numpy(),
        RESOLUTION * max(accounts / LARGE, 1.0),
        min_size,
        seed,
    )
    engine.put("circles", found)
    bipartite.propose(engine, "circles")
    engine.drop("circles")
