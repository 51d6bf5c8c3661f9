from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import format_datetime

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import sources
from linkage.config import SourcesConfig
from linkage.engine import DuckDBEngine
from linkage.errors import ConfigError, InputError

MOMENT = datetime(2024, 1, 31, 10, 0)


def read(values, **settings):
    """The times of accounts 0, 1, … that stand in `values`, and the engine."""
    count = len(values)
    table = pa.table(
        {"account": [f"{i:05}" for i in range(count)], "ip": ["a"] * count, "time": values}
    )
    engine = DuckDBEngine()
    sources.load(engine, [table], SourcesConfig(**settings))
    return [t for (t,) in engine.rows("SELECT first_seen FROM accounts ORDER BY account")], engine


def rejected(engine):
    return engine.rows("SELECT kind, reason, count, rows, example FROM rejected ORDER BY reason")


TEN_OCLOCK = [
    "2024-01-31T10:00:00Z",
    "2024-01-31 10:00",
    "2024-01-31T10:00:00.000",
    "2024-01-31T10:00:00.000000000Z",
    "2024-01-31T10:00:00,000Z",
    "2024/01/31 10:00:00",
    " 2024-01-31 10:00 ",
    "2024-01-31T12:00:00+02:00",
    "2024-01-31T12:00:00+0200",
    "2024-01-31T12:00:00+02",
    "2024-01-31T12:00:00 +02:00",
    "2024-01-31 05:00:00-05",
    "2024-01-31 10:00:00 UTC",
    "2024-01-31 10:00:00 +0000 UTC",
    "2024-01-31 05:00:00 America/New_York",
    "2024-01-31T11:00:00+01:00[Europe/Berlin]",
    "2024-01-31 10:00:00 AM",
    "20240131T100000Z",
    "20240131T100000",
    "20240131 100000",
    "20240131100000",
    "1706695200",
    "1706695200.0",
    "1.7066952e9",
    "1706695200000",
    "1706695200000000",
    "1706695200000000000",
    "Wed, 31 Jan 2024 10:00:00 GMT",
    "Wed, 31 Jan 2024 10:00:00 +0000",
    "Wed, 31 Jan 2024 12:00:00 +0200",
    "31 Jan 2024 10:00:00 +0000",
    "31 Jan 2024 10:00",
    "31 January 2024 10:00:00",
    "January 31, 2024 10:00 AM",
    "Jan 31, 2024 10:00:00 AM",
    "31/Jan/2024:10:00:00 +0000",
    "Wed Jan 31 10:00:00 2024",
    "Wed Jan 31 10:00:00 UTC 2024",
    "31/01/2024 10:00",
    "31.01.2024 10:00:00",
    "31-01-2024 10:00",
    "31.1.24 10:00",
    "31/01/2024, 10:00:00",
    "31/01/2024 10:00 am",
    "31/01/2024 10:00AM",
]


def test_every_usual_form_is_read():
    found, engine = read(TEN_OCLOCK)
    wrong = [(text, time) for text, time in zip(TEN_OCLOCK, found, strict=True) if time != MOMENT]
    assert wrong == []
    assert rejected(engine) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31", datetime(2024, 1, 31)),
        ("20240131", datetime(2024, 1, 31)),
        ("31/01/2024", datetime(2024, 1, 31)),
        ("Jan 31, 2024", datetime(2024, 1, 31)),
        ("2024-01-31T10:00:00.123456Z", MOMENT + timedelta(microseconds=123456)),
        ("1706695200.5", MOMENT + timedelta(seconds=0.5)),
        ("1706695200123", MOMENT + timedelta(milliseconds=123)),
        ("31/01/2024 10:00:00.250", MOMENT + timedelta(milliseconds=250)),
        ("2024-01-31T24:00:00", datetime(2024, 2, 1)),
    ],
)
def test_days_and_fractions(text, expected):
    assert read([text])[0] == [expected]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([MOMENT], pa.timestamp("s")),
        pa.array([MOMENT], pa.timestamp("ms")),
        pa.array([MOMENT], pa.timestamp("ns")),
        pa.array([MOMENT.replace(tzinfo=UTC)], pa.timestamp("us", "UTC")),
        pa.array([MOMENT.replace(tzinfo=UTC)], pa.timestamp("us", "Asia/Tokyo")),
        pa.array([1706695200], pa.int64()),
        pa.array([1706695200], pa.int32()),
        pa.array([1706695200000], pa.int64()),
        pa.array([1706695200.0], pa.float64()),
        pa.array(["2024-01-31 10:00"]).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
def test_times_of_every_type(values):
    assert read(values)[0] == [MOMENT]


def test_dates_and_pandas_times():
    assert read(pa.array([date(2024, 1, 31)]))[0] == [datetime(2024, 1, 31)]
    frame = pd.DataFrame({"account": ["1", "2"], "ip": ["a", "b"]})
    frame["ts"] = pd.to_datetime(["2024-01-31 11:00", None]).tz_localize("Europe/Berlin")
    engine = DuckDBEngine()
    sources.load(engine, [frame], SourcesConfig())
    assert engine.rows("SELECT first_seen FROM accounts ORDER BY account") == [(MOMENT,), (None,)]


def test_times_without_a_zone_are_in_the_configured_one():
    summer = datetime(2024, 7, 1, 10, 0)
    values = ["2024-07-01 12:00", "2024-07-01T10:00Z", "01.07.2024 12:00", "1719828000"]
    found, engine = read([*values, "13.07.2024"], timezone="Europe/Berlin")
    assert found[:4] == [summer] * 4
    assert engine.value("SELECT current_setting('TimeZone')") == "UTC"
    naive = pa.array([datetime(2024, 7, 1, 12, 0)], pa.timestamp("us"))
    assert read(naive, timezone="Europe/Berlin")[0] == [summer]
    zoned = pa.array([summer], pa.timestamp("us", "UTC"))
    assert read(zoned, timezone="Europe/Berlin")[0] == [summer]


def test_the_whole_column_says_whether_the_day_comes_first():
    assert read(["03/04/2024", "13/04/2024"])[0][0] == datetime(2024, 4, 3)
    assert read(["03/04/2024", "04/13/2024"])[0][0] == datetime(2024, 3, 4)
    found, engine = read(["03/04/2024 01:00", "05/04/2024 02:00"])
    assert found[0] == datetime(2024, 4, 3, 1)
    assert rejected(engine) == [
        ("time", "read with the day first; no value says which", 0, 2, "03/04/2024 01:00")
    ]
    found, engine = read(["03/04/2024 1:00 PM", "05/04/2024 2:00 AM"])
    assert found[0] == datetime(2024, 3, 4, 13)
    assert rejected(engine)[0][1].startswith("read with the month first")


def test_values_that_are_no_times_are_counted_and_their_rows_used():
    good = ["2024-01-31"] * 10
    found, engine = read([*good, "soon", "soon", "later", "", None, "NULL", "0000-00-00 00:00:00"])
    assert found[10:] == [None] * 7
    assert rejected(engine) == [("time", "not a time", 2, 3, "later")]
    assert engine.value("SELECT count(*) FROM observations") == 17
    assert engine.value("SELECT sum(n) FROM activity") == 10


def test_times_out_of_range_are_counted():
    odd = ["0", "1970-01-01", "2100-01-01", "9999-12-31", "infinity", "12", "99999999999999999999"]
    found, engine = read(["1990-01-01", "2099-12-31T23:59:59Z", *odd[:4], *odd[5:]])
    assert found == [datetime(1990, 1, 1), datetime(2099, 12, 31, 23, 59, 59)] + [None] * 6
    assert rejected(engine) == [("time", "time outside 1990–2100", 6, 6, "0")]


def test_a_column_that_holds_no_times_is_an_error():
    with pytest.raises(InputError) as caught:
        read(["a lot", "of words", "2024-01-01"])
    assert str(caught.value) == (
        'table 1, column "time": 2 of 3 values are not times between 1990 and 2100 '
        '("a lot", for one).\n'
        "If this column is something else, map it: --map time=ignore"
    )
    with pytest.raises(InputError, match="2 of 2 values are not times"):
        read(pa.array([5, 7]))
    assert read(["a lot", "of words"], map={"time": "ignore"})[0] == [None, None]
    assert read(pa.array([None, None], pa.string()))[0] == [None, None]


def test_sign_up_and_use_are_told_apart():
    table = pa.table({"account": ["1"], "ip": ["a"], "created_at": ["2024-01-31 10:00"]})
    engine = DuckDBEngine()
    sources.load(engine, [table], SourcesConfig())
    assert engine.rows("SELECT created_at, first_seen FROM accounts") == [(MOMENT, None)]
    assert engine.rows("SELECT first_seen, last_seen FROM observations") == [(None, None)]
    assert engine.rows("SELECT * FROM activity") == []


def test_an_unknown_zone_is_an_error_with_a_suggestion():
    with pytest.raises(ConfigError) as caught:
        read(["2024-01-01"], timezone="Europe/Berlim")
    assert str(caught.value) == (
        'sources.timezone: no time zone "Europe/Berlim". Did you mean "Europe/Berlin"?'
    )


@settings(max_examples=12, deadline=None)
@given(
    st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30)),
    st.integers(-14 * 4, 14 * 4),
)
def test_any_moment_in_any_zone_comes_back(moment, quarters):
    moment = moment.replace(microsecond=0)
    local = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=15 * quarters)))
    seconds = (moment - datetime(1970, 1, 1)) // timedelta(seconds=1)
    values = [local.isoformat(), str(local), format_datetime(local), str(seconds), f"{seconds}000"]
    assert read(values)[0] == [moment] * 5
