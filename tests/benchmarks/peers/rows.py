"""The rows that every peer gets: which account has which cleaned value of which kind.

Read from a case that linkage made, so that nobody has to clean values or mine templates again. Only
kinds that a row of the input holds are given, and values on two accounts or more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Grouping = npt.NDArray[np.int64]
Ints = npt.NDArray[Any]
Mixtures = tuple[tuple[str, tuple[str, ...]], ...]
PERSONAL = ("payment", "device", "phone", "email")
LINKING = (*PERSONAL, "prompt", "email_domain", "ip")
MIXTURES: Mixtures = (
    ("cards, devices, phones, mailboxes", PERSONAL),
    ("those and templates", (*PERSONAL, "prompt")),
    ("those, mail domains and addresses", LINKING),
)


@dataclass(frozen=True)
class Rows:
    """Accounts by number, edges to values by number, kind and size of each value.

    `mixtures` are the kinds that a method may look at, by name.
    """

    case: Path
    accounts: pa.Array
    account: Ints
    value: Ints
    kind: npt.NDArray[np.str_]
    size: Ints
    mixtures: Mixtures

    def edges(self, kinds: Collection[str], most: int | None = None) -> tuple[Ints, Ints]:
        """Accounts and values of the given kinds, values on more than `most` accounts left out."""
        chosen = np.isin(self.kind, list(kinds))
        if most is not None:
            chosen &= self.size <= most
        kept = chosen[self.value]
        return self.account[kept], self.value[kept]

    def pairs(self, kinds: Collection[str], most: int | None = None) -> pa.Table:
        """Pairs of accounts (a < b), how many values they share, and ln(N / accounts) of those."""
        account, value = self.edges(kinds, most)
        rarity = np.log(len(self.accounts) / np.maximum(self.size, 1))
        edges = pa.table({"account": account, "value": value, "rarity": rarity[value]})
        with duckdb.connect(config={"threads": 2, "memory_limit": "4GB"}) as db:
            db.register("edges", edges)
            return db.sql(
                "SELECT x.account AS a, y.account AS b, count(*)::INTEGER AS shared,"
                " sum(x.rarity)::FLOAT AS weight FROM edges x JOIN edges y USING (value)"
                " WHERE x.account < y.account GROUP BY ALL ORDER BY a, b"
            ).to_arrow_table()


def read(case: Path, mixtures: Mixtures = MIXTURES) -> Rows:
    """The rows of a case, of the kinds that some mixture has."""
    listed = ", ".join(sorted({f"'{kind}'" for _, kinds in mixtures for kind in kinds}))
    with duckdb.connect(str(case / "case.duckdb"), read_only=True) as db:
        accounts = db.sql("SELECT account_id FROM accounts ORDER BY account").to_arrow_table()
        edges = db.sql(
            "SELECT account, signal FROM edges JOIN signals USING (signal)"
            f" WHERE kind IN ({listed}) AND accounts > 1 ORDER BY ALL"
        ).fetchnumpy()
        signals = db.sql("SELECT signal, kind, accounts FROM signals").fetchnumpy()
    most = int(signals["signal"].max()) + 1
    kind = np.full(most, "", dtype="U20")
    size = np.zeros(most, np.int64)
    kind[signals["signal"]] = signals["kind"].astype(str)
    size[signals["signal"]] = signals["accounts"]
    return Rows(
        case=case,
        accounts=accounts["account_id"].combine_chunks(),
        account=np.asarray(edges["account"]),
        value=np.asarray(edges["signal"]),
        kind=kind,
        size=size,
        mixtures=mixtures,
    )


def components(count: int, a: Ints, b: Ints) -> Grouping:
    """Connected components; a group of one is none."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    _, group = connected_components(links, directed=False)
    return without_singles(group.astype(np.int64))


def without_singles(group: Grouping) -> Grouping:
    """The same groups, -1 for those of one account."""
    sizes = np.bincount(group[group >= 0], minlength=1)
    return np.where((group >= 0) & (sizes[group] > 1), group, -1)
