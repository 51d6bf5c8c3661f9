"""Staged relations, with uses for their columns, to the tables that the other stages read.

Two passes over each input: one for the accounts, which are then numbered, and one that leaves a
narrow table of numbers, times and short values. Prompts stand in that as a hash, since texts in
a grouping would not fit in memory; a third pass fetches each distinct text once. Everything is a
grouping with minima, maxima and counts, so that neither row order nor threads change a result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from linkage.engine import DuckDBEngine
from linkage.errors import InputError, shorten, together
from linkage.schema import ACCOUNTS, ACTIVITY, OBSERVATIONS, PROMPTS, ROW_HASHES
from linkage.signals import DIRECT_KINDS
from linkage.sources.columns import BARE, PROMPT, Use, kind_of, of_rows
from linkage.sources.relation import (
    ABSENT,
    Column,
    Reject,
    Relation,
    filled,
    literal,
    reading,
    shown,
    trimmed,
)
from linkage.sources.times import time_sql
from linkage.words import plain

# a prompt's place: number of its column among all inputs, then number of its row
_ROW_BITS = 40
_MOST_KINDS = 200

SEVERAL = 3
"""Accounts with several rows that it takes, at least, to take a column for another."""


@dataclass(frozen=True)
class Value:
    """SQL of a column that holds values of one kind, and whether each is a list of them."""

    kind: str
    sql: str
    many: bool = False


@dataclass
class Source:
    """An input that is ready to be gathered."""

    number: int
    relation: Relation
    named: str
    account: str
    seen: str
    created: str
    values: list[Value] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    kind: str = ""
    timed: bool = False
    bare: bool = False
    """Whether the account's column is named `id` alone, and nobody said that it is the account."""
    rows: int = 0
    kinds: set[str] = field(default_factory=set)
    rejects: list[Reject] = field(default_factory=list)

    @property
    def shape(self) -> tuple[str, ...]:
        """What its columns hold: rows of inputs of one shape may be the same."""
        return tuple(sorted([*(v.kind for v in self.values), *(PROMPT for _ in self.prompts)]))

    @property
    def narrow(self) -> str:
        """The table that the second pass leaves."""
        return f"_rows_{self.number}"


def timed(engine: DuckDBEngine, relation: Relation, uses: Sequence[Use]) -> list[Use]:
    """The uses of a table without a timestamp: where most accounts that have several rows have
    several times at which they were made, it is the rows that were made then.
    """
    by_role = {use.kind: (use, column) for use, column in zip(uses, relation.columns, strict=True)}
    if "timestamp" in by_role or not {"account", "created_at"} <= by_role.keys():
        return list(uses)
    made, column = by_role["created_at"]
    if made.mapped:
        return list(uses)
    with reading(relation.name):
        several, differ = engine.rows(
            f"""SELECT count(*), count(*) FILTER (first <> last) FROM (
                SELECT min({as_text(column)}) AS first, max({as_text(column)}) AS last
                FROM {relation.source} GROUP BY {account_of(by_role["account"][1])}
                HAVING count({column.sql}) >= 2)"""
        )[0]
    return of_rows(uses) if differ >= SEVERAL and differ > several / 2 else list(uses)


def source(engine: DuckDBEngine, number: int, relation: Relation, uses: Sequence[Use]) -> Source:
    """An input, with SQL for its account, its times and its values.

    `InputError` if a time is none, which says it of both.
    """
    by_role = {use.kind: column for use, column in zip(uses, relation.columns, strict=True)}
    rejects: list[Reject] = []
    times = {}
    wrong: list[InputError] = []
    for role in ("timestamp", "created_at"):
        column = by_role.get(role)
        times[role] = "CAST(NULL AS TIMESTAMP)"
        if column is not None:
            try:
                times[role], found = time_sql(engine, relation, column)
                rejects += found
            except InputError as error:
                if not error.columns:
                    raise
                wrong.append(error)
    if wrong:
        raise together(wrong)
    account = by_role["account"]
    result = Source(
        number,
        relation,
        trimmed(as_text(account)),
        account_of(account),
        times["timestamp"],
        times["created_at"],
    )
    result.rejects = rejects
    result.timed = "timestamp" in by_role
    result.bare = plain(account.name) == BARE and not any(
        use.mapped for use in uses if use.kind == "account"
    )
    for use, column in zip(uses, relation.columns, strict=True):
        if use.kind == PROMPT:
            result.prompts.append(filled(as_text(column, nested=True)))
        elif use.kind not in (None, "account", "timestamp", "created_at", "kind", "value"):
            result.values.append(_value(str(use.kind), column))
            result.kinds.add(str(use.kind))
    if "kind" in by_role:
        _long(engine, result, by_role["kind"], by_role["value"])
    return result


def account_of(column: Column) -> str:
    """SQL of the account that a column names, null where it says that there is none."""
    named = trimmed(as_text(column))
    words = ", ".join(literal(word) for word in ("", *ABSENT))
    longest = max(map(len, ABSENT))
    return (
        f"CASE WHEN length({named}) > {longest} THEN {named} "
        f"WHEN lower({named}) NOT IN ({words}) THEN {named} END"
    )


def _value(kind: str, column: Column) -> Value:
    sql = column.sql
    if column.shape == "lists":
        return Value(kind, f"CAST({sql} AS VARCHAR[])", many=True)
    if column.type == "JSON":
        # text that is JSON: a list is several values, a record none
        shape = f"CASE WHEN json_valid({sql}) THEN json_type({sql}) END"
        values = (
            f"CASE WHEN {sql} IS NULL OR {shape} = 'OBJECT' THEN NULL "
            f"WHEN {shape} = 'ARRAY' THEN from_json({sql}, '[\"VARCHAR\"]') ELSE [{sql}] END"
        )
        return Value(kind, values, many=True)
    return Value(kind, as_text(column))


def as_text(column: Column, nested: bool = False) -> str:
    """A value as text: whole numbers without a fraction, records as JSON."""
    kind, sql = column.type.upper(), column.sql
    # JSON text already
    if kind in ("VARCHAR", "JSON", "STRUCT", "STRUCT[]"):
        return sql
    if nested and (kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))):
        return f"CAST(to_json({sql}) AS VARCHAR)"
    if kind in ("FLOAT", "DOUBLE"):
        return (
            f"CASE WHEN isnan({sql}) THEN NULL WHEN {sql} = trunc({sql}) AND abs({sql}) < 1e18 "
            f"THEN CAST(CAST({sql} AS BIGINT) AS VARCHAR) ELSE CAST({sql} AS VARCHAR) END"
        )
    if kind.startswith("DECIMAL"):
        return f"regexp_replace(CAST({sql} AS VARCHAR), '[.]0+$', '')"
    return f"CAST({sql} AS VARCHAR)"


def _long(engine: DuckDBEngine, result: Source, kind: Column, value: Column) -> None:
    """Kinds and values that stand in rows: the words of the kind column, made kinds."""
    relation, word = result.relation, as_text(kind)
    with reading(relation.name):
        words = engine.rows(
            f"""SELECT {word} AS word, count(*), min({as_text(value)}) FROM {relation.source}
            GROUP BY 1 ORDER BY 1 NULLS FIRST LIMIT {_MOST_KINDS + 1}"""
        )
    if len(words) > _MOST_KINDS:
        raise InputError(
            f"{relation.name}, column {shorten(kind.name)}: more than {_MOST_KINDS:,} different "
            f"kinds (one is {shorten(words[-1][0])}); kinds are words such as ip or payment.\n"
            f"If this column is something else, map it: --map {kind.name}=ignore"
        )
    # SQL can't hold a NUL
    names = {
        found: None if "\0" in found else kind_of(found)
        for found, _, _ in words
        if found is not None
    }
    for found, rows, example in words:
        if found is None or not found.strip():
            result.rejects.append(Reject("row", "no kind", rows, rows, shown(example)))
        elif names[found] is None:
            result.rejects.append(Reject("row", "not a kind of signal", rows, rows, shown(found)))
    known = [(found, name) for found, name in names.items() if name is not None]
    cases = " ".join(f"WHEN {literal(found)} THEN {literal(name)}" for found, name in known)
    result.kind = f"CASE {word} {cases} END" if cases else "CAST(NULL AS VARCHAR)"
    text = as_text(value)
    result.kinds.update(name for _, name in known)
    result.values.append(Value("", text))
    if PROMPT in result.kinds:
        result.prompts.append(filled(f"CASE WHEN {result.kind} = '{PROMPT}' THEN {text} END"))


def gather(
    engine: DuckDBEngine,
    sources: Sequence[Source],
    progress: Callable[[str], None],
) -> None:
    """Make the tables accounts, observations, prompts and activity; count what is left out.

    A row that is the same as one of an earlier input, or as one of `known_rows` (hash), in
    all columns that are read, is left out; the same row twice in one input is two.
    """
    _accounts(engine, sources, progress)
    for each in sources:
        progress(f"reading {each.relation.name}: {each.rows:,} rows")
        _narrow(engine, each)
    _drop_known_rows(engine, sources)
    progress("grouping observations")
    _observations(engine, sources)
    _activity(engine, sources)
    _prompts(engine, sources, progress)
    engine.drop(*(each.narrow for each in sources))


def _accounts(
    engine: DuckDBEngine, sources: Sequence[Source], progress: Callable[[str], None]
) -> None:
    engine.drop("_accounts")
    engine.run(
        "CREATE TABLE _accounts (id VARCHAR, created TIMESTAMP, first TIMESTAMP, "
        "last TIMESTAMP, n BIGINT, source INTEGER)"
    )
    for each in sources:
        progress(f"accounts of {each.relation.name}")
        with reading(each.relation.name):
            engine.run(
                f"""INSERT INTO _accounts
                SELECT id, min(created), min(seen), max(seen), count(*), {each.number}
                FROM (SELECT {each.account} AS id, {each.created} AS created, {each.seen} AS seen
                    FROM {each.relation.source})
                GROUP BY id"""
            )
        missing = engine.value("SELECT sum(n) FROM _accounts WHERE id IS NULL")
        each.rows = engine.value(f"SELECT count(*) FROM {each.relation.source}")
        engine.run("DELETE FROM _accounts WHERE id IS NULL")
        if missing:
            example = engine.value(
                f"""SELECT min({each.named}) FROM {each.relation.source}
                WHERE {each.account} IS NULL AND {each.named} <> ''"""
            )
            missing = int(missing)
            each.rejects.append(Reject("row", "no account", missing, missing, shown(example or "")))
        if missing and missing == each.rows:
            raise InputError(
                f"{each.relation.name}: none of its {missing:,} rows names an account; the "
                "account column is empty.\nIf another column is the account, map it: "
                "--map COLUMN=account"
            )
    _check_bare(engine, sources)
    engine.create(
        ACCOUNTS.name,
        """SELECT CAST(row_number() OVER (ORDER BY id) - 1 AS INTEGER) AS account,
            id AS account_id, min(created) AS created_at, min(first) AS first_seen,
            max(last) AS last_seen, CAST(sum(n) AS BIGINT) AS rows
        FROM _accounts GROUP BY id ORDER BY account""",
    )
    engine.drop("_accounts")


def _check_bare(engine: DuckDBEngine, sources: Sequence[Source]) -> None:
    """`InputError` if a column that is named `id` alone, taken for the account, is its rows' own.

    It is if no other input knows any of its values, though it has rows with times and no value
    twice, or though another input names its accounts.
    """
    for each in sorted((s for s in sources if s.bare), key=lambda s: not s.timed):
        others = [o.number for o in sources if o is not each and (o.timed or not o.bare)]
        if not others and not each.timed:
            continue
        accounts, once, known = engine.rows(
            f"""SELECT count(*), count(*) FILTER (n = 1), count(*) FILTER (id IN (
                    SELECT id FROM _accounts WHERE source IN ({", ".join(map(str, others)) or -1})))
            FROM _accounts WHERE source = {each.number}"""
        )[0]
        if not known and (once == accounts or not each.timed):
            raise InputError(
                f"{each.relation.name}: its only column for the account is {shorten(BARE)}, whose "
                "values are no accounts of another input: they may be its rows' own.\n"
                f"Say which column is the account: --map COLUMN=account (--map {BARE}=account, if "
                "it is)"
            )


def _narrow(engine: DuckDBEngine, each: Source) -> None:
    """The second pass: account, time, row, values, and prompts as hashes."""
    columns = [f"{each.account} AS id", f"{each.seen} AS seen", f"{each.relation.row} AS row"]
    kept = ["a.account", "s.seen", "s.row"]
    if each.kind:
        columns.append(f"{each.kind} AS kind")
        kept.append("s.kind")
    for i, value in enumerate(each.values):
        sql = value.sql if value.many else filled(value.sql)
        if not value.kind and each.prompts:
            sql = f"CASE WHEN {each.kind} <> '{PROMPT}' THEN {sql} END"
        columns.append(f"{sql} AS v{i}")
        kept.append(f"s.v{i}")
    for i, prompt in enumerate(each.prompts):
        columns.append(f"CASE WHEN {prompt} IS NOT NULL THEN hash({prompt}) END AS h{i}")
        kept.append(f"s.h{i}")
    # in an order that does not depend on that of the columns
    parts = [(value.kind, f"v{i}") for i, value in enumerate(each.values)]
    parts += [(PROMPT, f"h{i}") for i in range(len(each.prompts))]
    hashed = ["id", "seen", "created", *(["kind"] if each.kind else [])]
    hashed += [f"{literal(kind)}, {column}" for kind, column in sorted(parts)]
    columns.append(f"{each.created} AS created")
    kept.append("s.hash")
    with reading(each.relation.name):
        engine.create(
            each.narrow,
            f"""SELECT {", ".join(kept)}
            FROM (SELECT *, hash({", ".join(hashed)}) AS hash
                  FROM (SELECT {", ".join(columns)} FROM {each.relation.source})) AS s
            JOIN accounts AS a ON a.account_id = s.id""",
        )


def _drop_known_rows(engine: DuckDBEngine, sources: Sequence[Source]) -> None:
    """Leave out rows that were read before, and make `row_hashes` of the others."""
    engine.run("CREATE TABLE IF NOT EXISTS known_rows (hash UBIGINT)")
    any_known = bool(engine.value("SELECT count(*) FROM known_rows"))
    for place, each in enumerate(sources):
        before = [other.narrow for other in sources[:place] if other.shape == each.shape]
        if not before and not any_known:
            continue
        seen = " UNION ALL ".join(
            f"SELECT hash FROM {name}" for name in [*before, *(["known_rows"] if any_known else [])]
        )
        engine.create(
            "_repeated",
            f"SELECT row, account FROM {each.narrow} WHERE hash IN ({seen})",
        )
        repeated = engine.value("SELECT count(*) FROM _repeated")
        if repeated:
            engine.run(f"DELETE FROM {each.narrow} WHERE row IN (SELECT row FROM _repeated)")
            engine.run(
                """UPDATE accounts SET rows = accounts.rows - r.n
                FROM (SELECT account, count(*) AS n FROM _repeated GROUP BY account) AS r
                WHERE r.account = accounts.account"""
            )
            reason = "the same row was read before"
            each.rejects.append(Reject("row", reason, repeated, repeated, ""))
    parts = " UNION ".join(f"SELECT account, hash FROM {each.narrow}" for each in sources)
    engine.create(ROW_HASHES.name, parts)
    engine.drop("_repeated", "known_rows")


def _observations(engine: DuckDBEngine, sources: Sequence[Source]) -> None:
    engine.drop(OBSERVATIONS.name)
    engine.run(OBSERVATIONS.ddl())
    for kind in sorted(set().union(*(each.kinds for each in sources)) - {PROMPT}):
        parts = [part for each in sources for part in _parts(each, kind)]
        raw = "raw"
        # these name accounts, and have to match account_id
        if kind in DIRECT_KINDS:
            raw = trimmed("raw")
        engine.run(
            f"""INSERT INTO observations
            SELECT account, '{kind}', {raw} AS value, min(seen), max(seen), count(*)
            FROM ({" UNION ALL ".join(parts)})
            WHERE {filled("raw")} IS NOT NULL GROUP BY account, value"""
        )


def _parts(each: Source, kind: str) -> Iterator[str]:
    for i, value in enumerate(each.values):
        if value.kind == kind:
            # a value twice in one list is one use
            raw = f"unnest(list_distinct(v{i}))" if value.many else f"v{i}"
            yield f"SELECT account, seen, {raw} AS raw FROM {each.narrow}"
        elif not value.kind and kind in each.kinds:
            yield f"SELECT account, seen, v{i} AS raw FROM {each.narrow} WHERE kind = '{kind}'"


def _activity(engine: DuckDBEngine, sources: Sequence[Source]) -> None:
    parts = " UNION ALL ".join(
        f"SELECT account, seen FROM {s.narrow} WHERE seen IS NOT NULL" for s in sources
    )
    engine.create(
        ACTIVITY.name,
        f"""SELECT account, date_trunc('hour', seen) AS hour, count(*) AS n
        FROM ({parts}) GROUP BY account, hour""",
    )


def _prompts(
    engine: DuckDBEngine, sources: Sequence[Source], progress: Callable[[str], None]
) -> None:
    engine.drop(PROMPTS.name)
    engine.run(PROMPTS.ddl())
    places = [(each, i) for each in sources for i in range(len(each.prompts))]
    if not places:
        return
    progress("grouping prompts")
    # 64 bits tell the texts of one account apart: a million of them collide once in 10^7 runs
    parts = " UNION ALL ".join(
        f"SELECT account, h{i} AS h, seen, {place << _ROW_BITS} + row AS place "
        f"FROM {each.narrow} WHERE h{i} IS NOT NULL"
        for place, (each, i) in enumerate(places)
    )
    engine.create(
        "_prompts",
        f"""SELECT account, min(seen) AS first, max(seen) AS last, count(*) AS n,
            min(place) AS place
        FROM ({parts}) GROUP BY account, h""",
    )
    # the numbers are looked up for each text as it streams by; the other way round, as the
    # optimizer has it, all texts would be held
    engine.run("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    try:
        for place, (each, i) in enumerate(places):
            progress(f"prompts of {each.relation.name}")
            low, high = place << _ROW_BITS, (place + 1) << _ROW_BITS
            with reading(each.relation.name):
                engine.run(
                    f"""INSERT INTO prompts SELECT g.account, s.raw, g.first, g.last, g.n
                    FROM (SELECT {each.prompts[i]} AS raw, {each.relation.row} AS row
                        FROM {each.relation.source}) AS s
                    JOIN (SELECT account, first, last, n, place - {low} AS row FROM _prompts
                        WHERE place >= {low} AND place < {high}) AS g ON g.row = s.row"""
                )
    finally:
        engine.run("RESET disabled_optimizers")
    engine.drop("_prompts")
