import json

import pytest

from linkage import sources
from linkage.config import SourcesConfig
from linkage.engine import DuckDBEngine
from linkage.errors import ConfigError, InputError
from linkage.sources.columns import ALIASES, KINDS, kind_of, uses
from linkage.words import plain


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def mapping(path, **rules):
    engine = DuckDBEngine()
    sources.load(engine, [path], SourcesConfig(map=rules))
    return json.loads(engine.value("SELECT columns FROM inputs"))


def load_accounts(*paths):
    engine = DuckDBEngine()
    sources.load(engine, paths, SourcesConfig())
    return [name for (name,) in engine.rows("SELECT account_id FROM accounts ORDER BY 1")]


def error(path, rules, kind=ConfigError):
    with pytest.raises(kind) as caught:
        sources.load(DuckDBEngine(), [path], SourcesConfig(map=rules))
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [(alias, kind) for kind, aliases in ALIASES.items() for alias in aliases],
)
def test_every_alias_is_known_however_it_is_written(name, kind):
    spellings = {name, name.upper(), name.replace("_", " ").title(), name.replace("_", "-")}
    if kind in ("kind", "value"):
        return
    for spelling in spellings:
        [use] = uses([spelling], {})
        assert use.kind == kind, spelling


def test_aliases_name_one_kind_each():
    names = [plain(alias) for aliases in ALIASES.values() for alias in aliases]
    assert len(names) == len(set(names))


def test_every_kind_can_be_mapped_to_by_its_own_name():
    for kind in KINDS:
        assert kind_of(kind) == kind


def test_the_kinds_of_columns_are_kinds_of_signals():
    from linkage.signals import KINDS as SIGNALS

    assert set(KINDS) <= set(SIGNALS)


def test_the_best_alias_is_the_account_and_the_others_are_not_used():
    found = uses(["user", "account_id", "uid", "ts", "timestamp"], {})
    assert [(use.kind, use.note) for use in found] == [
        (None, "not used: account_id is the account"),
        ("account", ""),
        (None, "not used: account_id is the account"),
        (None, "not used: timestamp is the timestamp"),
        ("timestamp", ""),
    ]


def test_kind_and_value_go_together():
    assert [use.kind for use in uses(["account", "kind", "value"], {})] == [
        "account", "kind", "value",
    ]  # fmt: skip
    assert uses(["value"], {})[0].note == "not used: there is no column kind"
    assert uses(["kind"], {})[0].note == "not used: there is no column value"


def test_the_map_overrules_aliases(tmp_path):
    path = write(tmp_path / "a.csv", "Id,user,ip,Fax No,Tax ID,note\n1,b,c,d,e,f\n")
    rules = {"Id": "account", "user": "name", "ip": "ignore", "fax_no": "phone", "note": "fax"}
    assert mapping(path, **rules) == {
        "Id": "account", "user": "name", "ip": None, "Fax No": "phone", "Tax ID": None,
        "note": "fax",
    }  # fmt: skip


def test_an_exact_name_is_mapped_before_a_similar_one(tmp_path):
    path = write(tmp_path / "a.csv", "account,home ip,home_ip\n1,b,c\n")
    assert mapping(path, home_ip="device") == {
        "account": "account", "home ip": None, "home_ip": "device",
    }  # fmt: skip


def test_kinds_may_be_written_as_aliases(tmp_path):
    path = write(tmp_path / "a.csv", "x,y,z\n1,b,c\n")
    assert mapping(path, x="user_id", y="Card Fingerprint", z="PHONE") == {
        "x": "account", "y": "payment", "z": "phone",
    }  # fmt: skip


def test_several_columns_may_be_of_one_kind(tmp_path):
    path = write(tmp_path / "a.csv", "account,Phone,Fax\n1,b,c\n")
    engine = DuckDBEngine()
    sources.load(engine, [path], SourcesConfig(map={"Fax": "phone"}))
    assert engine.rows("SELECT kind, raw FROM observations ORDER BY raw") == [
        ("phone", "b"), ("phone", "c"),
    ]  # fmt: skip


def test_a_mapped_column_that_is_not_there_is_an_error(tmp_path):
    path = write(tmp_path / "a.csv", "account,client_ip\n1,b\n")
    assert error(path, {"clientip2": "ip"}) == (
        '--map clientip2=ip: no input has a column "clientip2". Did you mean "client_ip"?'
    )


def test_a_kind_that_is_no_word_is_an_error(tmp_path):
    path = write(tmp_path / "a.csv", "account,x\n1,b\n")
    assert error(path, {"x": "an ip!"}).startswith(
        '--map x=an ip!: a kind is a word of small letters, digits and _, found "an ip!". '
    )


@pytest.mark.parametrize(
    ("word", "meant"), [("devcie", "device"), ("Emial", "email"), ("timestmp", "timestamp")]
)
def test_a_slip_is_no_kind_of_ones_own(tmp_path, word, meant):
    path = write(tmp_path / "a.csv", "account,x\n1,b\n")
    assert error(path, {"x": word}) == (
        f'--map x={word}: no kind "{word}". Did you mean "{meant}"? '
        "For a kind of your own, take a word that is less like it."
    )
    assert mapping(path, x="banana") == {"account": "account", "x": "banana"}


def test_kinds_go_by_what_is_shown(tmp_path):
    path = write(tmp_path / "a.csv", "account,x,y\n1,b,c\n")
    assert mapping(path, x="IP address", y="card") == {
        "account": "account", "x": "ip", "y": "payment",
    }  # fmt: skip
    assert [kind_of(word) for word in ("Address Range", "template")] == ["ip_range", "prompt"]


@pytest.mark.parametrize(
    ("rules", "first", "second"),
    [
        ({"ip (2)": "ignore"}, "ip", None),
        ({"ip": "ignore", "IP (2)": "ip"}, None, "ip"),
        ({"ip": "device"}, "device", "device"),
    ],
)
def test_columns_of_one_name_are_told_apart(tmp_path, rules, first, second):
    path = write(tmp_path / "a.csv", "account,ip,ip\n1,b,c\n")
    assert mapping(path, **rules) == {"account": "account", "ip": first, "ip (2)": second}
    assert error(path, {"ip (3)": "ip"}).endswith('Did you mean "ip (2)"?')


def test_two_accounts_in_one_table_are_an_error(tmp_path):
    path = write(tmp_path / "a.csv", "a,b,ip\n1,b,c\n")
    assert error(path, {"a": "account", "b": "account"}) == (
        '--map: "a" and "b" are both mapped to account; a table has one. Drop one.'
    )


def test_a_table_without_an_account_is_an_error(tmp_path):
    path = write(tmp_path / "a.csv", "number,ip\n1,b\n")
    assert error(path, {}, InputError) == (
        "a.csv: no account column. Expected one named account_id, account, user_id, user, uid, "
        "customer_id, customer, acct_id, acct, member_id, player_id, profile_id, subscriber_id, "
        'worker_id, id; found "number", "ip".\n'
        "Say which column is the account: --map COLUMN=account"
    )


def test_inputs_without_any_signal_are_an_error(tmp_path):
    path = write(tmp_path / "a.csv", "account,created_at,colour\n1,2024-01-01,red\n")
    message = error(path, {}, InputError)
    assert message.startswith(
        "No input has a column of signals, such as ip or email: "
        'a.csv has "account", "created_at", "colour".\n'
        "Say what a column holds: --map COLUMN=KIND (kinds: payment, bin, ip, "
    )
    # one table of several may have none
    events = write(tmp_path / "b.csv", "account,ip\n1,x\n")
    sources.load(DuckDBEngine(), [path, events], SourcesConfig())


def test_a_column_of_many_different_words_is_no_column_of_kinds(tmp_path):
    rows = "".join(f"1,word{i},x\n" for i in range(300))
    path = write(tmp_path / "a.csv", "account,kind,value\n" + rows)
    message = error(path, {}, InputError)
    assert message.startswith('a.csv, column "kind": more than 200 different kinds (one is "word')
    assert message.endswith("--map kind=ignore")


def test_when_rows_were_made_is_their_time_where_accounts_have_several(tmp_path):
    def table(name, second):
        rows = [f"{user},2024-01-0{day},9.9.9.{day}\n" for user in "abc" for day in (1, second)]
        return write(tmp_path / name, "user_id,created_at,ip\n" + "".join(rows))

    rows, accounts = table("rows.csv", 2), table("accounts.csv", 1)
    assert mapping(rows)["created_at"] == "timestamp"
    assert mapping(accounts)["created_at"] == "created_at"
    assert mapping(rows, created_at="created_at")["created_at"] == "created_at"


def test_a_timestamp_is_the_time_of_the_row_whatever_was_made(tmp_path):
    rows = [f"{user},2024-01-0{day},2024-01-05,9.9.9.1\n" for user in "abc" for day in (1, 2)]
    found = mapping(write(tmp_path / "a.csv", "user_id,created_at,ts,ip\n" + "".join(rows)))
    assert (found["created_at"], found["ts"]) == ("created_at", "timestamp")


def test_an_id_alone_is_the_account_where_it_can_be(tmp_path):
    accounts = write(tmp_path / "accounts.csv", "id,email\n1,a@b.fr\n2,c@d.fr\n")
    events = write(tmp_path / "events.csv", "id,user_id,ts,ip\n7,1,2024-01-01,9.9.9.1\n")
    assert mapping(accounts)["id"] == "account"
    assert mapping(events) == {"id": None, "user_id": "account", "ts": "timestamp", "ip": "ip"}
    assert load_accounts(accounts, events) == ["1", "2"]
    more = write(tmp_path / "more.csv", "id,email\n3,e@f.fr\n")
    assert load_accounts(accounts, more) == ["1", "2", "3"]


def test_an_id_that_is_of_the_rows_is_no_account(tmp_path):
    accounts = write(tmp_path / "accounts.csv", "id,email\n1,a@b.fr\n2,c@d.fr\n")
    events = write(tmp_path / "events.csv", "id,owner,ts,ip\n7,1,2024-01-01,9.9.9.1\n")
    assert error(events, {}, InputError) == (
        'events.csv: its only column for the account is "id", whose values are no accounts of '
        "another input: they may be its rows' own.\n"
        "Say which column is the account: --map COLUMN=account (--map id=account, if it is)"
    )
    with pytest.raises(InputError, match=r"^events"):
        load_accounts(accounts, events)
    assert mapping(events, id="account")["id"] == "account"
    assert mapping(events, owner="account")["id"] is None
