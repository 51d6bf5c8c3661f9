import gzip
import hashlib
import json
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from sources_tables import (
    EXPECTED,
    NAMES,
    ROWS,
    as_json,
    as_table,
    csv_text,
    duck,
    load,
    parquet,
    raws,
    rejected,
    sqlite,
    tables,
    write,
)

from linkage import sources
from linkage.config import SourcesConfig
from linkage.engine import DuckDBEngine
from linkage.errors import InputError
from linkage.schema import TABLES

FORMATS = {
    "csv": lambda d: write(d / "a.csv", csv_text()),
    "tsv": lambda d: write(d / "a.tsv", csv_text("\t")),
    "semicolons": lambda d: write(d / "a.csv", csv_text(";")),
    "bars, no extension": lambda d: write(d / "a", csv_text("|")),
    "blank lines on top": lambda d: write(d / "a.csv", "\n\n" + csv_text()),
    "windows": lambda d: write(d / "a.csv", csv_text(line_end="\r\n")),
    "bom": lambda d: write(d / "a.csv", "\ufeff" + csv_text()),
    "utf-16": lambda d: write(d / "a.csv", csv_text().encode("utf-16")),
    "utf-16-be": lambda d: write(d / "a.csv", csv_text().encode("utf-16-be")),
    "utf-16-le": lambda d: write(d / "a.csv", csv_text().encode("utf-16-le")),
    "gz": lambda d: write(d / "a.csv.gz", gzip.compress(csv_text().encode())),
    "gz, utf-16, wrong extension": lambda d: write(
        d / "a.csv", gzip.compress(csv_text().encode("utf-16"))
    ),
    "jsonl": lambda d: write(d / "a.jsonl", "\n".join(as_json())),
    "jsonl, bom": lambda d: write(d / "a.jsonl", "\ufeff" + "\r\n".join(as_json())),
    "jsonl.gz": lambda d: write(d / "a.txt", gzip.compress("\n".join(as_json()).encode())),
    "json array": lambda d: write(d / "a.json", f"[\n{', '.join(as_json())}\n]"),
    "parquet": lambda d: parquet(d / "a.parquet"),
    "parquet, wrong extension": lambda d: parquet(d / "a.csv"),
    "sqlite": lambda d: sqlite(d / "a.db"),
    "sqlite, table named": lambda d: f"{sqlite(d / 'a.db')}::events",
    "duckdb": lambda d: f"{duck(d / 'a.duckdb')}::events",
    "arrow": lambda d: as_table(),
    "pandas": lambda d: pd.DataFrame(ROWS, columns=list(NAMES)),
    "a path that looks like a pattern": lambda d: write(d / "a[1]*?'x.csv", csv_text()),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_tables(name, tmp_path):
    engine = load(FORMATS[name](tmp_path))
    assert tables(engine) == EXPECTED
    assert rejected(engine) == []
    assert engine.rows("SELECT input, rows FROM inputs") == [(0, 3)]
    # nothing is left behind, in the engine or beside the files
    assert {name for (name,) in engine.rows("SHOW TABLES")} == {
        "accounts", "observations", "prompts", "activity", "rejected", "inputs", "row_hashes",
    }  # fmt: skip
    assert engine.value("SELECT current_setting('TimeZone')") == "UTC"


def test_tables_have_the_columns_of_the_schema(tmp_path):
    engine = load(as_table())
    for table in ("accounts", "observations", "prompts", "activity", "rejected", "inputs"):
        described = engine.rows(f"DESCRIBE {table}")
        assert [(c[0], c[1]) for c in described] == [
            (c.name, c.type) for c in TABLES[table].columns
        ], table


def test_a_pattern_names_several_files_and_a_view_is_a_table(tmp_path):
    write(tmp_path / "e1.csv", csv_text(rows=ROWS[:1]))
    write(tmp_path / "e2.csv", csv_text(rows=ROWS[1:2]))
    database = duck(tmp_path / "a.duckdb")
    engine = load(str(tmp_path / "e*.csv"), f"{database}::recent")
    assert tables(engine) == EXPECTED
    assert engine.rows("SELECT name FROM inputs ORDER BY input") == [
        ("e1.csv",),
        ("e2.csv",),
        ("a.duckdb::recent",),
    ]


def test_western_text_that_is_not_utf8(tmp_path):
    text = "account;name\n1;Zoé “la” Müller\n2;Ångström\n"
    engine = load(write(tmp_path / "a.csv", text.encode("cp1252")))
    assert raws(engine) == [("1", "name", "Zoé “la” Müller"), ("2", "name", "Ångström")]


def test_text_in_another_8_bit_encoding(tmp_path):
    rows = "".join(f"{i};Дмитрий Иванович Менделеев из города Тобольска\n" for i in range(50))
    path = write(tmp_path / "a.csv", ("account;name\n" + rows).encode("cp1251"))
    assert raws(load(path))[0] == ("0", "name", "Дмитрий Иванович Менделеев из города Тобольска")


def test_account_ids_are_text(tmp_path):
    path = write(tmp_path / "a.csv", "account,ip\n007,1\n7,1\n 7 ,2\n1.0,1\n1e5,1\n00,1\n")
    ids = [row[0] for row in tables(load(path))["accounts"]]
    assert ids == ["00", "007", "1.0", "1e5", "7"]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2], pa.int64()),
        pa.array([1.0, 2.0], pa.float64()),
        pa.array(["1", "2"]).dictionary_encode(),
        pa.array([1, 2], pa.decimal128(10, 2)),
        pa.array([b"1", b"2"], pa.binary()),
        pa.array(["1", "2"], pa.large_string()),
    ],
    ids=lambda values: str(values.type),
)
def test_account_ids_of_any_type_are_plain_text(values, tmp_path):
    path = parquet(tmp_path / "a.parquet", pa.table({"account": values, "ip": ["a", "b"]}))
    assert raws(load(path)) == [("1", "ip", "a"), ("2", "ip", "b")]


def test_a_pandas_column_with_gaps_or_of_several_types():
    frame = pd.DataFrame({"account": [1, None, 3], "ip": ["a", "b", 3], "phone": [4.0, None, 5.5]})
    engine = load(frame)
    assert raws(engine) == [
        ("1", "ip", "a"), ("1", "phone", "4"), ("3", "ip", "3"), ("3", "phone", "5.5"),
    ]  # fmt: skip
    assert rejected(engine) == [("row", "no account", 1, 1, "")]


def test_rows_without_an_account_are_counted(tmp_path):
    path = write(tmp_path / "a.csv", "account,ip\n1,a\n,b\n  ,c\nNULL,d\nn/a,e\n\n")
    engine = load(path)
    assert raws(engine) == [("1", "ip", "a")]
    assert rejected(engine) == [("row", "no account", 4, 4, "NULL")]
    assert engine.value("SELECT rows FROM inputs") == 5


def test_blank_values_are_no_observations(tmp_path):
    path = write(tmp_path / "a.csv", 'account,ip,email,prompt\n1,,"  "," \t"\n2,a, b ,c\n')
    engine = load(path)
    assert raws(engine) == [("2", "email", " b "), ("2", "ip", "a")]
    assert engine.rows("SELECT raw FROM prompts") == [("c",)]


def test_a_long_table_names_kinds_in_its_rows(tmp_path):
    path = write(
        tmp_path / "a.csv",
        "account,kind,value,time\n1,IP,9.9.9.9,2024-01-01\n1,Card Fingerprint,abc,2024-01-02\n"
        "1,card-fingerprint,abc,2024-01-03\n2,Prompt,hello,2024-01-01\n2,wallet hash,w,\n"
        "3,,x,\n4,timestamp,x,\n5,ip,,\n",
    )
    engine = load(path)
    assert raws(engine) == [
        ("1", "ip", "9.9.9.9"), ("1", "payment", "abc"), ("2", "wallet_hash", "w"),
    ]  # fmt: skip
    assert engine.rows("SELECT n, last_seen FROM observations WHERE kind = 'payment'") == [
        (2, datetime(2024, 1, 3))
    ]
    assert tables(engine)["prompts"] == [
        ("2", "hello", datetime(2024, 1, 1), datetime(2024, 1, 1), 1)
    ]
    assert rejected(engine) == [
        ("row", "no kind", 1, 1, "x"),
        ("row", "not a kind of signal", 1, 1, "timestamp"),
    ]
    assert [row[0] for row in tables(engine)["accounts"]] == ["1", "2", "3", "4", "5"]


def test_a_table_may_be_wide_and_long(tmp_path):
    path = write(tmp_path / "a.csv", "account,ip,kind,value\n1,a,ip,b\n1,a,email,c\n")
    assert raws(load(path)) == [("1", "email", "c"), ("1", "ip", "a"), ("1", "ip", "b")]


def test_lists_are_several_values_and_records_none(tmp_path):
    rows = [
        {"account": 1.0, "ip": ["a", "b", "a"], "email": "x", "device": {"os": 1}, "time": 1.7e9},
        {"account": "007", "ip": "c", "email": {"work": "y"}, "prompt": [{"role": "user"}]},
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(json.dumps(row) for row in rows))
    engine = load(path)
    assert raws(engine) == [
        ("007", "ip", "c"), ("1", "email", "x"), ("1", "ip", "a"), ("1", "ip", "b"),
    ]  # fmt: skip
    assert engine.value("SELECT max(n) FROM observations") == 1
    assert engine.rows("SELECT raw FROM prompts") == [('[{"role":"user"}]',)]
    table = pa.table({"account": ["1"], "ip": [["a", "b"]], "device": [{"os": 1}]})
    found = parquet(tmp_path / "a.parquet", table)
    assert raws(load(found)) == [("1", "ip", "a"), ("1", "ip", "b")]
    [description] = sources.describe(DuckDBEngine(), [found], SourcesConfig())
    assert [c.kind for c in description.columns] == [
        "account", "ip", "not used as device: holds records",
    ]  # fmt: skip


def test_prompts_of_any_shape_are_json_text(tmp_path):
    table = pa.table({"account": ["1", "2"], "messages": [[{"role": "user"}], None]})
    engine = load(parquet(tmp_path / "a.parquet", table))
    assert tables(engine)["prompts"] == [("1", '[{"role":"user"}]', None, None, 1)]


def test_column_names_do_not_meet_the_names_used_inside(tmp_path):
    names = ("id", "seen", "row", "rowid", "v0", "h0", "c0", "raw", "word", "s", "n")
    table = pa.table(
        {
            **{name: [f"x{i}", f"y{i}"] for i, name in enumerate(names)},
            "account": ["1", "2"],
            "kind": ["ip", "prompt"],
            "value": ["a", "b"],
            "email": ["c", "d"],
            "ts": ["2024-01-31", None],
            "created": [None, "2024-01-30"],
        }
    )
    path = parquet(tmp_path / "a.parquet", table)
    expected = [("1", "email", "c"), ("1", "ip", "a"), ("2", "email", "d")]
    for source in (path, table):
        engine = load(source)
        assert raws(engine) == expected
        assert engine.rows("SELECT raw FROM prompts") == [("b",)]


def test_an_engine_can_be_loaded_again():
    engine = load(as_table(ROWS[:1]))
    with pytest.raises(InputError):
        load(pa.table({"x": [1]}), engine=engine)
    assert tables(load(as_table(), engine=engine)) == EXPECTED


def test_accounts_are_numbered_by_the_bytes_of_their_ids(tmp_path):
    first = write(tmp_path / "a.csv", "account,ip\nb,1\nä,1\nB,1\n")
    second = write(tmp_path / "b.csv", "account,created_at\n10,2024-01-02\n9,\n10,2024-01-01\n")
    engine = load(first, second)
    rows = engine.rows("SELECT account, account_id, created_at, rows FROM accounts")
    assert sorted(rows) == [
        (0, "10", datetime(2024, 1, 1), 2),
        (1, "9", None, 1),
        (2, "B", None, 1),
        (3, "b", None, 1),
        (4, "ä", None, 1),
    ]


def test_an_account_named_only_as_referrer_is_no_account(tmp_path):
    path = write(tmp_path / "a.csv", "account,referred_by,transfer_to\n1, 9 ,1\n")
    engine = load(path)
    assert raws(engine) == [("1", "referral", "9"), ("1", "transfer", "1")]
    assert len(tables(engine)["accounts"]) == 1


def test_the_same_file_twice_is_read_once(tmp_path):
    first = write(tmp_path / "a.csv", csv_text())
    (tmp_path / "other").mkdir()
    second = write(tmp_path / "other" / "b.csv", csv_text())
    engine = load(first, second, first)
    assert tables(engine) == EXPECTED
    assert engine.rows("SELECT source, reason FROM rejected") == [
        ("b.csv", "the same file as a.csv, read once"),
        ("a.csv", "the same file as a.csv, read once"),
    ]


def test_the_hash_of_a_table_in_memory_is_its_content():
    def digest(table):
        return load(table).value("SELECT sha256 FROM inputs")

    table = as_table()
    chunked = pa.concat_tables([table.slice(1), table.slice(0, 1)])
    assert digest(table) == digest(chunked) == digest(table.to_pandas())
    assert digest(table) != digest(as_table(ROWS[:2]))


def test_nul_bytes_in_values_do_no_harm(tmp_path):
    values = write(tmp_path / "a.csv", b"account,ip,prompt\n1,a\0b,x\0y\n" + b"2,c,d\n" * 99)
    assert raws(load(values))[0] == ("1", "ip", "a\0b")
    lines = write(tmp_path / "a.jsonl", '{"account": "1\\u0000", "ip": "a", "b\\u0000": 1}\n')
    assert raws(load(lines)) == [("1\0", "ip", "a")]
    kinds = pa.table({"account": ["1", "1"], "kind": ["i\0p", "ip"], "value": ["a", "b"]})
    assert raws(load(kinds)) == [("1", "ip", "b")]


def test_columns_of_one_name_are_all_read(tmp_path):
    path = write(tmp_path / "a.csv", "account,ip,IP,ip\n1,a,b,c\n")
    engine = load(path)
    assert raws(engine) == [("1", "ip", "a"), ("1", "ip", "b"), ("1", "ip", "c")]
    assert json.loads(engine.value("SELECT columns FROM inputs")) == {
        "account": "account", "ip": "ip", "IP": "ip", "ip (2)": "ip",
    }  # fmt: skip


def test_prompts_of_several_columns_and_files_are_one_table(tmp_path):
    first = write(tmp_path / "a.csv", "account,prompt,message,ts\n1,x,y,2024-01-02\n1,y,,\n")
    second = write(tmp_path / "b.csv", "account,text,ts\n1,x,2024-01-01\n2,x,\n")
    assert tables(load(first, second))["prompts"] == [
        ("1", "x", datetime(2024, 1, 1), datetime(2024, 1, 2), 2),
        ("1", "y", datetime(2024, 1, 2), datetime(2024, 1, 2), 2),
        ("2", "x", None, None, 1),
    ]


def test_a_description_says_what_each_column_is_taken_for(tmp_path):
    text = "User ID;uid;ip;notes;ts\n1;2;b;x;2024-01-01\n2;3;a;;\n3;4;;;\n"
    path = write(tmp_path / "a.csv", text.encode("utf-16"))
    [found] = sources.describe(DuckDBEngine(), [path], SourcesConfig(map={"notes": "phone"}))
    assert (found.name, found.format, found.encoding, found.delimiter, found.rows) == (
        "a.csv", "csv", "utf-16", ";", 3,
    )  # fmt: skip
    assert [(c.name, c.kind, c.used, c.filled, c.examples) for c in found.columns] == [
        ("User ID", "account", True, 3, ("1", "3")),
        ("uid", "not used: User ID is the account", False, 3, ("2", "4")),
        ("ip", "ip", True, 2, ("a", "b")),
        ("notes", "phone", True, 1, ("x",)),
        ("ts", "timestamp", True, 1, ("2024-01-01",)),
    ]


def test_a_description_needs_no_account(tmp_path):
    path = write(tmp_path / "a.csv", "x,y\n1,2\n")
    [found] = sources.describe(DuckDBEngine(), [path], SourcesConfig())
    assert [c.kind for c in found.columns] == ["not recognised"] * 2


def test_progress_is_told_and_the_library_prints_nothing(tmp_path, capsys):
    told = []
    sources.load(DuckDBEngine(), [as_table()], SourcesConfig(), told.append)
    assert "reading table 1" in told
    assert capsys.readouterr() == ("", "")


def test_inputs_carry_the_hash_of_the_files_bytes(tmp_path):
    path = write(tmp_path / "a.csv", csv_text())
    engine = load(Path(path))
    assert (
        engine.value("SELECT sha256 FROM inputs") == hashlib.sha256(path.read_bytes()).hexdigest()
    )
