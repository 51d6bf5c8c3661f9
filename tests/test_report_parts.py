import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.report import graph, map, reliance, timeline

BUNDLES = st.dictionaries(st.integers(1, 2**20 - 1), st.integers(1, 5000), min_size=1, max_size=120)


@given(BUNDLES, st.integers(0, 100))
def test_drawing_accounts_for_everyone(bundles, without):
    signals = max(bundles).bit_length()
    accounts = sum(bundles.values()) + without
    drawing = graph.draw(bundles, signals, accounts)
    drawn = sum(n for n, _ in drawing.bundles)
    assert drawn + drawing.accounts_left + drawing.accounts_without == accounts
    assert 1 <= len(drawing.bundles) <= graph.BUNDLES
    assert len(set(drawing.signals)) == len(drawing.signals) <= graph.SIGNALS
    used = {signal for _, held in drawing.bundles for signal in held}
    assert used == set(range(len(drawing.signals)))
    assert graph.draw(dict(reversed(bundles.items())), signals, accounts) == drawing


DAYS = st.dictionaries(st.integers(-700_000, 2_900_000), st.integers(1, 1000), max_size=60)


@given(DAYS, DAYS)
def test_timeline_counts_every_day(signups, activity):
    time = timeline.bars([signups, activity])
    if time is None:
        assert not signups
        assert not activity
        return
    for n, days in enumerate((signups, activity)):
        assert time["totals"][n] == sum(days.values())
        assert sum(time["bars"][n]) + time["early"][n] + time["late"][n] == time["totals"][n]
        assert len(time["bars"][n]) <= timeline.BARS
        assert time["early"][n] + time["late"][n] <= time["totals"][n]


def test_stray_dates_do_not_squash_a_timeline():
    days = {20_000 + n: 100 for n in range(30)} | {0: 1}
    time = timeline.bars([days])
    assert (time["start"], time["step"], time["early"], time["late"]) == (20_000, 1, [1], [0])


KINDS = st.sampled_from(["ip", "ip_range", "payment", "prompt"])


@st.composite
def signals_held(draw):
    """Signals of an operator, addresses perhaps in ranges, all held by one member."""
    kinds = draw(st.lists(KINDS, min_size=1, max_size=9))
    ranges = [n for n, kind in enumerate(kinds) if kind == "ip_range"]
    return [
        reliance.Held(
            kind,
            draw(st.floats(-2, 12)),
            draw(st.sampled_from(ranges)) if kind == "ip" and ranges else None,
        )
        for kind in kinds
    ]


def nats(places, signals):
    """The weight of a member's signals, as docs/method.md says it."""
    best = {}
    for kind in {signals[p].kind for p in places}:
        weights = sorted(signals[p].weight for p in places if signals[p].kind == kind)[::-1]
        weights = [w for w in weights if w > 0]
        if weights:
            family = {"ip_range": "ip"}.get(kind, kind)
            best[family] = max(best.get(family, 0), weights[0] + sum(weights[1:]) / 4)
    return sum(best.values())


@given(signals_held())
def test_nothing_costs_more_than_what_a_member_relies_on(signals):
    held = list(range(len(signals)))
    found = reliance.weakest(held, signals)
    whole = nats(held, signals)
    costs = {
        gone: whole - nats([p for p in held if p != gone and signals[p].above != gone], signals)
        for gone in held
    }
    if found is None:
        # a signal that speaks against holds nobody
        assert whole == 0
    else:
        assert math.isclose(found[1], costs[found[0]], abs_tol=1e-9)
        assert math.isclose(found[1], max(costs.values()), abs_tol=1e-9)


@settings(deadline=None)
@given(st.integers(1, 40), st.data())
def test_map_sets_no_two_operators_on_one_place(count, data):
    pairs = list(itertools.combinations(range(count), 2))
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True, max_size=60)) if pairs else []
    places = map.lay_out(count, edges)
    assert len(set(places)) == count
    assert places == map.lay_out(count, edges)
    assert all(0 <= x <= map.WIDTH and 0 <= y <= map.HEIGHT for x, y in places)
