"""From the SQL that stages write to Spark's.

A statement in DuckDB's dialect and its parameters arrive; a `Statement` leaves: what it does, to
which table, and a query in Spark's dialect. sqlglot knows how both spell most things; what it does
not know of is put right here, for any statement. Tables of the Spark engine are frames that never
change, so what changes a table (insert, update, delete) is the query of what it is afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from linkage.errors import MissingExtraError

try:
    import sqlglot
    from sqlglot import exp
except ImportError:
    raise MissingExtraError(
        "The Spark engine needs the package sqlglot, which is not installed. "
        "Install it: pip install 'linkage[spark]'"
    ) from None

HASH, ROUND = "linkage_hash", "linkage_round"
"""What `hash` and `round` to some digits are called where they do what they do in DuckDB; the
engine registers them."""

Kind: TypeAlias = Literal["query", "create", "insert", "replace", "drop", "rename"]


@dataclass(frozen=True)
class Statement:
    """What a statement does.

    `query`: yields rows. `create`: makes `table` from a query, unless `keep` and it exists.
    `insert`: adds a query's rows, or `values`, to `table`, `by_name` or in the order of columns.
    `replace`: `table` becomes what the query, which reads it, yields. `drop`. `rename`: to `other`.
    """

    kind: Kind
    table: str = ""
    sql: str = ""
    reads: tuple[str, ...] = ()
    """Names in the query that may be tables, each as often as it occurs."""
    keep: bool = False
    by_name: bool = False
    values: tuple[tuple[Any, ...], ...] | None = None
    other: str = ""


def translate(
    sql: str, parameters: Sequence[Any], columns: Callable[[str], Sequence[str]]
) -> Statement:
    """The statement `sql`, its `?` filled in, for Spark; `columns` tells those of a table.

    `NotImplementedError` if it is of a sort that no stage uses.

    >>> def columns(table):
    ...     return ["account", "operator"]
    >>> translate("SELECT a / ? AS half FROM main.t", [2], columns).sql
    'SELECT CAST(a AS DOUBLE) / CAST(2 AS DOUBLE) AS half FROM t'
    >>> translate("DELETE FROM members WHERE operator = 7", [], columns).sql
    'SELECT * FROM members WHERE NOT (operator = 7) IS TRUE'
    >>> translate("UPDATE m SET operator = 1 WHERE account = ?", [3], columns).sql
    'SELECT m.account, CASE WHEN account = 3 THEN 1 ELSE m.operator END AS operator FROM m'
    """
    tree = _parsed(sql).copy()
    if isinstance(tree, exp.Query):
        return _query("query", "", tree, parameters)
    if isinstance(tree, exp.Create) and tree.kind == "TABLE":
        return _create(tree, parameters)
    if isinstance(tree, exp.Insert):
        return _insert(tree, parameters)
    if isinstance(tree, exp.Delete):
        return _query("replace", tree.this.name, _remaining(tree), parameters)
    if isinstance(tree, exp.Update):
        name = tree.this.name
        return _query("replace", name, _updated(tree, columns(name)), parameters)
    if isinstance(tree, exp.Drop):
        return Statement("drop", _table(tree).name)
    if isinstance(tree, exp.Alter) and isinstance(tree.args["actions"][0], exp.AlterRename):
        return Statement("rename", tree.this.name, other=tree.args["actions"][0].this.name)
    raise NotImplementedError(f"the Spark engine has no {tree.key}: {sql.strip()[:200]}")


def _table(tree: exp.Expr) -> exp.Table:
    found = tree.find(exp.Table)
    assert found is not None
    return found


@lru_cache(maxsize=2_000)
def _parsed(sql: str) -> exp.Expr:
    """The tree of a statement, in which the parameters are named by their place."""
    text, places = sql, []
    for token in sqlglot.tokenize(sql, read="duckdb"):
        if token.token_type == sqlglot.TokenType.PLACEHOLDER:
            places.append((token.start, token.end))
    for number, (start, end) in reversed(list(enumerate(places))):
        text = f"{text[:start]}$p{number}{text[end + 1 :]}"
    return sqlglot.parse_one(text, read="duckdb")


def _query(
    kind: Kind, table: str, tree: exp.Expr, parameters: Sequence[Any], **more: Any
) -> Statement:
    tree = tree.transform(_filled, parameters)
    for node in reversed(list(tree.walk())):
        # from the leaves up, so that what is put in the place of a node has parts that are done
        rewritten = _rewritten(node)
        if rewritten is not node:
            node.replace(rewritten)
    reads = tuple(node.name for node in tree.find_all(exp.Table))
    return Statement(kind, table, tree.sql("spark", comments=False), reads, **more)


def _create(tree: exp.Create, parameters: Sequence[Any]) -> Statement:
    keep = bool(tree.args.get("exists"))
    if tree.expression is not None:
        return _query("create", tree.this.name, tree.expression, parameters, keep=keep)
    nulls = [
        exp.alias_(exp.cast(exp.null(), column.args["kind"]), column.name)
        for column in tree.this.expressions
    ]
    empty = exp.select(*nulls).limit(0)
    return _query("create", tree.this.this.name, empty, (), keep=keep)


def _insert(tree: exp.Insert, parameters: Sequence[Any]) -> Statement:
    by_name = bool(tree.args.get("by_name"))
    if isinstance(tree.expression, exp.Values):
        rows = tuple(
            tuple(_value(node, parameters) for node in row.expressions)
            for row in tree.expression.expressions
        )
        return Statement("insert", tree.this.name, values=rows, by_name=by_name)
    return _query("insert", tree.this.name, tree.expression, parameters, by_name=by_name)


def _remaining(tree: exp.Delete) -> exp.Select:
    """What a delete leaves: the rows of which its condition is not true, unknown included."""
    gone = exp.Is(this=exp.paren(tree.args["where"].this), expression=exp.true())
    left = exp.select("*").from_(tree.this).where(exp.not_(gone))
    if tree.args.get("with_") is not None:
        left.set("with_", tree.args["with_"])
    return left


def _updated(tree: exp.Update, columns: Sequence[str]) -> exp.Select:
    """What an update makes of a table; at most one row of what it is joined with meets each row."""
    name, condition = tree.this.name, tree.args["where"].this
    changed = {node.this.name: node.expression for node in tree.expressions}
    parts: list[exp.Expr] = []
    for column in columns:
        part: exp.Expr = exp.column(column, table=name)
        if column in changed:
            case = exp.Case().when(condition.copy(), changed[column]).else_(part)
            part = exp.alias_(case, column)
        parts.append(part)
    query = exp.select(*parts).from_(tree.this)
    if tree.args.get("from_") is not None:
        joined = exp.Paren(this=tree.args["from_"].this)
        query = query.join(joined, on=condition, join_type="LEFT")
    return query


def _filled(node: exp.Expr, parameters: Sequence[Any]) -> exp.Expr:
    """A parameter's value in its place."""
    if not isinstance(node, exp.Placeholder):
        return node
    value = parameters[int(node.name[1:])]
    if isinstance(value, float):
        # as DuckDB takes it: no decimal, whatever it looks like
        return exp.cast(exp.Literal.string(repr(value).replace("inf", "Infinity")), "DOUBLE")
    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), exp.DType.TIMESTAMPNTZ)
    return exp.convert(value)


def _value(node: exp.Expr, parameters: Sequence[Any]) -> Any:
    return parameters[int(node.name[1:])] if isinstance(node, exp.Placeholder) else node.to_py()


def _rewritten(node: exp.Expr) -> exp.Expr:
    """A part of a query that means something else in Spark, as what it means in DuckDB."""
    if isinstance(node, exp.Table) and node.db == "main":
        node.set("db", None)
    elif isinstance(node, exp.Div):
        # a quotient is a double; Spark's of decimals is a decimal with few digits
        for side in ("this", "expression"):
            node.set(side, exp.cast(node.args[side].copy(), "DOUBLE"))
    elif isinstance(node, exp.Round) and node.args.get("decimals") is not None:
        double = exp.cast(node.this, "DOUBLE")
        return exp.Anonymous(this=ROUND, expressions=[double, node.args["decimals"]])
    elif isinstance(node, exp.Sum) and isinstance(node.this, exp.Order):
        return _ordered_sum(node.this)
    elif isinstance(node, exp.Anonymous) and node.name.lower() == "hash":
        node.set("this", HASH)
    elif isinstance(node, exp.Format) and node.this.name == "{:,}":
        return exp.Anonymous(
            this="format_number", expressions=[*node.expressions, exp.Literal.number(0)]
        )
    elif isinstance(node, exp.DataType) and node.this == exp.DType.UBIGINT:
        return exp.DataType.build("DECIMAL(20, 0)")
    return node


def _ordered_sum(order: exp.Order) -> exp.Expr:
    """A sum of doubles in an order: they are gathered, sorted and added one by one."""
    keys = ", ".join(key.this.sql("spark") for key in order.expressions)
    value = order.this.sql("spark")
    return sqlglot.parse_one(
        f"aggregate(transform(array_sort(collect_list(struct({keys}, {value} AS added))), "
        "x -> x.added), CAST(0 AS DOUBLE), (a, b) -> a + CAST(b AS DOUBLE))",
        read="spark",
    )
