"""Times in any usual form and zone, to UTC, in SQL.

A column arrives, an SQL expression leaves that yields a UTC timestamp or null, with an account of
the values it can't read. The session's time zone is the one of times that name none (`load` sets
it from the settings), so that the engine's own conversion does that work. Whether 03/04 is in
March or April is decided once from the whole column: a part above 12 decides, and where no value
has one, the day comes first unless the clock is of twelve hours (am, pm).
"""

from __future__ import annotations

from linkage.engine import DuckDBEngine
from linkage.errors import InputError, shorten
from linkage.sources.relation import (
    ABSENT,
    Column,
    Reject,
    Relation,
    literal,
    reading,
    shown,
    trimmed,
)

FIRST, LAST = "1990-01-01", "2100-01-01"
_FIRST_SECOND, _LAST_SECOND = 631_152_000, 4_102_444_800

_CLOCKS = ("", "%H:%M:%S.%f", "%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%I:%M%p")
_SLASHED = r"^([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})([ ,T]|$)"
_NAIVE = (
    *(f"{date} {clock}".strip() for date in ("%d %b %Y", "%d %B %Y") for clock in _CLOCKS),
    *(f"{date} {clock}".strip() for date in ("%b %d %Y", "%B %d %Y") for clock in _CLOCKS),
    *(f"%Y-%m-%d {clock}" for clock in _CLOCKS if "%I" in clock),
    "%a %b %d %H:%M:%S %Y",
    "%Y%m%dT%H%M%S",
    "%Y%m%d %H%M%S",
)
_ZONED = (
    "%a %d %b %Y %H:%M:%S %z",
    "%a %d %b %Y %H:%M %z",
    "%d %b %Y %H:%M:%S %z",
    "%d %b %Y %H:%M %z",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a %b %d %H:%M:%S %z %Y",
    "%Y%m%dT%H%M%S %z",
)
_NAMED = (
    "%a %d %b %Y %H:%M:%S %Z",
    "%d %b %Y %H:%M:%S %Z",
    "%a %b %d %H:%M:%S %Z %Y",
)


def time_sql(engine: DuckDBEngine, relation: Relation, column: Column) -> tuple[str, list[Reject]]:
    """SQL for the UTC time in a column of a staged relation, and the values it leaves out.

    `InputError` when most values are not times: the column is something else.
    """
    kind = column.type.upper()
    notes: list[Reject] = []
    with reading(relation.name):
        if kind.startswith(("TIMESTAMP", "DATE")):
            parsed = _instant(engine, column.sql, kind)
            present = column.sql
        else:
            text = trimmed(f"CAST({column.sql} AS VARCHAR)")
            words = ", ".join(literal(word) for word in ("", *ABSENT))
            present = (
                f"CASE WHEN lower({text}) NOT IN ({words}) AND {text} NOT LIKE '0000-00-00%' "
                f"THEN {text} END"
            )
            day_first, notes = _day_first(engine, relation, column, text)
            parsed = _parsed(text, day_first)
        bounded = (
            f"CASE WHEN {parsed} >= TIMESTAMP '{FIRST}' AND {parsed} < TIMESTAMP '{LAST}' "
            f"THEN {parsed} END"
        )
        rejects = _rejects(engine, relation, column, present, parsed, bounded)
    return bounded, notes + rejects


def _instant(engine: DuckDBEngine, sql: str, kind: str) -> str:
    if "TIME ZONE" in kind:
        return f"timezone('UTC', {sql})"
    if engine.value("SELECT current_setting('TimeZone')") == "UTC":
        return f"CAST({sql} AS TIMESTAMP)"
    return f"timezone('UTC', CAST(CAST({sql} AS TIMESTAMP) AS TIMESTAMPTZ))"


def _parsed(text: str, day_first: bool) -> str:
    number = f"TRY_CAST({text} AS DOUBLE)"
    # 3-4-24, 3.4.2024 and 3/4/2024, one spelling
    slashed = rf"regexp_replace({text}, '{_SLASHED}', '\1/\2/\3 ')"
    slashed = rf"regexp_replace({slashed}, '^([0-9]+/[0-9]+/)([0-9][0-9] )', '\120\2')"
    slashed = rf"trim(regexp_replace(upper({slashed}), ' +', ' ', 'g'))"
    date = "%d/%m/%Y" if day_first else "%m/%d/%Y"
    slashes = [f"{date} {clock}".strip() for clock in _CLOCKS]
    # spellings of ISO 8601 that the engine's own cast does not take
    iso = rf"regexp_replace({text}, '\[[^]]*\]$| [A-Z]{{3,4}}$', '')"
    iso = rf"regexp_replace({iso}, '([0-9]),([0-9]+)', '\1.\2')"
    iso = rf"regexp_replace({iso}, '([0-9]) +([+-][0-9:]+)$', '\1\2')"
    words = rf"regexp_replace(replace({text}, ',', ' '), '(\d)Z$', '\1 +00')"
    words = rf"trim(regexp_replace({words}, ' +', ' ', 'g'))"
    return f"""CASE
        WHEN regexp_matches({text}, '^[0-9]{{4}}[-/]') THEN timezone('UTC', COALESCE(
            TRY_CAST({text} AS TIMESTAMPTZ), TRY_CAST({iso} AS TIMESTAMPTZ),
            {_strptime(text, _NAIVE)}))
        WHEN regexp_matches({text}, '^[0-9]+([.][0-9]*)?([eE][+]?[0-9]+)?$')
            THEN {_from_number(number)}
        WHEN regexp_matches({text}, '{_SLASHED}')
            THEN timezone('UTC', {_strptime(slashed, slashes)})
        ELSE timezone('UTC', COALESCE({_strptime(words, _ZONED)}, {_strptime(words, _NAMED)},
            {_strptime(words, _NAIVE)}))
    END"""


def _strptime(text: str, formats: tuple[str, ...] | list[str]) -> str:
    listed = ", ".join(literal(form) for form in formats)
    return f"CAST(try_strptime({text}, [{listed}]) AS TIMESTAMPTZ)"


def _from_number(number: str) -> str:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970, or the digits of a date.

    Within the years that are accepted the four scales do not overlap, so each value says its own.
    """
    cases = []
    for per_second in (1, 1_000, 1_000_000, 1_000_000_000):
        low, high = _FIRST_SECOND * per_second, _LAST_SECOND * per_second
        micros = f"TRY_CAST(round({number} * 1e6 / {per_second}) AS BIGINT)"
        cases.append(f"WHEN {number} BETWEEN {low} AND {high} THEN make_timestamp({micros})")
    for low, high, form in (
        (19900101, 21000101, "%Y%m%d"),
        (19900101000000, 21000101000000, "%Y%m%d%H%M%S"),
    ):
        digits = f"CAST(TRY_CAST({number} AS BIGINT) AS VARCHAR)"
        instant = f"timezone('UTC', {_strptime(digits, [form])})"
        cases.append(f"WHEN {number} BETWEEN {low} AND {high} THEN {instant}")
    # any other number is a time too, though not one that is accepted
    return f"CASE {' '.join(cases)} WHEN {number} IS NOT NULL THEN TIMESTAMP '1970-01-01' END"


def _day_first(
    engine: DuckDBEngine, relation: Relation, column: Column, text: str
) -> tuple[bool, list[Reject]]:
    if column.type.upper() != "VARCHAR":
        return True, []
    first = f"TRY_CAST(regexp_extract({text}, '{_SLASHED}', 1) AS INTEGER)"
    second = f"TRY_CAST(regexp_extract({text}, '{_SLASHED}', 2) AS INTEGER)"
    total, days, months, twelve, example = engine.rows(
        f"""SELECT count(*), count(*) FILTER (a > 12 AND b <= 12),
            count(*) FILTER (b > 12 AND a <= 12),
            count(*) FILTER (regexp_matches(t, '[0-9] ?[aApP][mM]$')), min(t)
        FROM (SELECT {text} AS t, {first} AS a, {second} AS b FROM {relation.source}
            WHERE regexp_matches({text}, '{_SLASHED}'))"""
    )[0]
    if not total or days or months:
        return days >= months, []
    day_first = twelve == 0
    chosen = "day first" if day_first else "month first (the clock has am and pm)"
    reason = f"read with the {chosen}; no value says which"
    return day_first, [Reject(column.name, reason, 0, total, shown(example))]


def _rejects(
    engine: DuckDBEngine,
    relation: Relation,
    column: Column,
    present: str,
    parsed: str,
    bounded: str,
) -> list[Reject]:
    values, used, bad, odd = engine.rows(
        f"""SELECT count(v), count(b), count(*) FILTER (v IS NOT NULL AND p IS NULL),
            count(*) FILTER (p IS NOT NULL AND b IS NULL)
        FROM (SELECT {present} AS v, {parsed} AS p, {bounded} AS b FROM {relation.source})"""
    )[0]
    rejects = []
    for rows, reason, condition in (
        (bad, "not a time", f"{parsed} IS NULL"),
        (odd, f"time outside {FIRST[:4]}–{LAST[:4]}", f"{parsed} IS NOT NULL"),
    ):
        if not rows:
            continue
        count, example = engine.rows(
            f"""SELECT count(DISTINCT v), min(v) FROM (
                SELECT CAST({present} AS VARCHAR) AS v FROM {relation.source}
                WHERE {present} IS NOT NULL AND {bounded} IS NULL AND {condition})"""
        )[0]
        rejects.append(Reject(column.name, reason, count, rows, shown(example)))
    if 2 * bad > values or (values and not used):
        label = relation.labels[relation.columns.index(column)]
        what = f"{bad + odd:,} of {values:,} values are not times"
        raise InputError(
            f"{relation.name}, column {shorten(label)}: {what} between {FIRST[:4]} and {LAST[:4]} "
            f"({shorten(rejects[0].example)}, for one).\n"
            f"If this column is something else, map it: --map {label}=ignore",
            [(relation.name, label, what)],
        )
    return rejects
