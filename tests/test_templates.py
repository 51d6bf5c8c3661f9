"""`linkage templates` and `linkage.templates`: a row each, in order, whatever the file."""

import csv
import gzip
import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cases import Typed

import linkage
from linkage.config import EngineConfig
from linkage.engine import DuckDBEngine
from linkage.errors import InputError
from linkage.prompts import template_id, write
from linkage.signals import prompt

LIMERICK = "Rewrite the following passage as a limerick about accountants: {}"
SKELETON = LIMERICK.format("⟨…⟩")


def words(seed: int, count: int) -> str:
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("abdegiklmnoprstuz", k=6)) for _ in range(count))


PROMPTS: list[str | None] = [
    words(1, 8),
    *(LIMERICK.format(words(10 + i, 5 + i)) for i in range(4)),
    None,
    "",
    'said "twice",\nthen =1+1',
    LIMERICK.format(words(30, 3)),
]
EXPECTED = [None, *[SKELETON] * 4, None, None, None, SKELETON]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def parquet(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path)


def to_csv(path: Path, table: pa.Table) -> None:
    table.to_pandas().to_csv(path, index=False)


def jsonl(path: Path, table: pa.Table) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()), encoding="utf-8")


def packed(path: Path, table: pa.Table) -> None:
    text = "".join(json.dumps(row) + "\n" for row in table.to_pylist())
    path.write_bytes(gzip.compress(text.encode()))


def sqlite(path: Path, table: pa.Table) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (id INTEGER, prompt TEXT)")
        database.executemany(
            "INSERT INTO t VALUES (?, ?)", [(r["id"], r["prompt"]) for r in table.to_pylist()]
        )
    database.close()


def duck(path: Path, table: pa.Table) -> None:
    with duckdb.connect(str(path)) as database:
        database.register("source", table)
        database.execute("CREATE TABLE t AS SELECT * FROM source")


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("p.parquet", parquet),
        ("p.csv", to_csv),
        ("p.jsonl", jsonl),
        ("p.jsonl.gz", packed),
        ("p.db", sqlite),
        ("p.duckdb", duck),
    ],
)
def test_a_row_for_each_of_the_input_in_order(
    tmp_path: Path, typed: Typed, name: str, save: Callable[[Path, pa.Table], None]
) -> None:
    table = pa.table({"id": range(len(PROMPTS)), "prompt": PROMPTS})
    save(tmp_path / name, table)
    code, text, _ = typed("templates", tmp_path / name, "--out", tmp_path / "out.csv")
    assert code == 0
    assert "1 template in 5 prompts" in text
    found = rows(tmp_path / "out.csv")
    assert list(found[0]) == ["row", "template_id", "template"]
    assert [int(row["row"]) for row in found] == list(range(len(PROMPTS)))
    assert [row["template"] or None for row in found] == EXPECTED
    assert {row["template_id"] for row in found} == {"", template_id(SKELETON)}


def test_an_empty_prompt_is_a_row_even_where_there_is_nothing_else(tmp_path: Path) -> None:
    source, out = tmp_path / "p.csv", tmp_path / "out.csv"
    with source.open("w", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([["prompt"], *([prompt or ""] for prompt in PROMPTS)])
    assert write(source, out).rows == len(PROMPTS)
    assert [row["template"] or None for row in rows(out)] == EXPECTED


def test_many_rows_keep_their_order(tmp_path: Path) -> None:
    prompts = [LIMERICK.format(words(i, 3)) if i % 3 else words(i, 9) for i in range(6_000)]
    pq.write_table(pa.table({"text": prompts}), tmp_path / "p.parquet", row_group_size=500)
    assert write(tmp_path / "p.parquet", tmp_path / "out.csv").column == "text"
    found = rows(tmp_path / "out.csv")
    assert [row["template"] != "" for row in found] == [i % 3 != 0 for i in range(6_000)]


def test_accounts_count_where_there_are_any(tmp_path: Path, typed: Typed) -> None:
    prompts = [LIMERICK.format(words(i, 5)) for i in range(4)]
    source, out = tmp_path / "p.parquet", tmp_path / "out.csv"
    table = pa.table({"prompt": prompts, "user_id": ["a"] * 4, "who": list("abab")})
    pq.write_table(table, source)

    def found(*arguments: object) -> dict[str, object]:
        code, text, _ = typed("templates", source, "--out", out, "--json", *arguments)
        assert code == 0
        return dict(json.loads(text))

    # one account shares its text with nobody
    assert (found()["account"], found()["templates"]) == ("user_id", 0)
    assert (found("--account", "")["account"], found("--account", "")["templates"]) == ("", 1)
    named = found("--account", "WHO")
    assert named["account"] == "who"
    assert named["commonest"] == [
        {
            "template_id": template_id(SKELETON),
            "prompts": 4,
            "accounts": 2,
            "template": SKELETON,
        }
    ]


def test_cells_are_no_formulas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No skeleton begins so today, as marks before the first word are left out."""

    def label(engine: DuckDBEngine, table: str, progress: object) -> None:
        engine.create("row_templates", f"SELECT row, '=1+' || row AS template FROM {table}")

    monkeypatch.setattr(prompt, "label", label)
    (tmp_path / "p.csv").write_text("id,prompt\n1,hello\n2,there\n")
    write(tmp_path / "p.csv", tmp_path / "out.csv")
    assert [row["template"] for row in rows(tmp_path / "out.csv")] == ["'=1+0", "'=1+1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv"], "missing.csv"),
        (["p.csv", "--column", "promt"], 'p.csv: no column "promt". Did you mean "prompt"?'),
        (["p.csv", "--account", "who"], "p.csv: no column"),
        (["q.csv"], "Say which column holds the prompts: --column COLUMN"),
        (["p.csv", "--memory", "much"], "--memory must be a size"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    tmp_path: Path, typed: Typed, arguments: list[str], message: str
) -> None:
    (tmp_path / "p.csv").write_text("id,prompt\n1,hello\n")
    (tmp_path / "q.csv").write_text("id,note\n1,hello\n")
    (tmp_path / "out.csv").write_text("earlier")
    source, *rest = arguments
    code, text, errors = typed("templates", tmp_path / source, "--out", tmp_path / "out.csv", *rest)
    assert (code, text) == (2, "")
    assert message in errors
    assert (tmp_path / "out.csv").read_text() == "earlier"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "p.csv", "q.csv"]


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,prompt\n1,hello\n")
    with pytest.raises(InputError, match="is the input"):
        write(tmp_path / "p.csv", tmp_path / "p.csv")
    with pytest.raises(InputError, match="is a folder"):
        write(tmp_path / "p.csv", tmp_path)


@pytest.mark.parametrize(
    "column",
    [
        PROMPTS,
        pd.Series([np.nan if p is None else p for p in PROMPTS], dtype=object),
        pd.Series(PROMPTS, dtype="string"),
        pa.array(PROMPTS),
        pa.chunked_array([PROMPTS[:4], PROMPTS[4:]]),
    ],
    ids=["list", "series", "strings", "arrow", "chunks"],
)
def test_lists_pandas_and_arrow_come_in(column: object) -> None:
    found = linkage.templates(column)  # type: ignore[arg-type]
    assert list(found) == ["row", "template_id", "template"]
    assert found["row"].tolist() == list(range(len(PROMPTS)))
    assert found["template"].tolist() == EXPECTED
    assert found["template_id"].tolist() == [e and template_id(e) for e in EXPECTED]


def test_the_api_says_what_it_expected() -> None:
    with pytest.raises(InputError, match="2 prompts, but 1 accounts"):
        linkage.templates(["a", "b"], ["x"])
    with pytest.raises(InputError, match="found one text"):
        linkage.templates("prompts.csv")
    with pytest.raises(InputError, match="found DataFrame"):
        linkage.templates(pd.DataFrame({"prompt": ["a"]}))  # type: ignore[arg-type]


def test_threads_memory_and_the_order_of_rows_change_nothing(tmp_path: Path) -> None:
    prompts = [LIMERICK.format(words(i, 4)) for i in range(40)]
    prompts += [f"{words(900, 9)} {words(1_000 + i, 6)} {words(901, 9)}" for i in range(40)]
    prompts += [words(2_000 + i, 30) for i in range(4_000)]
    results = []
    for seed, config in enumerate([EngineConfig(threads=1), EngineConfig(threads=4)]):
        order = random.Random(seed).sample(range(len(prompts)), len(prompts))
        source = tmp_path / f"{seed}.parquet"
        pq.write_table(pa.table({"prompt": [prompts[i] for i in order]}), source)
        write(source, tmp_path / "out.csv", config=config)
        found = [row["template"] for row in rows(tmp_path / "out.csv")]
        results.append({prompts[i]: found[place] for place, i in enumerate(order)})
    assert results[0] == results[1]
    assert sum(text != "" for text in results[0].values()) == 80
