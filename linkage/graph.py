"""Observations -> the bipartite graph of accounts and signals.

In: `accounts`, `observations`, `prompts`, `cleaned` (raw value -> signals), `template_uses`. Out:
`kinds`; `signals`, numbered in the order of kind and value; `edges`, one for each account and
signal it used; and `holdings`, the kinds of which an account has anything. A referral or transfer
names another account: that account holds the signal too, so a direct link between two accounts is
an edge pair like any other.

Two sorts of signal are made here, because only the whole graph knows them, and they let weak
evidence add up: when an account was made (its hour and day), and how widely the cards, devices
and other personal things it uses are shared (on 2 accounts, on 3 to 4, on 5 to 8, …). Ten accounts
a card, two hundred cards behind one proxy pool: no card goes with any address, but the habit does.
"""

from __future__ import annotations

import pyarrow as pa

from linkage.engine import Engine
from linkage.signals import DIRECT_KINDS, kind_of

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
SHARING = "_sharing"
"""Suffix of the kind that says how widely a personal kind's values are shared."""
ALIAS = "_alias"
"""Suffix of the kind that says that a value was reached by another spelling than the plain one."""
SHARED_KINDS = ("payment", "device", "phone", "address", "name")
"""Personal kinds whose sharing is a habit worth telling apart."""


def build(engine: Engine) -> None:
    """Create `kinds`, `signals`, `edges` and `holdings`.

    A signal that a single account uses is kept (it is part of what an account has) and marked
    as ignored: it links nobody. So are the signals of `allowed_signals` (kind, value, reason), if
    there are any.
    """
    engine.run(
        "CREATE TABLE IF NOT EXISTS allowed_signals (kind VARCHAR, value VARCHAR, reason VARCHAR)"
    )
    find_uses(engine)
    degrees = "SELECT kind, value, count(*) AS accounts FROM uses {among} GROUP BY kind, value"
    engine.create("degrees", degrees.format(among=""))
    add_sharing(engine)
    added = f"WHERE kind IN {tuple(kind + SHARING for kind in SHARED_KINDS)}"
    engine.run(f"DELETE FROM degrees {added}")
    engine.run(f"INSERT INTO degrees {degrees.format(among=added)}")
    _kinds(engine)
    engine.create(
        "signals",
        """
        WITH numbered AS (
            SELECT CAST(row_number() OVER (ORDER BY kind, value) - 1 AS INTEGER) AS signal,
                   kind, value, CAST(accounts AS INTEGER) AS accounts
            FROM degrees
        ),
        parents AS (
            SELECT signal_kind, value, min(parent_kind) AS parent_kind, min(parent) AS parent
            FROM cleaned WHERE parent IS NOT NULL GROUP BY signal_kind, value
        )
        SELECT s.signal, s.kind, s.value, up.signal AS parent, s.accounts,
               coalesce(a.reason, CASE WHEN s.accounts = 1 THEN 'used by one account' END)
                   AS ignored
        FROM numbered s
        LEFT JOIN allowed_signals a ON a.kind = s.kind AND a.value = s.value
        LEFT JOIN parents p ON p.signal_kind = s.kind AND p.value = s.value
        LEFT JOIN numbered up ON up.kind = p.parent_kind AND up.value = p.parent
        ORDER BY s.signal
        """,
    )
    engine.create(
        "edges",
        """
        SELECT u.account, s.signal, u.first_seen, u.last_seen, u.n
        FROM uses u JOIN signals s ON s.kind = u.kind AND s.value = u.value
        ORDER BY u.account, s.signal
        """,
    )
    add_holdings(engine)
    engine.drop("uses", "degrees")


def add_holdings(engine: Engine) -> None:
    """`holdings`: the kinds of which an account has anything, by `uses` and `prompts`.

    Prompts without a template say something too: that an account has other things to ask; a card
    that nobody shares, that the account is not of those who share them; and a plain mailbox, that
    it is not of those who use aliases.
    """
    engine.create(
        "holdings",
        f"""
        WITH held AS (
            SELECT account, kind FROM uses
            UNION
            SELECT account, 'prompt' AS kind FROM prompts
        )
        SELECT account, kind FROM held
        UNION
        SELECT h.account, k.kind FROM held h
        JOIN kinds k ON k.kind IN (h.kind || '{SHARING}', h.kind || '{ALIAS}')
        """,
    )


def find_uses(engine: Engine) -> None:
    """`uses`: account, kind, value, first_seen, last_seen, n."""
    engine.create(
        "uses",
        f"""
        WITH used AS (
            SELECT o.account, c.signal_kind AS kind, c.value, o.first_seen, o.last_seen, o.n
            FROM observations o JOIN cleaned c ON c.kind = o.kind AND c.raw = o.raw
            UNION ALL
            SELECT account, 'prompt' AS kind, template AS value, first_seen, last_seen, n
            FROM template_uses
            UNION ALL
            SELECT account, 'sign_up' AS kind, strftime(created_at, '%Y-%m-%d %H:00') AS value,
                   created_at, created_at, 1
            FROM accounts WHERE created_at IS NOT NULL
            UNION ALL
            SELECT account, 'sign_up_day' AS kind, strftime(created_at, '%Y-%m-%d') AS value,
                   created_at, created_at, 1
            FROM accounts WHERE created_at IS NOT NULL
        ),
        direct AS (
            SELECT a.account, u.kind, u.value, u.first_seen, u.last_seen, u.n
            FROM used u JOIN accounts a ON a.account_id = u.value
            WHERE u.kind IN {DIRECT_KINDS}
        )
        SELECT account, kind, value, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
               CAST(sum(n) AS BIGINT) AS n
        FROM (SELECT * FROM used UNION ALL SELECT * FROM direct) every
        GROUP BY account, kind, value
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
            SELECT d.* FROM degrees d ANTI JOIN allowed_signals a
              ON a.kind = d.kind AND a.value = d.value
            WHERE d.kind IN {SHARED_KINDS} AND d.accounts >= 2
        ),
        widest AS (
            SELECT u.account, u.kind, ceil(log2(max(d.accounts))) AS scale
            FROM uses u JOIN shared d USING (kind, value) GROUP BY u.account, u.kind
        )
        SELECT account, kind || '{SHARING}',
               CASE WHEN scale = 1 THEN 'on 2 accounts'
                    ELSE printf('on %d to %d accounts', CAST(pow(2, scale - 1) AS BIGINT) + 1,
                                CAST(pow(2, scale) AS BIGINT)) END,
               NULL, NULL, 1
        FROM widest
        """
    )


def _kinds(engine: Engine) -> None:
    """`kinds`: kind, family, and what it may be evidence with.

    Personal things go together only by one hand (or one home). Addresses, user agents, bins and
    sign-up times are shared by strangers: they count beside something personal, never beside each
    other. How widely things are shared counts beside something personal or an address.
    """
    present = [row[0] for row in engine.rows("SELECT DISTINCT kind FROM uses ORDER BY kind")]
    base = {kind: kind.removesuffix(SHARING) for kind in present}
    derived = {kind for kind in present if kind in SIGN_UP_KINDS or base[kind] != kind}
    engine.put(
        "kinds",
        pa.table(
            {
                "kind": pa.array(present, pa.string()),
                "family": pa.array([FAMILIES.get(k, base[k]) for k in present], pa.string()),
                "personal": [k not in derived and kind_of(k).personal for k in present],
                "sharing": [base[k] != k for k in present],
                "address": [FAMILIES.get(k, k) == "ip" for k in present],
            }
        ),
    )
