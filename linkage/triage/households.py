"""Which of the things that members share are a household's, or one person's.

In: `attributed`, `linking_edges`. A group that strangers' addresses or a framework's texts put
together falls into families and people with two accounts, and in each the card, the machine, the
telephone and the mailbox say the same of the same few. Those things are nobody's stock. An
operator's cross: who has a card with one has a machine with another.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from linkage.bipartite import network
from linkage.engine import Engine
from linkage.triage.homes import FAMILY

ONE_OF = 1 / 3
"""A household, or a place, is one of several if no larger share of the members is in it."""

FEW = 3
"""So many accounts, or cards, machines and telephones, may be one person's, or one shop's."""


def find(engine: Engine, kinds: tuple[str, ...]) -> None:
    """Create `households` (operator, signal): what members of one of several households share.

    A household is up to `FAMILY` members that things of these kinds tie to each other and to no
    other member: by two kinds, since a card that three have may be one of a hundred; or, if they
    are so few as one person's accounts, by a mailbox, or by anything where many of such few have
    two kinds in common.
    """
    uses = engine.arrow(
        f"""
        WITH used AS (
            SELECT m.operator, m.account, e.kind, e.signal, s.size,
                   count(*) OVER (PARTITION BY m.operator, e.signal) AS members
            FROM attributed m JOIN linking_edges e ON e.account = m.account
            JOIN (SELECT operator, count(*) AS size FROM attributed GROUP BY operator) s
              ON s.operator = m.operator
            WHERE e.kind IN {kinds}
        )
        SELECT * FROM used WHERE members >= 2 ORDER BY operator, account, signal
        """
    )
    operator, signal, size = (uses[name].to_numpy() for name in ("operator", "signal", "size"))
    # an account is of one operator; a signal of several is a node of each
    accounts, account = np.unique(uses["account"].to_numpy(), return_inverse=True)
    ends = np.column_stack([operator, signal])
    signals, node = np.unique(ends, axis=0, return_inverse=True)
    edges = np.column_stack([account, node.reshape(-1) + len(accounts)])
    whole = network(len(accounts) + len(signals), edges).connected_components()
    part = np.asarray(whole.membership, dtype=np.int64)
    members = np.bincount(part[: len(accounts)], minlength=len(whole))
    few = members <= FEW
    mailbox = uses["kind"].to_numpy(zero_copy_only=False) == "email"
    _, kind = np.unique(uses["kind"].to_numpy(zero_copy_only=False), return_inverse=True)
    of_use = part[account]
    of_kinds = np.unique(np.column_stack([of_use, kind]), axis=0)[:, 0]
    several = np.bincount(of_kinds, minlength=len(whole)) >= 2
    several[of_use[mailbox]] |= few[of_use[mailbox]]
    # of each operator, how many of those who may be one person have two kinds in common
    parts, first = np.unique(of_use, return_index=True)
    _, owner = np.unique(operator[first], return_inverse=True)
    persons = np.bincount(owner, weights=few[parts])
    agreeing = np.bincount(owner, weights=few[parts] & several[parts])
    so = np.zeros(len(whole), dtype=bool)
    so[parts] = (agreeing >= ONE_OF * persons)[owner] & few[parts]
    home = (members <= FAMILY) & (several | so)
    found = home[of_use] & (members[of_use] <= ONE_OF * size)
    kept = np.unique(ends[found], axis=0)
    engine.put(
        "households",
        pa.table(
            {
                "operator": pa.array(kept[:, 0], pa.int64()),
                "signal": pa.array(kept[:, 1], pa.int64()),
            }
        ),
    )
