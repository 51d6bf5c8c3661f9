"""Observations -> the bipartite graph of accounts and signals.

In: `accounts`, `observations`, `prompts`, `cleaned` (raw value -> signals), `template_uses`. Out:
`kinds`; `signals`, numbered in the order of kind and value; `edges`, one for each account and
signal it used; `account_kinds`, how many signals of each kind an account has; and `holdings`, the
kinds of which it has anything. A referral or transfer names another account: that account holds the
signal too, so a direct link between two accounts is an edge pair like any other.

Two sorts of signal are made here, because only the whole graph knows them, and they let weak
evidence add up: when an account was made (its hour and day), and how widely the cards, devices
and other personal things it uses are shared (on 2 accounts, on 3 to 4, on 5 to 8, …). Ten accounts
a card, two hundred cards behind one proxy pool: no card goes with any address, but the habit does.
"""

from __future__ import annotations

import pyarrow as pa

from linkage.engine import Engine
from linkage.signals import DIRECT_KINDS, kind_of
from linkage.words import SHARING

SIGN_UP_KINDS = ("sign_up", "sign_up_day")
"""When an account was made: its hour and its day."""
FAMILIES = {
    "ip_range": "ip",
    "email_domain": "email",
    "bin": "payment",
    "phone_range": "phone",
    "house": "address",
    "sign_up_day": "sign_up",
}
"""Coarser kind -> the kind whose family it belongs to: what one value implies counts once."""
ALIAS = "_alias"
"""Suffix of the kind that says that a value was reached by another spelling than the plain one."""
SHARED_KINDS = ("payment", "device", "phone", "address", "name")
"""Personal kinds whose sharing is a habit worth telling apart."""


_SIGN_UPS = """
    SELECT account, 'sign_up' AS kind, strftime(created_at, '%Y-%m-%d %H:00') AS value, created_at
    FROM accounts WHERE created_at IS NOT NULL
    UNION ALL
    SELECT account, 'sign_up_day' AS kind, strftime(created_at, '%Y-%m-%d') AS value, created_at
    FROM accounts WHERE created_at IS NOT NULL
"""


def build(engine: Engine) -> None:
    """Create `kinds`, `signals`, `edges`, `account_kinds` and `holdings`.

    A signal that a single account uses is kept (it is part of what an account has) and marked
    as ignored: it links nobody. So are the signals of `allowed_signals` (kind, value, reason), if
    there are any.
    """
    engine.run(
        "CREATE TABLE IF NOT EXISTS allowed_signals (kind VARCHAR, value VARCHAR, reason VARCHAR)"
    )
    find_uses(engine)
    degrees = "SELECT number, count(*) AS accounts FROM uses {among} GROUP BY number"
    engine.create("degrees", degrees.format(among=""))
    add_sharing(engine)
    kinds = tuple(kind + SHARING for kind in SHARED_KINDS)
    added = f"WHERE number IN (SELECT number FROM numbered WHERE kind IN {kinds})"
    engine.run(f"DELETE FROM degrees {added}")
    engine.run(f"INSERT INTO degrees {degrees.format(among=added)}")
    _kinds(engine)
    engine.create(
        "renumbered",
        """
        SELECT number, CAST(row_number() OVER (ORDER BY number) - 1 AS INTEGER) AS signal,
               CAST(accounts AS INTEGER) AS accounts
        FROM degrees
        """,
    )
    engine.create(
        "signals",
        """
        WITH coarse AS (SELECT * FROM numbered WHERE kind IN (SELECT parent_kind FROM numbered)),
        parents AS (
            SELECT n.number, s.signal FROM numbered n
            JOIN coarse up ON up.kind = n.parent_kind AND up.value = n.parent
            JOIN renumbered s ON s.number = up.number
        )
        SELECT s.signal, k.kind, n.value, up.signal AS parent, s.accounts,
               coalesce(a.reason, CASE WHEN s.accounts = 1 THEN 'used by one account' END)
                   AS ignored
        FROM renumbered s JOIN numbered n ON n.number = s.number
        JOIN kinds k ON k.kind = n.kind
        LEFT JOIN allowed_signals a ON a.kind = n.kind AND a.value = n.value
        LEFT JOIN parents up ON up.number = s.number
        """,
    )
    engine.create(
        "edges",
        """
        SELECT u.account, s.signal, u.first_seen, u.last_seen, u.n
        FROM uses u JOIN renumbered s ON s.number = u.number
        """,
    )
    add_holdings(engine)
    engine.drop("uses", "degrees", "numbered", "renumbered")


def add_holdings(engine: Engine) -> None:
    """`account_kinds` (account, kind's number, signals), and `holdings`: the kinds of which an
    account has anything, by that and `prompts`.

    Prompts without a template say something too: that an account has other things to ask; a card
    that nobody shares, that the account is not of those who share them; and a plain mailbox, that
    it is not of those who use aliases.
    """
    engine.create(
        "account_kinds",
        """
        SELECT u.account, n.kind, count(*) AS k
        FROM uses u JOIN (
            SELECT n.number, k.number AS kind FROM numbered n JOIN kinds k ON k.kind = n.kind
        ) n ON n.number = u.number
        GROUP BY u.account, n.kind
        """,
    )
    engine.create(
        "holdings",
        f"""
        WITH implied AS (
            -- by what an account has of a kind, it has something of these
            SELECT k.number AS base, o.number AS kind FROM kinds k
            JOIN kinds o ON o.kind IN (k.kind, k.kind || '{SHARING}', k.kind || '{ALIAS}')
        ),
        held AS (
            SELECT a.account, i.kind FROM account_kinds a JOIN implied i ON i.base = a.kind
            UNION
            SELECT p.account, k.number FROM prompts p CROSS JOIN kinds k WHERE k.kind = 'prompt'
        )
        SELECT h.account, k.kind FROM held h JOIN kinds k ON k.number = h.kind
        """,
    )


def find_uses(engine: Engine) -> None:
    """`uses` (account, number, first_seen, last_seen, n) and `numbered` (number, kind, value).

    Numbers stand for kinds and values from here on, in their order: to compare, gather and sort
    texts again and again is most of the work otherwise. Some are used by nobody.
    """
    engine.put("habits", _habits())
    engine.create(
        "numbered",
        f"""
        WITH found AS (
            SELECT signal_kind AS kind, value, parent_kind, parent FROM cleaned
            UNION ALL SELECT 'prompt', template, NULL, NULL FROM template_uses
            UNION ALL SELECT kind, value, NULL, NULL FROM ({_SIGN_UPS}) s
            UNION ALL SELECT kind, value, NULL, NULL FROM habits
        )
        SELECT CAST(row_number() OVER (ORDER BY kind, value) AS INTEGER) AS number, kind, value,
               min(parent_kind) AS parent_kind, min(parent) AS parent
        FROM found GROUP BY kind, value
        """,
    )
    engine.create(
        "uses",
        f"""
        WITH signals_of AS (
            SELECT c.kind, c.raw, n.number
            FROM cleaned c JOIN numbered n ON n.kind = c.signal_kind AND n.value = c.value
        ),
        used AS (
            SELECT o.account, s.number, o.first_seen, o.last_seen, o.n
            FROM observations o JOIN signals_of s ON s.kind = o.kind AND s.raw = o.raw
            UNION ALL
            SELECT t.account, n.number, t.first_seen, t.last_seen, t.n
            FROM template_uses t JOIN numbered n ON n.kind = 'prompt' AND n.value = t.template
            UNION ALL
            SELECT s.account, n.number, s.created_at, s.created_at, 1
            FROM ({_SIGN_UPS}) s JOIN numbered n ON n.kind = s.kind AND n.value = s.value
        ),
        named AS (
            SELECT n.number, a.account FROM numbered n JOIN accounts a ON a.account_id = n.value
            WHERE n.kind IN {DIRECT_KINDS}
        ),
        direct AS (
            SELECT d.account, u.number, u.first_seen, u.last_seen, u.n
            FROM used u JOIN named d ON d.number = u.number
        )
        SELECT account, number, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
               CAST(sum(n) AS BIGINT) AS n
        FROM (SELECT * FROM used UNION ALL SELECT * FROM direct) every
        GROUP BY account, number
        """,
    )


def add_sharing(engine: Engine) -> None:
    """Add to `uses`, for each personal kind, how widely an account's most shared value is.

    `degrees` says how many accounts use a value; what is allowed is not counted.
    """
    engine.run(
        f"""
        INSERT INTO uses
        WITH shared AS (
            SELECT d.number, d.accounts, n.kind FROM degrees d JOIN numbered n USING (number)
            ANTI JOIN allowed_signals a ON a.kind = n.kind AND a.value = n.value
            WHERE n.kind IN {SHARED_KINDS} AND d.accounts >= 2
        ),
        widest AS (
            SELECT u.account, s.kind, ceil(log2(max(s.accounts))) AS scale
            FROM uses u JOIN shared s ON s.number = u.number GROUP BY u.account, s.kind
        )
        SELECT w.account, n.number, NULL, NULL, 1
        FROM widest w JOIN habits h ON h.shared = w.kind AND h.scale = w.scale
        JOIN numbered n ON n.kind = h.kind AND n.value = h.value
        """
    )
    engine.drop("habits")


def _habits() -> pa.Table:
    """How widely a kind may be shared: on 2 accounts, on 3 to 4 and so on, as signals."""
    scales = range(1, 32)
    texts = ["on 2 accounts", *(f"on {2 ** (n - 1) + 1} to {2**n} accounts" for n in scales[1:])]
    rows = [
        (kind, kind + SHARING, scale, text)
        for kind in SHARED_KINDS
        for scale, text in zip(scales, texts, strict=True)
    ]
    names = ("shared", "kind", "scale", "value")
    return pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))


def _kinds(engine: Engine) -> None:
    """`kinds`: kind, its number, family, and what it may be evidence with.

    Personal things go together only by one hand (or one home). Addresses, user agents, bins and
    sign-up times are shared by strangers: they count beside something personal, never beside each
    other. How widely things are shared counts beside something personal or an address. Both
    texts are compared and gathered by again and again, so what has them has them from here.
    """
    present = [
        row[0]
        for row in engine.rows(
            "SELECT DISTINCT n.kind FROM degrees d JOIN numbered n USING (number) ORDER BY n.kind"
        )
    ]
    base = {kind: kind.removesuffix(SHARING) for kind in present}
    derived = {kind for kind in present if kind in SIGN_UP_KINDS or base[kind] != kind}
    engine.put(
        "kinds",
        pa.table(
            {
                "kind": pa.array(present, pa.string()),
                "number": pa.array(range(len(present)), pa.int32()),
                "family": pa.array([FAMILIES.get(k, base[k]) for k in present], pa.string()),
                "personal": [k not in derived and kind_of(k).personal for k in present],
                "sharing": [base[k] != k for k in present],
                "address": [FAMILIES.get(k, k) == "ip" for k in present],
            }
        ),
    )
    engine.fold("kinds", "kind", "family")
