"""Damaged, wrong and partly bad inputs: what is said, and what is still read."""

import gzip
import json
import os

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linkage import sources
from linkage.config import EngineConfig, SourcesConfig
from linkage.engine import DuckDBEngine
from linkage.errors import InputError

HEADER = "account,ip,prompt\n"
GOOD = "".join(f"{i},9.9.9.{i % 250},text {i}\n" for i in range(1000))


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def load(*inputs, threads=0):
    engine = DuckDBEngine(config=EngineConfig(threads=threads))
    sources.load(engine, list(inputs), SourcesConfig())
    return engine


def error(*inputs):
    engine = DuckDBEngine()
    with pytest.raises(InputError) as caught:
        sources.load(engine, list(inputs), SourcesConfig())
    # the engine is as it was
    assert engine.value("SELECT current_setting('TimeZone')") == "UTC"
    assert not [name for (name,) in engine.rows("SHOW TABLES") if name.startswith("_")]
    return str(caught.value)


def rejected(engine):
    return engine.rows("SELECT kind, reason, count, rows, example FROM rejected ORDER BY reason")


def count(engine):
    return engine.value("SELECT rows FROM inputs")


def good_parquet(path):
    table = pa.table({"account": [str(i) for i in range(5000)], "ip": ["a"] * 5000})
    pq.write_table(table, path)
    return path


def database(path, *tables):
    with duckdb.connect(str(path)) as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table} AS SELECT '1' AS account, 'a' AS ip")
    return path


def test_a_missing_file(tmp_path):
    write(tmp_path / "accounts.csv", HEADER)
    missing = tmp_path / "acounts.csv"
    assert error(missing) == f"{missing}: no such file. The folder holds: accounts.csv."
    assert "there is no folder" in error(tmp_path / "x" / "a.csv")
    assert "no file matches this pattern" in error(str(tmp_path / "*.parquet"))
    assert error() == "No input given. Name at least one file: linkage run accounts.csv"


def test_a_folder(tmp_path):
    message = error(tmp_path)
    assert message.startswith(f"{tmp_path}: a folder, where a file was expected.\n")
    assert f"linkage run '{tmp_path}/*'" in message


@pytest.mark.parametrize("content", [b"", b"\n\n \n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_empty_file(content, tmp_path):
    path = write(tmp_path / "a.csv", content)
    assert error(path) == "a.csv: the file is empty; rows were expected. Export it again."


def test_a_header_alone(tmp_path):
    assert error(write(tmp_path / "a.csv", HEADER)) == (
        'a.csv: a header and no rows (the header is "account,ip,prompt"). Export it again.'
    )
    table = pa.table({"account": pa.array([], pa.string()), "ip": pa.array([], pa.string())})
    pq.write_table(table, tmp_path / "a.parquet")
    assert "no rows" in error(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("gzip", lambda d: write(d / "a.csv.gz", gzip.compress((HEADER + GOOD).encode())[:-900])),
        ("gzip", lambda d: write(d / "a.gz", gzip.compress(os.urandom(999))[:20] + b"x" * 99)),
        ("parquet", lambda d: write(d / "a", good_parquet(d / "p").read_bytes()[:-100])),
        ("parquet", lambda d: write(d / "a", b"PAR1" + b"\0" * 500)),
        ("parquet", lambda d: write(d / "a", good_parquet(d / "p").read_bytes()[:4] + b"\xff" * 2000
            + good_parquet(d / "p").read_bytes()[2004:])),
        ("sqlite", lambda d: write(d / "a", b"SQLite format 3\0" + b"\xff" * 5000)),
        ("duckdb", lambda d: write(d / "a", database(d / "p", "t").read_bytes()[:9000])),
    ],
)  # fmt: skip
def test_files_that_are_cut_short_or_damaged(name, damage, tmp_path):
    message = error(damage(tmp_path))
    assert message.startswith("a"), message
    assert "damaged or cut short" in message


def test_files_that_are_no_tables(tmp_path):
    binary = bytes(i * 37 % 256 for i in range(10_000))
    assert error(write(tmp_path / "a.csv", binary)).startswith(
        "a.csv: neither text nor a known binary format ("
    )
    message = error(write(tmp_path / "a.csv", b"PK\x03\x04" + binary))
    assert message.startswith("a.csv: a zip archive or an Excel workbook, which is not read.")
    assert "no account column" in error(write(tmp_path / "a.txt", "Dear all,\nplease find\n"))
    assert "no line is a JSON object" in error(write(tmp_path / "a.jsonl", "{a\n{b\n"))
    assert "found int" in error(42)


def test_a_database_without_the_table(tmp_path):
    path = database(tmp_path / "a.duckdb", "accounts", "events")
    assert error(path) == (
        "a.duckdb: a database of 2 tables (accounts, events); say which.\n"
        "For example: a.duckdb::accounts"
    )
    assert error(f"{path}::event") == ('a.duckdb: no table "event" in it. Did you mean "events"?')
    assert "a database without tables" in error(database(tmp_path / "b.duckdb"))
    text = write(tmp_path / "a.csv", HEADER + GOOD)
    assert 'is not a DuckDB or SQLite file, and so has no table "x"' in error(f"{text}::x")


def test_rows_with_the_wrong_number_of_fields_are_counted(tmp_path):
    path = write(tmp_path / "a.csv", HEADER + GOOD + "x,1\ny\n\nz,1,2\nw,1,2,3,4\n")
    engine = load(path)
    assert count(engine) == 1001
    assert rejected(engine) == [
        ("row", "too few fields", 2, 2, "row 1002: x,1"),
        ("row", "too many fields", 1, 1, "row 1006: w,1,2,3,4"),
    ]


def test_rows_with_bytes_that_are_not_text_are_counted(tmp_path):
    good = (HEADER + GOOD + "y,1,été\nz,1,étés\n").encode()
    path = write(tmp_path / "a.csv", good + b"x,1,\xff\xfe\n")
    engine = load(path)
    assert count(engine) == 1002
    [(kind, reason, n, _, example)] = rejected(engine)
    assert (kind, reason, n) == ("row", "bytes that are not text", 1)
    assert example.startswith("row 1004: x,1,")


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path):
    many = "".join(f'{i},1.1.1.1,"two\nlines, ""{i}"""\n' for i in range(3000))
    path = write(tmp_path / "a.csv", HEADER + GOOD + 'x,1,"never closed\n' + GOOD + many)
    engine = load(path)
    assert count(engine) == 5000
    assert rejected(engine) == [("row", "broken quotes", 1, 1, 'row 1002: x,1,"never closed')]
    assert engine.value("SELECT count(*) FROM prompts WHERE raw LIKE 'two%'") == 3000


def test_text_after_a_closing_quote_costs_one_row(tmp_path):
    path = write(tmp_path / "a.csv", HEADER + GOOD + 'x,1,"a"b\nx,1,c"d\n' + "short\n")
    engine = load(path)
    assert count(engine) == 1001
    assert rejected(engine) == [
        ("row", "broken quotes", 1, 1, 'row 1002: x,1,"a"b'),
        ("row", "too few fields", 1, 1, "row 1004: short"),
    ]


def test_line_ends_of_several_kinds(tmp_path):
    path = write(tmp_path / "a.csv", HEADER + GOOD + "x,1,2\r\ny,1,2\n")
    engine = load(path)
    assert count(engine) == 1002
    assert engine.rows("SELECT DISTINCT raw FROM prompts WHERE raw LIKE '2%'") == [("2",)]


def test_bad_rows_are_the_same_with_any_number_of_threads(tmp_path):
    block = GOOD * 30 + 'x,1\ny,1,2,3\n"z,1\n'
    path = write(tmp_path / "a.csv", HEADER + block * 5)
    results = [(count(e), rejected(e)) for e in (load(path, threads=n) for n in (1, 4))]
    assert results[0] == results[1]
    assert results[0][0] == 150_000


def test_broken_lines_of_jsonl_are_counted(tmp_path):
    lines = [json.dumps({"account": i, "ip": "a"}) for i in range(50)]
    lines[20:20] = ['{"account": 5, "ip"', "[1, 2]", "", '"text"', '{"account": 1} trailing']
    for name, content in (
        ("a.jsonl", "\n".join(lines).encode()),
        ("b.jsonl", gzip.compress("\n".join(lines).encode("utf-16"))),
    ):
        engine = load(write(tmp_path / name, content))
        assert count(engine) == 50
        assert rejected(engine) == [
            ("row", "not a JSON object", 4, 4, 'row 21: {"account": 5, "ip"')
        ]


def test_a_key_that_turns_up_late_is_a_column(tmp_path):
    lines = ['{"account": "1", "ip": "a"}'] * 30_000 + ['{"account": "2", "email": "b"}']
    engine = load(write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert engine.rows("SELECT raw FROM observations WHERE kind = 'email'") == [("b",)]


def test_a_long_line_is_read(tmp_path):
    text = "x" * 5_000_000
    engine = load(write(tmp_path / "a.csv", f"{HEADER}1,2,{text}\n{GOOD}"))
    assert engine.value("SELECT max(length(raw)) FROM prompts") == 5_000_000
    line = json.dumps({"account": "1", "prompt": text})
    engine = load(write(tmp_path / "a.jsonl", f'{line}\n{{"account": "2"}}\n'))
    assert engine.value("SELECT max(length(raw)) FROM prompts") == 5_000_000


def test_files_that_are_mostly_bad_are_refused(tmp_path):
    rows = "1,2,3\n" + "only this\n" * 5
    assert error(write(tmp_path / "a.csv", HEADER + rows)) == (
        "a.csv: 5 of 6 rows do not have the 3 fields of the header "
        "(first: row 3: only this: too few fields).\n"
        "If this is a table, save it again with one row of column names on top; "
        "if not, leave it out."
    )
    # the first of any reason, read at once or row by row
    for quote in ("", '"'):
        rows = f"1,2,3,4\n5,6,7,8\n1,2,3\nonly {quote}this\n"
        assert "(first: row 2: 1,2,3,4: too many fields)" in error(
            write(tmp_path / "b.csv", HEADER + rows)
        )
    lines = '{"account": 1, "ip": 2}\n{x\n{y\n'
    assert error(write(tmp_path / "a.jsonl", lines)).startswith(
        "a.jsonl: 2 of 3 rows do not have an object a line (first: row 2: {x"
    )


def test_a_table_whose_accounts_are_all_empty(tmp_path):
    assert error(write(tmp_path / "a.csv", "account,ip\n,1\nnull,2\n")) == (
        "a.csv: none of its 2 rows names an account; the account column is empty.\n"
        "If another column is the account, map it: --map COLUMN=account"
    )


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = write(tmp_path / "a.csv", HEADER + GOOD)

    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", denied)
    assert error(path) == "a.csv: can't be opened (Permission denied)."
