"""Prompts to their templates, for use alone: `linkage.templates` and the command `templates`.

Prompts arrive, in a file or in memory; the template of each leaves. Nothing else of the pipeline
takes part: no accounts are needed, and no case is written.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from base64 import b32encode
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from linkage import writing
from linkage.config import EngineConfig
from linkage.engine import DuckDBEngine
from linkage.errors import InputError, shorten
from linkage.progress import Progress, Quiet
from linkage.signals import prompt
from linkage.sources import load_rows
from linkage.sources.rows import Rows

if TYPE_CHECKING:
    import pandas as pd  # noqa: TID251

Column: TypeAlias = "Sequence[Any] | pd.Series[Any] | pa.Array | pa.ChunkedArray"

TOP = 10


@dataclass(frozen=True)
class Template:
    """A template: how many prompts of how many accounts it describes."""

    template_id: str
    prompts: int
    accounts: int
    template: str


@dataclass(frozen=True)
class Summary:
    """What `write` read and found."""

    out: str
    column: str
    account: str
    """The column of accounts; empty: each prompt counted as an account of its own."""
    rows: int
    unread: int
    """Rows of the input that could not be read, and have no row number."""
    templates: int
    prompts: int
    """Rows that have a template."""
    commonest: tuple[Template, ...]

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain values."""
        return asdict(self)


def templates(prompts: Column, accounts: Column | None = None) -> pd.DataFrame:
    """The template of each prompt.

    `prompts` is a list, a pandas Series or an Arrow array of text, in which None is no prompt;
    `accounts` names the account of each, in the same order. A template is text that prompts of
    different accounts share; without accounts, each prompt counts as an account of its own.

    Returns a DataFrame with a row a prompt: `row` (from 0, in the order given), `template_id` and
    `template` (the fixed text, with ⟨…⟩ for each slot), both None where a prompt has none. An id is
    made of the template's text, and so the same wherever that is found. `InputError` if there are
    not as many accounts as prompts.

    >>> import linkage
    >>> words = ["a cat", "the sea in winter", "my grandmother's bread", "an old violin"]
    >>> found = linkage.templates(
    ...     [f"Write a limerick in the style of a tired accountant about {w}." for w in words]
    ...     + ["What is the capital of Peru?"])
    >>> found["template"][0]
    'Write a limerick in the style of a tired accountant about ⟨…⟩'
    >>> found["template_id"].nunique(), found["template_id"][4] is None
    (1, True)
    """
    import pandas as pd  # noqa: TID251

    # a number is text, what pandas takes for missing is none
    texts = [None if p is None or p is pd.NA or p != p else str(p) for p in _values(prompts)]
    owners: list[Hashable] | None = None
    if accounts is not None:
        owners = _values(accounts)
        if len(owners) != len(texts):
            raise InputError(
                f"{len(texts):,} prompts, but {len(owners):,} accounts; expected one for each."
            )
    found = prompt.templates(texts, owners)
    ids = {text: template_id(text) for text in set(found) if text is not None}
    return pd.DataFrame(
        {
            "row": range(len(texts)),
            "template_id": pd.Series([ids.get(text or "") for text in found], dtype=object),
            "template": pd.Series(found, dtype=object),
        }
    )


def template_id(template: str) -> str:
    """The id of a template: the same text has the same id, in any file.

    >>> template_id("Translate into French: ⟨…⟩")
    'TP-2W7NXJBTNM'
    """
    digest = hashlib.sha256(template.encode("utf-8", "surrogatepass")).digest()
    return f"TP-{b32encode(digest).decode()[:10]}"


def write(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    column: str = "prompt",
    account: str | None = None,
    config: EngineConfig | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Find the template of each row of a table, and write them to the csv file `out`.

    The file has the columns row (from 0, in the order of the input), template_id (empty: none) and
    template; it is written whole or not at all. `column` is that of the prompts (or the first that
    is named like one), `account` that of accounts (None: one that is named so, if there is one; "":
    none, each prompt counts as an account of its own). `InputError` if the input can't be read, has
    no such column, or `out` can't be written.
    """
    progress, out = progress or Quiet(), Path(out)
    if out.exists() and Path(source).exists() and out.samefile(source):
        raise InputError(f"{out} is the input, which would be lost. Name another file with --out.")
    with (
        writing.trouble(out),
        writing.beside(out) as new,
        tempfile.TemporaryDirectory(prefix="linkage-") as scratch,
    ):
        engine = DuckDBEngine(Path(scratch) / "work.duckdb", config)
        try:
            progress.stage("sources")
            read = load_rows(engine, source, column, account)
            progress.stage("templates")
            prompt.label(engine, "prompt_rows", progress)
            _name(engine)
            progress.stage("output")
            engine.run(
                f"""COPY (SELECT row, template_id, cell AS template
                FROM prompt_rows LEFT JOIN row_templates USING (row)
                LEFT JOIN templates USING (template) ORDER BY row)
                TO '{str(new).replace("'", "''")}' (FORMAT csv, HEADER)"""
            )
            return _summary(engine, str(out), read)
        finally:
            engine.close()


def _summary(engine: DuckDBEngine, out: str, read: Rows) -> Summary:
    commonest = engine.rows(
        f"""SELECT template_id, count(*) AS prompts, count(DISTINCT coalesce(account, -1 - row)),
            template
        FROM row_templates JOIN templates USING (template) JOIN prompt_rows USING (row)
        GROUP BY template_id, template ORDER BY prompts DESC, template LIMIT {TOP}"""
    )
    return Summary(
        out=out,
        column=read.prompt,
        account=read.account,
        rows=read.rows,
        unread=sum(reject.rows for reject in read.rejects),
        templates=engine.value("SELECT count(*) FROM templates"),
        prompts=engine.value("SELECT count(*) FROM row_templates"),
        commonest=tuple(Template(*row) for row in commonest),
    )


def _name(engine: DuckDBEngine) -> None:
    """Make the table `templates`: template, template_id, and cell (its text in a spreadsheet)."""
    texts = [t for (t,) in engine.rows("SELECT DISTINCT template FROM row_templates")]
    cells = [writing.inert(text) for text in texts]
    ids = [template_id(text) for text in texts]
    names = ["template", "template_id", "cell"]
    columns = [pa.array(values, pa.string()) for values in (texts, ids, cells)]
    engine.put("templates", pa.table(columns, names=names))


def _values(column: Any) -> list[Any]:
    """The values of a list, a Series or an Arrow array."""
    if isinstance(column, str):
        raise InputError(
            f"expected a list of prompts, found one text ({shorten(column)}). "
            "For a file: linkage templates FILE --out FILE.csv"
        )
    for method in ("to_pylist", "tolist"):
        if hasattr(column, method) and not hasattr(column, "column_names"):
            return list(getattr(column, method)())
    if not isinstance(column, list | tuple):
        raise InputError(
            f"expected a list, a pandas Series or an Arrow array, found {type(column).__name__}."
            '\nOf a table, hand over one column: linkage.templates(table["prompt"])'
        )
    return list(column)
