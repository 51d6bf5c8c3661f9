from __future__ import annotations

import hashlib
import ipaddress
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from cases import Typed
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.errors import InputError
from linkage.simulate import COLUMNS, PRESETS, HonestShares, Preset, simulate
from linkage.simulate.network import Network
from linkage.simulate.operators import Operator
from linkage.simulate.text import Ragged, ends
from linkage.simulate.world import group_sizes

FILES = ("accounts.csv", "events.parquet", "truth.csv")


class Written:
    """A population read back: views a (accounts), t (truth) and e (events)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db = duckdb.connect()
        for view, name in (("a", "accounts"), ("t", "truth")):
            path = folder / f"{name}.csv"
            self.db.execute(f"CREATE TABLE {view} AS FROM read_csv('{path}', all_varchar=true)")
        self.db.execute(f"CREATE TABLE e AS FROM '{folder / 'events.parquet'}'")

    def value(self, sql: str) -> float:
        row = self.db.execute(sql).fetchone()
        assert row is not None
        return float(row[0])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.db.execute(sql).fetchall()


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("honest")
    simulate(folder, "honest", accounts=12_000)
    return Written(folder)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("demo")
    simulate(folder, "demo")
    return Written(folder)


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    hashes = []
    for number, seed in enumerate((1, 1, 2)):
        folder = tmp_path / str(number)
        simulate(folder, "demo", accounts=2_000, seed=seed)
        hashes.append([hashlib.sha256((folder / f).read_bytes()).hexdigest() for f in FILES])
    assert hashes[0] == hashes[1]
    assert all(a != b for a, b in zip(hashes[0], hashes[2], strict=True))


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_writes_what_it_says(preset: str, tmp_path: Path) -> None:
    population = simulate(tmp_path, preset, accounts=3_000)
    p = Written(tmp_path)
    assert p.value("SELECT count(*) FROM a") == population.accounts == 3_000
    assert p.value("SELECT count(*) FROM e") == population.events
    truth = p.rows("SELECT operator, count(*) FROM t WHERE operator IS NOT NULL GROUP BY 1")
    assert sorted(truth) == sorted((o.operator, o.accounts) for o in population.operators)
    assert p.value("SELECT count(*) FROM a ANTI JOIN t USING (account_id)") == 0
    assert p.value("SELECT count(*) FROM e ANTI JOIN a USING (account_id)") == 0
    assert p.value("SELECT count(*) FROM a JOIN a b ON a.referred_by = b.account_id") > 0
    assert p.value("SELECT count(*) FROM e WHERE prompt IS NULL OR trim(prompt) = ''") == 0


def test_demo_operators_differ_a_hundredfold_in_volume(demo: Written) -> None:
    volumes = demo.rows(
        "SELECT count(*) FROM e JOIN t USING (account_id) WHERE operator IS NOT NULL"
        " GROUP BY operator ORDER BY 1"
    )
    assert len(volumes) == 3
    assert 50 < volumes[-1][0] / volumes[0][0] < 200


def test_addresses_are_public(demo: Written) -> None:
    addresses = [ipaddress.ip_address(str(ip)) for (ip,) in demo.rows("SELECT DISTINCT ip FROM e")]
    assert all(address.is_global for address in addresses)
    assert {address.version for address in addresses} == {4, 6}


def test_base_rates_of_honest_sharing(honest: Written) -> None:
    cards = (
        "SELECT count(*) AS n FROM a WHERE payment_fingerprint IS NOT NULL"
        " GROUP BY payment_fingerprint"
    )
    assert 0.055 < honest.value(f"SELECT avg((n > 1)::INT) FROM ({cards})") < 0.09
    devices = (
        "SELECT count(DISTINCT account_id) AS n FROM (SELECT account_id, device_id FROM a UNION ALL"
        " SELECT account_id, device_id FROM e) WHERE device_id IS NOT NULL GROUP BY device_id"
    )
    assert 0.035 < honest.value(f"SELECT avg((n > 1)::INT) FROM ({devices})") < 0.065
    assert 12 < honest.value("SELECT count(*) / count(DISTINCT account_id) FROM e") < 19
    assert honest.value("SELECT count(*) - count(DISTINCT email) FROM a") == 0


def test_honest_groups_share_what_they_are_said_to(honest: Written) -> None:
    by_kind = dict(
        honest.rows(
            "SELECT kind, max(n) FROM (SELECT kind, ip, count(DISTINCT account_id) AS n"
            " FROM e JOIN t USING (account_id) GROUP BY ALL) GROUP BY kind"
        )
    )
    assert by_kind["carrier"] > 100
    assert by_kind["vpn"] > 50
    card = honest.value(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM a JOIN t USING (account_id)"
        " WHERE kind = 'agency' GROUP BY payment_fingerprint)"
    )
    assert 10 <= card <= 110
    own_mail = honest.value(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM a JOIN t USING (account_id)"
        " WHERE kind = 'office' GROUP BY split_part(email, '@', 2)"
        " HAVING any_value(split_part(email, '@', 2)) <> 'gmail.com')"
    )
    assert own_mail > 8


def test_addresses_pass_on_from_home_to_home(honest: Written) -> None:
    strangers = honest.value(
        "SELECT count(*) FROM (SELECT ip FROM e JOIN t USING (account_id) WHERE kind = 'single'"
        " GROUP BY ip HAVING count(DISTINCT account_id) BETWEEN 2 AND 5)"
    )
    assert strangers > 100


def test_order_and_ids_say_nothing(demo: Written) -> None:
    share = (
        "SELECT abs(corr(row, (operator IS NOT NULL)::INT)) FROM"
        " (SELECT row_number() OVER (ORDER BY account_id) AS row, operator FROM t)"
    )
    assert demo.value(share) < 0.03
    assert demo.value("SELECT count(DISTINCT length(account_id)) FROM t") == 1
    assert demo.value("SELECT count(DISTINCT length(payment_fingerprint)) FROM a") == 1


def test_nobody_acts_before_signing_up(demo: Written) -> None:
    early = (
        "SELECT count(*) FROM e JOIN a USING (account_id) WHERE timestamp < created_at::TIMESTAMP"
    )
    assert demo.value(early) == 0


def test_operator_prompts_follow_templates_that_a_prefix_does_not_show(demo: Written) -> None:
    prefixes = (
        "SELECT max(c) / sum(c) FROM (SELECT left(prompt, 20) AS p, count(*) AS c"
        " FROM e JOIN t USING (account_id) WHERE kind = 'hydra' GROUP BY p)"
    )
    assert demo.value(prefixes) < 0.1


def test_texts_from_files(tmp_path: Path) -> None:
    templates, prompts = tmp_path / "t.jsonl", tmp_path / "p.jsonl"
    templates.write_text(json.dumps({"template": "Zebra first {} zebra last"}) + "\n")
    prompts.write_text(json.dumps({"prompt": "Why is the okapi striped?"}) + "\n")
    simulate(tmp_path / "new", "demo", 1_000, templates_file=templates, prompts_file=prompts)
    p = Written(tmp_path / "new")
    filled = "SELECT count(*) FROM e WHERE prompt LIKE 'Zebra first _% zebra last'"
    assert p.value(filled) > 100
    assert p.value("SELECT count(*) FROM e WHERE prompt LIKE 'Why is the okapi striped?%'") > 100


def test_command(tmp_path: Path, typed: Typed) -> None:
    prompts = tmp_path / "p.jsonl"
    prompts.write_text(json.dumps({"prompt": "Why is the okapi striped?"}) + "\n")
    told = ("--accounts", "1000", "--without", "payment card", "--without", "ip")
    code, out, err = typed(
        "simulate", str(tmp_path / "new"), *told, "--prompts", str(prompts), "--json"
    )
    assert (code, err) == (0, "")
    assert json.loads(out)["accounts"] == 1_000
    p = Written(tmp_path / "new")
    assert p.value("SELECT count(*) FROM e WHERE prompt LIKE 'Why is the okapi striped?%'") > 100
    columns = {row[0] for table in "ae" for row in p.rows(f"DESCRIBE {table}")}
    assert not columns & {"ip", "payment_fingerprint", "card_bin"}
    code, _, err = typed("simulate", tmp_path / "new", "--without", "prompts")
    assert code == 2
    assert 'No column of kind "prompts". Did you mean "prompt"' in err


@pytest.mark.parametrize("text", ["not json", '{"other": 1}', ""])
def test_bad_template_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match='expected JSON lines with a field "template"'):
        simulate(tmp_path / "new", "demo", 1_000, templates_file=path)


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'Unknown preset "dmeo"\. Did you mean "demo"'):
        simulate(tmp_path, "dmeo")
    with pytest.raises(InputError, match="1,000 to 10,000,000 accounts, found 10"):
        simulate(tmp_path, "demo", accounts=10)
    crowd = Preset("crowded", 1_000, (Operator("hydra", 900),))
    with pytest.raises(InputError, match="more than half"):
        simulate(tmp_path, crowd)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can't be written"):
        simulate(tmp_path / "file" / "sub", "demo", accounts=1_000)


def test_somebodys_own_files_stay(tmp_path: Path, typed: Typed) -> None:
    own = tmp_path / "accounts.csv"
    own.write_text("account_id,created_at\nann,2024-03-01\n")
    for folder in (tmp_path, own):
        assert typed("simulate", folder, "--accounts", 1_000)[0] == 2
    assert typed("simulate", tmp_path, "--accounts", 1_000) == (
        2,
        "",
        f'{tmp_path} is a folder with other things in it (first: "accounts.csv") and not a '
        "population that was simulated, so nothing was written. Name a new folder: linkage "
        f"simulate {tmp_path}/population\n",
    )
    assert own.read_text().endswith("ann,2024-03-01\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["accounts.csv"]

    # an earlier population is replaced, and what lies beside it stays
    folder = tmp_path / "population"
    assert typed("simulate", folder, "--accounts", 1_000, "--without", "prompt")[0] == 0
    (folder / "case").mkdir()
    assert typed("simulate", folder, "--accounts", 1_200)[0] == 0
    assert sorted(entry.name for entry in folder.iterdir()) == sorted([*FILES, "case"])
    assert Written(folder).value("SELECT count(*) FROM a") == 1_200
    own.replace(folder / "accounts.csv")
    assert typed("simulate", folder, "--accounts", 1_000)[0] == 2


def test_groups_can_be_left_out(tmp_path: Path) -> None:
    shares = HonestShares(*[0.0] * 10)
    simulate(tmp_path, Preset("singles", 1_000, shares=shares))
    assert Written(tmp_path).rows("SELECT DISTINCT kind FROM t") == [("single",)]


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("b2b")
    simulate(folder, "b2b", accounts=8_000)
    return Written(folder)


def test_columns_left_out_change_nothing_else(tmp_path: Path) -> None:
    for name, without in (("all", ()), ("some", ("prompt", "payment", "device"))):
        simulate(tmp_path / name, "demo", 1_000, without=without)
    whole, part = Written(tmp_path / "all"), Written(tmp_path / "some")
    left_out = "payment_fingerprint, card_bin, device_id"
    accounts = whole.rows(f"SELECT * EXCLUDE ({left_out}) FROM a")
    assert part.rows("FROM a") == accounts
    assert part.rows("FROM e") == whole.rows("SELECT * EXCLUDE (device_id, prompt) FROM e")
    with pytest.raises(InputError, match=r'No column of kind "prompts"\. Did you mean "prompt"'):
        simulate(tmp_path, "demo", 1_000, without=["prompts"])


def test_only_times_are_left(tmp_path: Path) -> None:
    simulate(tmp_path, "demo", 1_000, without=COLUMNS)
    p = Written(tmp_path)
    assert [row[0] for row in p.rows("DESCRIBE a")] == ["account_id", "created_at"]
    assert [row[0] for row in p.rows("DESCRIBE e")] == ["account_id", "timestamp"]


def test_a_partner_pays_for_customers_who_are_elsewhere(business: Written) -> None:
    per_card = business.rows(
        "SELECT count(*) FROM a JOIN t USING (account_id) WHERE kind = 'customer'"
        " GROUP BY payment_fingerprint"
    )
    assert 5 < sum(n for (n,) in per_card) / len(per_card) < 15
    busiest = business.value(
        "SELECT avg(share) FROM (SELECT account_id, max(n) / sum(n) AS share FROM"
        " (SELECT account_id, ip, count(*) AS n FROM e JOIN t USING (account_id)"
        " WHERE kind = 'customer' GROUP BY ALL) GROUP BY account_id)"
    )
    assert busiest > 0.4


def test_an_operator_copies_what_offices_have(business: Written) -> None:
    shared = (
        "SELECT count(*) FROM (SELECT card_bin FROM a JOIN t USING (account_id)"
        " WHERE kind = 'catch-all' GROUP BY card_bin) JOIN (SELECT card_bin, count(*) AS n FROM a"
        " JOIN t USING (account_id) WHERE kind = 'office' GROUP BY card_bin) USING (card_bin)"
        " WHERE n > 100"
    )
    assert business.value(shared) == 1
    domains = business.value(
        "SELECT count(DISTINCT split_part(email, '@', 2)) FROM a JOIN t USING (account_id)"
        " WHERE operator = 'operator-05'"
    )
    assert domains == 1


def test_friends_share_a_card_and_no_home(business: Written) -> None:
    cards = business.rows(
        "SELECT count(*) FROM a JOIN t USING (account_id) WHERE kind = 'friends'"
        " AND payment_fingerprint IS NOT NULL GROUP BY payment_fingerprint"
    )
    assert 2 <= max(n for (n,) in cards) <= 8


def test_heavy_nat_puts_thousands_behind_an_address(tmp_path: Path) -> None:
    simulate(tmp_path, "heavy-nat", accounts=10_000)
    busiest = Written(tmp_path).value(
        "SELECT max(n) FROM (SELECT count(DISTINCT account_id) AS n FROM e GROUP BY ip)"
    )
    assert busiest > 1_000


def test_strangers_come_over_an_operators_exits(tmp_path: Path) -> None:
    found = {}
    for people in (0.0, 6.0):
        operator = Operator("hydra", 60, exits=50, exit_homes=0.0, people_per_exit=people)
        folder = tmp_path / str(people)
        simulate(folder, Preset("strangers", 2_000, (operator,)))
        found[people] = Written(folder).value(
            "SELECT count(DISTINCT account_id) FROM e JOIN t USING (account_id)"
            " WHERE operator IS NULL AND ip IN"
            " (SELECT ip FROM e JOIN t USING (account_id) WHERE operator IS NOT NULL)"
        )
    assert found[6.0] > 2 * found[0.0]


def test_a_hybrid_balancer_keeps_to_an_account_and_lets_it_rest(tmp_path: Path) -> None:
    operator = Operator("balancer", 100, schedule="hybrid", mean_events=60)
    simulate(tmp_path, Preset("hybrid", 1_000, (operator,)))
    p = Written(tmp_path)
    same = p.value(
        "SELECT avg((account_id = before)::INT) FROM (SELECT account_id,"
        " lag(account_id) OVER (ORDER BY timestamp) AS before"
        " FROM e JOIN t USING (account_id) WHERE operator IS NOT NULL)"
    )
    assert same > 0.7
    cycle = p.value(
        "SELECT avg(days) FROM (SELECT account_id, count(DISTINCT epoch(timestamp)::BIGINT"
        " // 86400 % 9) AS days FROM e JOIN t USING (account_id) WHERE operator IS NOT NULL"
        " GROUP BY account_id)"
    )
    assert cycle < 3.5


@given(st.integers(1, 16), st.sampled_from([0, 86_400]), st.integers(0, 10**7), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_no_two_lines_of_a_pool_have_one_address(
    bits: int, lease: int, seconds: int, seed: int
) -> None:
    network = Network(np.random.default_rng(seed))
    pool = network.pool(bits, lease)
    lines = network.lines(np.full(1 << bits, pool))
    network.routes(lines)
    addresses = network.finish().at(lines, np.full(len(lines), seconds))
    assert len(np.unique(addresses)) == len(lines)
    assert addresses.max() - addresses.min() == len(lines) - 1


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1), st.data())
@settings(deadline=None)
def test_ragged_take(rows: list[list[int]], data: st.DataObject) -> None:
    ragged = Ragged.of([np.array(row, np.int32) for row in rows])
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1)))
    taken = ragged.take(np.array(chosen, np.int64))
    assert taken.values.tolist() == [value for row in chosen for value in rows[row]]
    assert taken.offsets.tolist() == ends(np.array([len(rows[r]) for r in chosen], int)).tolist()


@given(st.integers(0, 5_000), st.integers(2, 10), st.integers(0, 50), st.integers(0, 99))
@settings(deadline=None)
def test_group_sizes_add_up(total: int, low: int, more: int, seed: int) -> None:
    sizes = group_sizes(np.random.default_rng(seed), total, low, low + more)
    assert sizes.sum() == total
    assert total < low or sizes.min() >= low
