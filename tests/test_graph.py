"""The bipartite graph: signals, edges, what accounts have, habits of sharing."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest
from graphs import Uses, built, coarser, observed, put
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import graph
from linkage.engine import DuckDBEngine

SMALL: Uses = {
    "ann": [("payment", "c1"), ("ip", "9.1.1.1"), ("email", "ann@dssg.org")],
    "bob": [("payment", "c1"), ("ip", "9.1.1.2")],
    "cat": [("payment", "c2"), ("prompt", "sum up ⟨…⟩")],
}


def signals(engine: DuckDBEngine) -> list[tuple[str, str]]:
    return engine.rows("SELECT kind, value FROM signals ORDER BY signal")


def edges(engine: DuckDBEngine) -> set[tuple[str, str, str]]:
    """Edges by name."""
    return set(
        engine.rows(
            """
            SELECT account_id, kind, value
            FROM edges JOIN accounts USING (account) JOIN signals USING (signal)
            """
        )
    )


def holdings(engine: DuckDBEngine) -> set[tuple[str, str]]:
    return set(engine.rows("SELECT account_id, kind FROM holdings JOIN accounts USING (account)"))


class TestSignals:
    def test_they_are_numbered_by_kind_and_value(self) -> None:
        assert signals(built(SMALL)) == [
            ("email", "ann@dssg.org"),
            ("email_domain", "dssg.org"),
            ("ip", "9.1.1.1"),
            ("ip", "9.1.1.2"),
            ("ip_range", "9.1.1.0/24"),
            ("payment", "c1"),
            ("payment", "c2"),
            ("payment_sharing", "on 2 accounts"),
            ("prompt", "sum up ⟨…⟩"),
        ]

    def test_what_one_account_uses_links_nobody(self) -> None:
        found = built(SMALL).rows("SELECT value, accounts FROM signals WHERE ignored IS NULL")
        assert sorted(found) == [("9.1.1.0/24", 2), ("c1", 2), ("on 2 accounts", 2)]
        reasons = built(SMALL).rows("SELECT DISTINCT ignored FROM signals WHERE accounts = 1")
        assert reasons == [("used by one account",)]

    def test_a_fine_signal_names_the_coarser(self) -> None:
        parents = built(SMALL).rows(
            "SELECT a.value, b.value FROM signals a JOIN signals b ON a.parent = b.signal"
        )
        assert sorted(parents) == [
            ("9.1.1.1", "9.1.1.0/24"),
            ("9.1.1.2", "9.1.1.0/24"),
            ("ann@dssg.org", "dssg.org"),
        ]

    def test_kinds_say_what_they_may_be_evidence_with(self) -> None:
        engine = built(SMALL, created={"ann": datetime(2025, 1, 6)})
        rows = engine.rows("SELECT kind, family, personal, sharing, address FROM kinds")
        assert sorted(rows) == [
            ("email", "email", True, False, False),
            ("email_domain", "email", True, False, False),
            ("ip", "ip", False, False, True),
            ("ip_range", "ip", False, False, True),
            ("payment", "payment", True, False, False),
            ("payment_sharing", "payment", False, True, False),
            ("prompt", "prompt", True, False, False),
            ("sign_up", "sign_up", False, False, False),
            ("sign_up_day", "sign_up", False, False, False),
        ]


class TestEdges:
    def test_every_level_of_a_value_is_an_edge(self) -> None:
        assert {e for e in edges(built(SMALL)) if e[0] == "ann"} == {
            ("ann", "email", "ann@dssg.org"),
            ("ann", "email_domain", "dssg.org"),
            ("ann", "ip", "9.1.1.1"),
            ("ann", "ip_range", "9.1.1.0/24"),
            ("ann", "payment", "c1"),
            ("ann", "payment_sharing", "on 2 accounts"),
        }

    def test_spellings_of_one_value_are_one_edge(self) -> None:
        engine = observed({"ann": []})
        early, middle, late = (datetime(2025, 1, day) for day in (1, 2, 3))
        put(
            engine,
            "observations",
            [(0, "device", "AB", middle, late, 2), (0, "device", "ab", early, middle, 3)],
        )
        cleaned = [("device", raw, "device", "ab", None, None) for raw in ("AB", "ab")]
        put(engine, "cleaned", cleaned)
        graph.build(engine)
        found = engine.rows("SELECT account, first_seen, last_seen, n FROM edges")
        assert found == [(0, early, late, 5)]

    def test_a_sign_up_has_an_hour_and_a_day(self) -> None:
        made = {"ann": datetime(2025, 1, 6, 14, 59), "bob": datetime(2025, 1, 6, 15, 0)}
        found = {e for e in edges(built(SMALL, created=made)) if e[1].startswith("sign_up")}
        assert found == {
            ("ann", "sign_up", "2025-01-06 14:00"),
            ("bob", "sign_up", "2025-01-06 15:00"),
            ("ann", "sign_up_day", "2025-01-06"),
            ("bob", "sign_up_day", "2025-01-06"),
        }

    @pytest.mark.parametrize("kind", graph.DIRECT_KINDS)
    def test_who_is_referred_to_holds_the_signal_too(self, kind: str) -> None:
        uses = {"ann": [], "bob": [(kind, "ann")], "cat": [(kind, "ann"), (kind, "nobody here")]}
        assert edges(built(uses)) == {
            ("ann", kind, "ann"),
            ("bob", kind, "ann"),
            ("cat", kind, "ann"),
            ("cat", kind, "nobody here"),
        }


class TestHoldings:
    def test_they_are_the_kinds_of_the_edges(self) -> None:
        engine = built({"ann": [("device", "d")], "bob": [("ip", "9.1.1.1")]})
        assert holdings(engine) == {("ann", "device"), ("bob", "ip"), ("bob", "ip_range")}

    def test_prompts_without_a_template_are_something_to_hold(self) -> None:
        engine = built(SMALL, prompts=["bob"])
        assert {account for account, kind in holdings(engine) if kind == "prompt"} == {"bob", "cat"}

    def test_a_card_of_ones_own_says_that_one_does_not_share(self) -> None:
        held = {account for account, kind in holdings(built(SMALL)) if kind == "payment_sharing"}
        assert held == {"ann", "bob", "cat"}


class TestSharing:
    def test_the_most_shared_card_counts(self) -> None:
        uses = {
            f"a{n}": [("payment", "wide"), *([("payment", "narrow")] if n < 2 else [])]
            for n in range(5)
        }
        found = {e for e in edges(built(uses)) if e[1] == "payment_sharing"}
        assert found == {(f"a{n}", "payment_sharing", "on 5 to 8 accounts") for n in range(5)}

    def test_addresses_and_templates_have_no_such_habit(self) -> None:
        uses = {f"a{n}": [("ip", "9.1.1.1"), ("prompt", "x"), ("user_agent", "y")] for n in "12"}
        assert {kind for kind, _ in signals(built(uses))} == {
            "ip",
            "ip_range",
            "prompt",
            "user_agent",
        }

    @given(degree=st.integers(2, 300))
    @settings(max_examples=20, deadline=None)
    def test_the_scale_holds_the_number(self, degree: int) -> None:
        engine = built({f"a{n}": [("device", "d")] for n in range(degree)})
        (label,) = {value for _, kind, value in edges(engine) if kind == "device_sharing"}
        words = label.split()
        low, high = int(words[1]), int(words[-2])
        assert low <= degree <= high
        # scales double: 2, 3 to 4, 5 to 8, …
        assert high & (high - 1) == 0
        assert low == max(2, high // 2 + 1)


VALUES = [
    *(("payment", f"c{n}") for n in range(3)),
    *(("ip", f"9.1.{n % 2}.{n}") for n in range(4)),
    *(("email", f"m{n}@{'dssg.org' if n else 'mit.edu'}") for n in range(3)),
    *(("prompt", f"t{n}") for n in range(2)),
]
ANY_USES = st.dictionaries(
    st.sampled_from([f"u{n}" for n in range(8)]),
    st.lists(st.sampled_from(VALUES), unique=True, max_size=5),
    min_size=1,
)


@given(uses=ANY_USES)
@settings(max_examples=25, deadline=None)
def test_the_graph_is_what_was_used(uses: Uses) -> None:
    engine = built(uses)
    expected = {(a, *use) for a, own in uses.items() for use in own}
    expected |= {(a, *above) for a, own in uses.items() for u in own if (above := coarser(*u))}
    found = {e for e in edges(engine) if not e[1].endswith(graph.SHARING)}
    assert found == expected
    degrees = Counter((kind, value) for _, kind, value in edges(engine))
    rows = engine.rows("SELECT kind, value, accounts FROM signals")
    assert {(kind, value): accounts for kind, value, accounts in rows} == degrees


@given(uses=ANY_USES)
@settings(max_examples=15, deadline=None)
def test_order_and_names_of_accounts_change_nothing(uses: Uses) -> None:
    first = built(uses)
    again = built(uses, reverse=True)
    for table in ("signals", "edges", "holdings", "kinds"):
        query = f"SELECT * FROM {table} ORDER BY ALL"
        assert first.rows(query) == again.rows(query)
    # names that sort the other way round
    names = {account: f"{9 - int(account[1])}{account}" for account in uses}
    renamed = built({names[account]: own for account, own in uses.items()})
    assert signals(renamed) == signals(first)
    assert edges(renamed) == {(names[account], *signal) for account, *signal in edges(first)}
