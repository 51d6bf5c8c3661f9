"""Which of the things that members share are a household's, or one person's.

In: `attributed`, `linking_edges`. A group that strangers' addresses or a framework's texts put
together falls into families and people with two accounts, and in each the card, the machine, the
telephone and the mailbox say the same of the same few. Those things are nobody's stock. An
operator's cross: who has a card with one has a machine with another.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from linkage.bipartite import components
from linkage.engine import Engine
from linkage.triage.homes import FAMILY

ONE_OF = 1 / 3
"""A household, or a place, is one of several if no larger share of the members is in it."""

FEW = 3
"""So many accounts, or cards, machines and telephones, may be one person's, or one shop's."""


def find(engine: Engine, kinds: tuple[str, ...]) -> None:
    """Create `households` (operator, signal): what members of one of several households share.

    A household is up to `FAMILY` members that things of these kinds tie to each other and to no
    other member: of whom two have things of two kinds in common, since a card that three have may
    be one of a hundred; or, if they are so few as one person's accounts, a mailbox, or anything
    where many of such few are told by that.
    """
    engine.create("things", _THINGS.format(kinds=kinds))
    uses = engine.arrow("SELECT * FROM things ORDER BY operator, account, signal")
    operator, signal, size = (uses[name].to_numpy() for name in ("operator", "signal", "size"))
    # an account is of one operator; a signal of several is a node of each
    accounts, account = np.unique(uses["account"].to_numpy(), return_inverse=True)
    ends = np.column_stack([operator, signal])
    signals, node = np.unique(ends, axis=0, return_inverse=True)
    edges = np.column_stack([account, node.reshape(-1) + len(accounts)])
    piece = components(len(accounts) + len(signals), edges)
    # no piece is without an account
    members = np.bincount(piece[: len(accounts)])
    few, of_use = members <= FEW, piece[account]
    told = np.zeros(len(members), dtype=bool)
    told[piece[np.searchsorted(accounts, engine.arrow(_AGREEING)["account"].to_numpy())]] = True
    mailbox = of_use[uses["kind"].to_numpy(zero_copy_only=False) == "email"]
    told[mailbox] |= few[mailbox]
    # of each operator, how many of those who may be one person are told to be
    pieces, first = np.unique(of_use, return_index=True)
    _, owner = np.unique(operator[first], return_inverse=True)
    persons = np.bincount(owner, weights=few[pieces])
    so = np.bincount(owner, weights=few[pieces] & told[pieces]) >= ONE_OF * persons
    told[pieces] |= few[pieces] & so[owner]
    found = told[of_use] & (members[of_use] <= np.minimum(FAMILY, ONE_OF * size))
    kept = np.unique(ends[found], axis=0)
    columns = [pa.array(kept[:, i], pa.int64()) for i in range(2)]
    engine.put("households", pa.table(columns, names=["operator", "signal"]))


# an alias is its mailbox again
_THINGS = """
    WITH used AS (
        SELECT m.operator, m.account, e.signal, s.size,
               CASE WHEN e.kind = 'email_alias' THEN 'email' ELSE e.kind END AS kind,
               count(*) OVER (PARTITION BY m.operator, e.signal) AS members
        FROM attributed m JOIN linking_edges e ON e.account = m.account
        JOIN (SELECT operator, count(*) AS size FROM attributed GROUP BY operator) s
          ON s.operator = m.operator
        WHERE e.kind IN {kinds}
    )
    SELECT * FROM used WHERE members >= 2
"""

_AGREEING = f"""
    SELECT a.account FROM things a
    JOIN things b ON b.operator = a.operator AND b.signal = a.signal AND b.account > a.account
    WHERE a.members <= {FAMILY} GROUP BY a.account, b.account
    HAVING count(DISTINCT a.kind) >= 2
"""
