"""What is decided is kept, told and obeyed."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import fleets
import pytest
from cases import Typed

from linkage import Case, Config, InputError, run
from linkage.case.views import Judgement
from linkage.config import AttributionConfig
from linkage.judgements import components
from linkage.schema import TABLES


@pytest.fixture(scope="module")
def table():
    return fleets.table(fleets.rows())


@pytest.fixture
def case(tmp_path: Path, table) -> Case:
    return again(tmp_path / "case", table)


def again(path: Path, table, min_size: int = 5) -> Case:
    config = Config(attribution=AttributionConfig(min_size=min_size))
    return run([table], path, config, with_report=False)


def azure() -> list[dict[str, object]]:
    """What blue does, by accounts of other names."""
    return [
        {**row, "account_id": str(row["account_id"]).replace("blue", "azure")}
        for row in fleets.rows({"": 0, "blue": 10}, people=0)
    ]


def of(case: Case) -> dict[str, str]:
    return dict(zip(case.members["account_id"], case.members["operator_id"], strict=True))


def events(case: Case) -> str:
    return "\n".join(line for e in case.history() for line in (e.text, *e.details))


class TestOperators:
    def test_fleets_are_found(self, case: Case) -> None:
        assert set(fleets.operators(case)) == {"red", "blue", "gold"}

    def test_dismissed_does_not_return(self, case: Case, table) -> None:
        ids = fleets.operators(case)
        made = case.judge(ids["blue"], "dismissed", "our own test accounts", "ann")
        assert made.text().startswith(f"{ids['blue']} dismissed by ann on ")
        # new accounts come, so that its name, minted from members, would be another
        more = fleets.table(fleets.rows() + fleets.rows({"blue": 7}, people=0, first=10))
        for _ in range(2):
            later = again(case.path, more)
            assert fleets.operators(later) == {f: ids[f] for f in ("red", "gold")}
            assert " accounts that would be it again are in no operator" in events(later)
        [gone] = later.diff(1, 2).changes
        assert (gone.change, gone.operator_id) == ("gone", ids["blue"])
        assert gone.text == (
            f"{ids['blue']} is gone, dismissed: 10 of its 10 accounts are in no operator"
        )
        with pytest.raises(InputError, match=f"{ids['blue']} is no operator any more: run 1 was"):
            later.show(ids["blue"])
        # who is overruled: it comes back, by its old name
        later.judge(ids["blue"], "unsure", "no, they are not ours", "bob")
        back = again(case.path, more)
        assert fleets.operators(back) == ids
        assert [j.decision for j in back.show(ids["blue"]).judgements] == ["dismissed", "unsure"]

    def test_dismissed_infrastructure_does_not_return(self, case: Case) -> None:
        """Other accounts, on the same cards and addresses."""
        ids = fleets.operators(case)
        case.judge(ids["blue"], "dismissed")
        others = fleets.rows({"red": 12, "": 0, "gold": 8}) + azure()
        later = again(case.path, fleets.table(others))
        assert "azure" not in fleets.operators(later)
        assert f"{ids['blue']} is dismissed: 10 accounts that would be it again" in events(later)
        assert "; 10 of them are in what only resembles it" in events(later)

    def test_who_resembles_what_was_confirmed(self, case: Case, tmp_path: Path) -> None:
        """Other accounts, in another case: nobody said anything of these."""
        blue = fleets.operators(case)["blue"]
        case.judge(blue, "confirmed", "chargebacks", "ann")
        file = tmp_path / "judgements.json"
        file.write_text(json.dumps(case.export_judgements()))
        table = fleets.table(fleets.rows({"red": 12, "": 0, "gold": 8}) + azure())
        other = again(tmp_path / "other", table)
        other.import_judgements(file)
        later = again(other.path, table)
        found = fleets.operators(later)["azure"]
        said = f"resembles {blue}, which ann confirmed as sockpuppets on "
        card = later.scorecard(found).set_index("item")["finding"]
        assert card["judgement"].startswith(said)
        assert f"{found} (10 accounts) {said}" in events(later)
        assert later.operator(found).verdict == "sockpuppets"

    @pytest.mark.parametrize("decision", ["confirmed", "dismissed"])
    def test_what_strangers_use_says_nothing(self, tmp_path: Path, decision: str) -> None:
        """A family behind addresses that the fleet shared with many."""
        places = ("40.9.9.1", "40.9.9.2")
        cafe = [fleets.row(f"person-{n:03}", f"card-{n}", ip, n) for n in range(9) for ip in places]
        rows = fleets.rows() + cafe
        case = again(tmp_path / "case", fleets.table(rows))
        case.judge(fleets.operators(case)["red"], decision)
        family = [
            fleets.row(f"kin-{n}", f"kin-card-{n}", ip, n, "kin-device")
            for n in range(6)
            for ip in places
        ]
        later = again(case.path, fleets.table(rows + family))
        found = fleets.operators(later)["kin"]
        assert "judgement" not in set(later.scorecard(found)["item"])

    @pytest.mark.parametrize("decision", ["confirmed", "dismissed"])
    def test_who_stood_beside_was_not_judged(self, tmp_path: Path, decision: str) -> None:
        """Another operator of the same run, which comes to use what the judged one did."""
        case = again(tmp_path / "case", fleets.table(fleets.rows({**fleets.FLEETS, "azure": 10})))
        ids = fleets.operators(case)
        made = case.judge(ids["blue"], decision)
        assert made.run == 1
        rows = fleets.rows({"red": 12, "": 0, "gold": 8}) + azure()
        for _ in range(2):
            later = again(case.path, fleets.table(rows))
            assert fleets.operators(later)["azure"] == ids["azure"]
            assert "judgement" not in set(later.scorecard(ids["azure"])["item"])

    def test_confirmed_is_shown_and_strengthens(self, tmp_path: Path) -> None:
        # one account with a card of the fleet's and an address that nobody else has
        lone = [fleets.row("lone-1", "red-card-0", "77.1.2.3", 5)]
        table = fleets.table(fleets.rows() + lone)
        case = again(tmp_path / "case", table)
        red = fleets.operators(case)["red"]
        before = case.scorecard(red).set_index("item")["weight"]
        weak = {m.account_id: m for m in case.show(red, 100).members}
        case.judge(red, "confirmed", "chargebacks", "ann")
        later = again(case.path, table)
        card = later.scorecard(red).set_index("item")
        assert card["finding"]["judgement"].startswith(
            f"confirmed as {case.operator(red).verdict} by ann on "
        )
        assert card["finding"]["judgement"].endswith(": chargebacks")
        assert later.operator(red).verdict == case.operator(red).verdict
        assert card["weight"].drop("judgement").to_dict() == before.to_dict()
        strong = {m.account_id: m for m in later.show(red, 100).members}
        assert all(strong[a].evidence > weak[a].evidence + 2.9 for a in weak)
        assert [j.decision for j in later.belonging("red-01").judgements] == ["confirmed"]

    def test_confirmed_that_is_not_there_is_told(self, case: Case) -> None:
        ids = fleets.operators(case)
        case.judge(ids["gold"], "confirmed")
        later = again(case.path, fleets.table(fleets.rows({"red": 12, "blue": 10})))
        assert f"confirmed {ids['gold']} is not found in this run" in events(later)

    def test_confirmed_as_something_else(
        self, case: Case, table, tmp_path: Path, typed: Typed
    ) -> None:
        red = fleets.operators(case)["red"]
        assert case.operator(red).verdict == "sockpuppets"
        arguments = ("judge", case.path, red, "confirmed", "--by", "ann")
        assert typed(*arguments)[1].startswith(f"{red} confirmed as sockpuppets by ann on ")
        code, out, _ = typed(*arguments, "--as", "organisation", "--note", "our partner")
        assert (code, out.startswith(f"{red} confirmed as organisation by ann on ")) == (0, True)
        assert "confirmed as organisation" in typed("judge", case.path)[1]
        assert f"{red} confirmed as organisation by ann" in typed("history", case.path)[1]
        later = again(case.path, table)
        assert later.operator(red).verdict == "organisation"
        card = later.scorecard(red).set_index("item")
        assert card["finding"]["judgement"].startswith("confirmed as organisation by ann on ")
        assert card["weight"]["judgement"] == -6
        # elsewhere, too
        file = tmp_path / "judgements.json"
        typed("judge", case.path, "--export", file)
        other = again(tmp_path / "other", table)
        other.import_judgements(file)
        assert again(other.path, table).operator(red).verdict == "organisation"

    def test_confirmed_as_what_it_cannot_be(self, case: Case, typed: Typed) -> None:
        red = fleets.operators(case)["red"]
        assert typed("judge", case.path, red, "confirmed", "--as", "organization")[::2] == (
            2,
            'confirmed as "organization"? An operator is confirmed as one of: sockpuppets, '
            'organisation, household. Did you mean "organisation"?\n',
        )
        for decision, verdict in (("dismissed", "household"), ("confirmed", "unclear")):
            assert typed("judge", case.path, red, decision, "--as", verdict)[0] == 2
        assert typed("judge", case.path, "--as", "household")[0] == 2
        assert case.judgements() == []

    def test_words(self, case: Case, typed: Typed) -> None:
        assert typed("judge", case.path, "OP-", "confirmd")[::2] == (
            2,
            'no decision "confirmd"; it is one of confirmed, dismissed, unsure. '
            'Did you mean "confirmed"?\n',
        )
        code, _, err = typed("judge", case.path, "OP-ZZZZZZ", "confirmed")
        assert (code, "no operator" in err) == (2, True)
        code, _, err = typed("judge", case.path, "OP-ZZZZZZ")
        assert (code, "Expected one of confirmed, dismissed, unsure" in err) == (2, True)
        for decision in ((), ("confirmed",)):
            assert typed("judge", case.path, "OP-ZZZZZZ", *decision, "--withdraw")[::2] == (
                2,
                "--withdraw goes with --together or --apart. A judgement of an operator is taken "
                f"back by unsure: linkage judge {case.path} OP-ZZZZZZ unsure\n",
            )
        assert typed("judge", case.path)[1] == "No judgements.\n"


class TestPairs:
    def test_apart_is_never_broken(self, case: Case, table) -> None:
        red = fleets.operators(case)["red"]
        case.apart("red-00", "red-03", "one of them is a customer", "ann")
        stayed = set()
        for _ in range(3):
            later = again(case.path, table)
            members = of(later)
            assert (members.get("red-00"), members.get("red-03")).count(red) == 1
            assert len({members.get("red-00"), members.get("red-03")}) == 2
            assert f"is not in {red}: it was judged apart from" in events(later)
            stayed.add("red-00" in members)
        assert len(stayed) == 1, "who stays does not change with every run"

    def test_together(self, case: Case, table) -> None:
        red = fleets.operators(case)["red"]
        case.together("red-00", "person-001")
        later = again(case.path, table)
        assert of(later)["person-001"] == red
        assert f"person-001 is in {red} because it was judged together with red-00" in events(later)
        assert "neither is in an operator" not in events(later)
        later.together("red-00", "person-001", withdraw=True)
        later.together("person-007", "person-008")
        last = again(case.path, table)
        assert "person-001" not in of(last)
        assert "person-007 and person-008 were judged together, and neither" in events(last)

    def test_contradictions_are_told(self, case: Case, typed: Typed) -> None:
        case.apart("red-00", "red-03", by="ann")
        with pytest.raises(InputError, match=r"judged apart by ann .* withdraw it first: linkage"):
            case.together("red-03", "red-00")
        case.together("red-00", "red-01", by="bob")
        with pytest.raises(InputError, match=r"contradicts: .*by ann.*; .*by bob"):
            case.together("red-01", "red-03")
        case.together("red-05", "red-06")
        case.together("red-06", "red-07")
        with pytest.raises(InputError, match="can't be judged apart"):
            case.apart("red-05", "red-07")
        with pytest.raises(InputError, match="nothing to withdraw"):
            case.apart("red-05", "red-07", withdraw=True)
        assert len(case.judgements()) == 4
        code, out, _ = typed("judge", case.path, "--apart", "red-03", "red-00", "--withdraw")
        assert (code, "judged apart: withdrawn" in out) == (0, True)
        case.together("red-03", "red-00")

    def test_apart_wins_where_both_came_from_elsewhere(self, case: Case, table) -> None:
        case.apart("red-00", "red-03")
        case.close()
        with duckdb.connect(str(case.path / "case.duckdb")) as connection:
            connection.execute(
                "INSERT INTO judgements VALUES "
                "(7, now(), 'x', 'together', 'red-00', 'red-01', NULL, NULL, NULL), "
                "(8, now(), 'x', 'together', 'red-01', 'red-03', NULL, NULL, NULL)"
            )
        later = again(case.path, table)
        assert of(later).get("red-00") != of(later).get("red-03")
        assert "red-00 and red-03 were judged apart, and by others together" in events(later)

    def test_components(self) -> None:
        pairs = [("a", "b"), ("c", "d"), ("b", "c")]
        assert components(pairs)["a"] == {"a", "b", "c", "d"}


class TestAllow:
    def test_a_network(self, case: Case, table, typed: Typed) -> None:
        code, out, _ = typed("allow", case.path, "ip", "41.9.0.7/16", "--note", "campus", "--json")
        assert (code, json.loads(out)["b"]) == (0, "41.9.0.0/16")
        later = again(case.path, table)
        blue = fleets.operators(later).get("blue")
        signals = later.account("blue-00").signals
        told = {s.kind: s.ignored for s in signals if s.kind in ("ip", "payment")}
        assert told == {"ip": "allowed: campus", "payment": None}
        # no range is left of addresses that are all allowed
        assert not [s for s in signals if s.kind == "ip_range"]
        evidence = later.evidence(blue)["kind"] if blue else []
        assert not {"ip", "ip_range"} & set(evidence)
        assert {"ip", "ip_range"} & set(later.evidence(fleets.operators(later)["red"])["kind"])

    def test_cards(self, case: Case, table) -> None:
        """Without cards and devices, nothing but addresses is left of a fleet."""
        for n in range(4):
            case.allow("device", f"gold-device-{n}")
        for n in range(3):
            case.allow("payment", f"gold-card-{n}")
        later = again(case.path, table)
        assert set(fleets.operators(later)) == {"red", "blue"}
        assert not [s for s in later.account("gold-00").signals if s.kind == "payment_sharing"]
        for n in range(3):
            later.allow("payment", f"gold-card-{n}", withdraw=True)
        assert set(fleets.operators(again(case.path, table))) == {"red", "blue", "gold"}

    def test_words(self, case: Case, typed: Typed) -> None:
        for kind, value, users in (
            ("ip", "9.9.9.9", "no account so far"),
            ("ip", "41.9.9.3", "5 accounts"),
            ("ip", "41.9.0.0/16", "10 accounts"),
            ("ip_range", "41.9.9.0/24", "10 accounts"),
            ("payment", "card-7", "1 account"),
        ):
            assert typed("allow", case.path, kind, value)[1].splitlines()[1] == (
                f"It is used by {users}."
            )
        assert typed("allow", case.path, "ip", "10.0.0.1")[2] == (
            '"10.0.0.1" is no IP address: private address, so it is no evidence anyway.\n'
        )
        assert "no kind" in typed("allow", case.path, "ipp", "9.9.9.9")[2]
        for shown, kind in (
            ("address range", "ip_range"),
            ("IP address", "ip"),
            ("IP", "ip"),
            ("address", "ip"),
        ):
            made = json.loads(typed("allow", case.path, shown, "9.9.9.0/24", "--json")[1])
            assert (made["a"], made["b"]) == (kind, "9.9.9.0/24")
        assert case.allow("payment card", "gold-card-1").a == "payment"
        assert case.allow("card's first digits", "411112").a == "bin"
        assert "no template" in typed("allow", case.path, "template", "Translate")[2]
        assert "is no network" in typed("allow", case.path, "ip", "9.9.9.9/99")[2]
        assert "no template" in typed("allow", case.path, "prompt", "Translate")[2]


class TestElsewhere:
    def test_export_and_import(self, case: Case, table, tmp_path: Path, typed: Typed) -> None:
        ids = fleets.operators(case)
        case.judge(ids["blue"], "dismissed", "ours", "ann")
        case.allow("ip", "42.9.0.0/16", "café", "ann")
        case.together("red-00", "red-01", by="bob")
        file = tmp_path / "judgements.json"
        assert typed("judge", case.path, "--export", file)[:2] == (
            0,
            f"3 judgements in {file}\n",
        )
        other = again(tmp_path / "other", table)
        other.apart("red-00", "red-01", by="eve")
        code, out, _ = typed("judge", other.path, "--import", file)
        assert code == 0
        assert out.startswith("2 judgements added\n")
        assert "red-00 and red-01 judged together by bob" in out.partition("Left out")[2]
        later = again(other.path, table)
        assert "blue" not in fleets.operators(later)
        assert [j.note for j in later.judgements()] == [None, "ours", "café"]
        # again: nothing twice
        assert typed("judge", other.path, "--import", file)[1].startswith("0 judgements added")

    def test_a_file_without_the_users_of_signals(self, case: Case, table, tmp_path: Path) -> None:
        """As linkage wrote it at first: it binds the same accounts, and no others."""
        case.judge(fleets.operators(case)["blue"], "dismissed")
        data = case.export_judgements()
        data["format"] = "linkage judgements 1"
        [judgement] = data["judgements"]
        judgement["signals"] = [signal[:2] for signal in judgement["signals"]]
        (tmp_path / "old.json").write_text(json.dumps(data))
        other = again(tmp_path / "other", table)
        other.import_judgements(tmp_path / "old.json")
        assert "blue" not in fleets.operators(again(other.path, table))
        rows = fleets.rows({"red": 12, "": 0, "gold": 8}) + azure()
        assert "azure" in fleets.operators(again(other.path, fleets.table(rows)))

    @pytest.mark.parametrize(
        "text", ["", "[]", '{"format": "linkage judgements 1"}', '{"format": 1}', "\x00"]
    )
    def test_a_file_of_something_else(self, case: Case, tmp_path: Path, text: str) -> None:
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(InputError, match="not a file of judgements"):
            case.import_judgements(tmp_path / "x.json")
        assert case.judgements() == []


class TestIds:
    def test_two_become_one_and_one_becomes_two(self, tmp_path: Path, typed: Typed) -> None:
        """Two fleets that share everything from now on, and later nothing."""
        one = fleets.rows({"red": 12, "blue": 10})
        case = again(tmp_path / "case", fleets.table(one))
        ids = fleets.operators(case)
        joined = one + [
            fleets.row(f"{fleet}-{n:02}", f"{other}-card-{card}", ip, n)
            for fleet, other, size in (("red", "blue", 12), ("blue", "red", 10))
            for n in range(size)
            for card in range(3)
            for ip in (f"40.9.{card}.9", f"41.9.{card}.9")
        ]
        both = again(case.path, fleets.table(joined))
        [stays] = set(fleets.operators(both).values())
        [alias] = set(ids.values()) - {stays}
        assert stays == ids["red"], "of the same age, the larger one"
        assert both.show(alias).operator.operator_id == stays
        assert both.show(alias[3:6]).operator.operator_id == stays
        [merged] = [c for c in both.diff().changes if c.change == "merged"]
        assert merged.text == f"{alias} merged into {stays}: 10 of its 10 accounts are there"
        again_two = again(case.path, fleets.table(one))
        assert fleets.operators(again_two)["red"] == stays
        [split] = [c for c in again_two.diff().changes if c.change == "split"]
        assert (split.other, split.after) == (stays, 10)
        assert split.operator_id == fleets.operators(again_two)["blue"]
        assert typed("diff", case.path)[1].startswith("From run 2 to run 3\n")
        lines = typed("history", case.path, "--operator", stays)[1].splitlines()
        assert len([line for line in lines if "run" in line[:25]]) == 3

    def test_an_operator_that_comes_back_has_its_id(self, case: Case, table) -> None:
        ids = fleets.operators(case)
        again(case.path, fleets.table(fleets.rows({"red": 12})))
        assert fleets.operators(again(case.path, table)) == ids

    def test_other_accounts_on_the_same_infrastructure(self, case: Case) -> None:
        ids = fleets.operators(case)
        rows = [
            {**row, "account_id": str(row["account_id"]).replace("gold", "gilt")}
            for row in fleets.rows()
        ]
        later = again(case.path, fleets.table(rows))
        assert fleets.operators(later)["gilt"] == ids["gold"]

    def test_words(self, case: Case, typed: Typed) -> None:
        code, _, err = typed("diff", case.path)
        assert (code, "has had one run" in err) == (2, True)
        code, _, err = typed("diff", case.path, 1, 9)
        assert (code, err) == (2, f"no run 9 in {case.path}. It has had run 1 alone.\n")


class TestOlderCases:
    def test_version_1_opens_and_is_taken_further(self, case: Case, table, tmp_path) -> None:
        ids = fleets.operators(case)
        case.close()
        with duckdb.connect(str(case.path / "case.duckdb")) as connection:
            connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
            new = {"judged_members", "judged_signals", "judgement_notes", "aliases"}
            for name in new | {"memberships", "run_operators"}:
                connection.execute(f"DROP TABLE {name}")
            connection.execute("ALTER TABLE judgements DROP COLUMN judgement")
        old = Case(case.path)
        assert fleets.operators(old) == ids
        assert old.judgements() == []
        old.judge(ids["red"], "confirmed")
        assert [j.judgement for j in old.judgements()] == [1]
        old.close()
        case.close()
        with duckdb.connect(str(case.path / "case.duckdb")) as connection:
            found = {r[0] for r in connection.execute("SHOW TABLES").fetchall()}
        assert found == {t.name for t in TABLES.values() if t.kept} | {"meta"}
        assert fleets.operators(again(case.path, table)) == ids

    def test_judgements_of_version_3_hold(self, case: Case, table) -> None:
        ids = fleets.operators(case)
        case.judge(ids["blue"], "dismissed")
        case.close()
        with duckdb.connect(str(case.path / "case.duckdb")) as connection:
            connection.execute("UPDATE meta SET value = '3' WHERE key = 'schema_version'")
            connection.execute("ALTER TABLE judgements DROP COLUMN run")
            for column in ("members", "others"):
                connection.execute(f"ALTER TABLE judged_signals DROP COLUMN {column}")
        with Case(case.path) as old:
            assert [j.run for j in old.judgements()] == [None]
            assert old.judge(ids["red"], "confirmed").run == 1
        assert "blue" not in fleets.operators(again(case.path, table))


def test_judgement_as_text() -> None:
    at = fleets.START
    assert Judgement(1, at, "ann", "allow", "ip", "9.9.9.0/24", None, "office").text() == (
        "ip 9.9.9.0/24 allowed by ann on 2025-01-06: office"
    )
