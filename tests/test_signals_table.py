"""The table of cleaned values: each raw value once, rejections counted, mapping errors named."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from linkage import schema, signals
from linkage.config import SignalsConfig
from linkage.engine import DuckDBEngine
from linkage.errors import InputError

PUBLIC = [f"84.12.{i}.9" for i in range(40)]


def engine_with(values: list[tuple[int, str, str | None, int]]) -> DuckDBEngine:
    engine = DuckDBEngine()
    engine.run(schema.OBSERVATIONS.ddl())
    columns = list(zip(*values, strict=True)) or [[], [], [], []]
    names = ["account", "kind", "raw", "n"]
    types = [pa.int32(), pa.string(), pa.string(), pa.int64()]
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, types, strict=True)]
    engine.put("_values", pa.table(arrays, names))
    engine.run("INSERT INTO observations BY NAME SELECT * FROM _values")
    return engine


def cleaned(engine: DuckDBEngine) -> list[tuple[object, ...]]:
    signals.clean(engine, SignalsConfig())
    return engine.rows("SELECT * FROM cleaned ORDER BY ALL")


def test_fine_and_coarse_signals_of_each_distinct_value() -> None:
    engine = engine_with(
        [
            (0, "ip", "84.12.7.9", 1),
            (1, "ip", "84.12.7.9", 1),
            (0, "ip", "84.12.7.9:80", 1),
            (0, "email", "Anna@dssg.org", 1),
            (0, "it's", "A", 1),
            (1, "it's", "Ab", 1),
            (1, "it's", None, 1),
        ]
    )
    assert cleaned(engine) == [
        ("email", "Anna@dssg.org", "email", "anna@dssg.org", "email_domain", "dssg.org"),
        ("email", "Anna@dssg.org", "email_domain", "dssg.org", None, None),
        ("ip", "84.12.7.9", "ip", "84.12.7.9", "ip_range", "84.12.7.0/24"),
        ("ip", "84.12.7.9", "ip_range", "84.12.7.0/24", None, None),
        ("ip", "84.12.7.9:80", "ip", "84.12.7.9", "ip_range", "84.12.7.0/24"),
        ("ip", "84.12.7.9:80", "ip_range", "84.12.7.0/24", None, None),
        ("it's", "Ab", "it's", "ab", None, None),
    ]
    columns = engine.arrow("SELECT * FROM cleaned").schema.names
    assert columns == [column.name for column in schema.CLEANED.columns]


def test_rejections_are_counted_by_kind_and_reason() -> None:
    engine = engine_with(
        [
            (0, "ip", "10.0.0.2", 3),
            (1, "ip", "10.0.0.2", 4),
            (1, "ip", "10.0.0.1", 1),
            (0, "ip", "-", 5),
            (0, "name", "\x1b[2J" + "n" * 5000, 1),
        ]
    )
    engine.run(schema.REJECTED.ddl())
    engine.run("INSERT INTO rejected VALUES ('a.csv', '', 'no account', 2, 2, 'x')")
    assert cleaned(engine) == []
    assert engine.rows("SELECT * FROM rejected WHERE source = '' ORDER BY ALL") == [
        ("", "ip", "placeholder", 1, 5, "-"),
        ("", "ip", "private address", 2, 8, "10.0.0.1"),
        ("", "name", "too long", 1, 1, "\N{REPLACEMENT CHARACTER}[2J" + "n" * 55 + "…"),
    ]
    assert engine.value("SELECT count(*) FROM rejected") == 4


def test_nothing_observed_is_nothing_cleaned() -> None:
    assert cleaned(engine_with([])) == []


def test_batches_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [(i, "ip", raw, 1) for i, raw in enumerate([*PUBLIC, "10.0.0.1", "::1", "x"])]
    whole = cleaned(engine_with(values))
    monkeypatch.setattr("linkage.engine.duckdb.BATCH_ROWS", 7)
    assert cleaned(engine_with(values[::-1])) == whole


def test_card_numbers_leave_every_table() -> None:
    number, spaced = "4571736012345674", "4571 7360 1234 5674"
    engine = engine_with(
        [
            (0, "payment", number, 2),
            (0, "payment", spaced, 3),
            (1, "payment", spaced, 1),
            (1, "payment", "pm_1", 1),
            (1, "device", number, 1),
        ]
    )
    rows = cleaned(engine)
    (hashed,) = {row[3] for row in rows if row[2] == "payment"} - {"pm_1"}
    assert str(hashed).startswith("pan:457173:")
    assert rows == [
        ("device", number, "device", number, None, None),
        ("payment", hashed, "bin", "457173", None, None),
        ("payment", hashed, "payment", hashed, "bin", "457173"),
        ("payment", "pm_1", "payment", "pm_1", None, None),
    ]
    kept = engine.rows("SELECT account, raw, n FROM observations WHERE kind = 'payment'")
    assert sorted(kept) == sorted([(0, hashed, 5), (1, hashed, 1), (1, "pm_1", 1)])
    columns = engine.arrow("SELECT * FROM observations").schema.names
    assert columns == [column.name for column in schema.OBSERVATIONS.columns]


def test_a_column_of_another_kind_is_an_error_that_names_it() -> None:
    names = [(i, "ip", f"Anna {i}", 1) for i in range(1, 31)]
    engine = engine_with([*names, (0, "ip", "84.12.7.9", 1), (0, "ip", "unknown", 1)])
    engine.run(schema.INPUTS.ddl())
    mapping = json.dumps({"user": "account", "client name": "ip"})
    engine.run("INSERT INTO inputs VALUES (0, 'events.csv', '', 31, ?)", [mapping])
    with pytest.raises(InputError) as error:
        cleaned(engine)
    assert str(error.value) == (
        'events.csv, column "client name": 30 of 31 values are not addresses (such as "Anna 1").\n'
        "If this column is something else, map it: "
        "linkage run events.csv --map 'client name'=ignore"
    )


def test_a_kind_of_another_kind_is_an_error_without_inputs() -> None:
    engine = engine_with([(i, "email", f"Anna {i}", 1) for i in range(20)])
    with pytest.raises(InputError) as error:
        cleaned(engine)
    assert str(error.value) == (
        'kind "email": 20 of 20 values are not e-mail addresses (such as "Anna 0").\n'
        "If they are something else, give them another kind."
    )


def test_a_nearly_empty_column_stops_no_run() -> None:
    others = [(i, "device", f"d{i}", 1) for i in range(400)]
    engine = engine_with([*others, *((i, "email", f"01/{i}/13", 1) for i in range(39))])
    assert len(cleaned(engine)) == 400
    counted = engine.rows("SELECT kind, reason, count FROM rejected")
    assert counted == [("email", "not an e-mail address", 39)]
    engine = engine_with([*others, *((i, "email", f"01/{i}/13", 1) for i in range(40))])
    with pytest.raises(InputError):
        cleaned(engine)


@pytest.mark.parametrize(
    "values",
    [
        [f"Anna {i}" for i in range(19)],  # too few to tell
        [*PUBLIC, *(f"Anna {i}" for i in range(40))],  # half
        [f"10.0.0.{i}" for i in range(60)],  # private, but addresses
        ["-" * i for i in range(1, 60)],  # placeholders
    ],
)
def test_some_bad_values_are_no_error(values: list[str]) -> None:
    cleaned(engine_with([(0, "ip", raw, 1) for raw in values]))
