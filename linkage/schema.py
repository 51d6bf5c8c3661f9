"""The tables that stages hand on, and that a case keeps: names, columns, types, meanings.

Inside, integers stand for accounts and signals; their names come back at the edges. Times are
UTC timestamps without a zone. `TABLES` is the one place where columns are declared: stages create
their tables from it, the case checks them against it, and `docs/tables.md` is written from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Column:
    """A column: its name, its SQL type and what it means."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table: its name, what one row is, its columns, and whether a case keeps it."""

    name: str
    row: str
    columns: tuple[Column, ...]
    kept: bool = True

    def ddl(self, create: str = "CREATE TABLE", name: str | None = None) -> str:
        """The statement that makes an empty table of this shape, perhaps of another name.

        >>> META.ddl("CREATE TABLE IF NOT EXISTS", "facts")
        'CREATE TABLE IF NOT EXISTS facts (key VARCHAR, value VARCHAR)'
        """
        columns = ", ".join(f"{c.name} {c.type}" for c in self.columns)
        return f"{create} {name or self.name} ({columns})"

    def names(self) -> str:
        """Its column names, separated by commas, in order."""
        return ", ".join(c.name for c in self.columns)


def _table(name: str, row: str, columns: str, kept: bool = True) -> Table:
    parsed = []
    for line in columns.strip().splitlines():
        column, kind, meaning = line.strip().split(None, 2)
        parsed.append(Column(column, kind, meaning))
    return Table(name, row, tuple(parsed), kept)


META = _table(
    "meta",
    "a fact about the case",
    """
    key    VARCHAR  schema_version, or linkage_version that wrote it
    value  VARCHAR  its value
    """,
)
ACCOUNTS = _table(
    "accounts",
    "an account",
    """
    account     INTEGER    number of the account, from 0, in the order of account_id
    account_id  VARCHAR    what the service calls it
    created_at  TIMESTAMP  when it was made, if an input says so (the earliest)
    first_seen  TIMESTAMP  earliest timestamp among its rows
    last_seen   TIMESTAMP  latest timestamp among its rows
    rows        BIGINT     input rows that name it
    """,
)
OBSERVATIONS = _table(
    "observations",
    "a raw value of one kind that an account used (prompts stand elsewhere)",
    """
    account     INTEGER    the account
    kind        VARCHAR    kind of the column it stood in
    raw         VARCHAR    the value as it stood in the input
    first_seen  TIMESTAMP  earliest timestamp of the rows that have it, if they have one
    last_seen   TIMESTAMP  latest
    n           BIGINT     number of such rows
    """,
)
PROMPTS = _table(
    "prompts",
    "a distinct prompt of an account (only recent ones are kept)",
    """
    account     INTEGER    the account
    raw         VARCHAR    the text
    first_seen  TIMESTAMP  earliest timestamp of the rows that have it
    last_seen   TIMESTAMP  latest
    n           BIGINT     number of such rows
    """,
    kept=False,
)
ACTIVITY = _table(
    "activity",
    "an hour in which an account was active",
    """
    account  INTEGER    the account
    hour     TIMESTAMP  start of the hour, UTC
    n        BIGINT     rows with a timestamp in it
    """,
)
CLEANED = _table(
    "cleaned",
    "a signal that a raw value yields (one raw value may yield several, from fine to coarse)",
    """
    kind         VARCHAR  kind of the column
    raw          VARCHAR  the raw value
    signal_kind  VARCHAR  kind of the signal
    value        VARCHAR  normalised value
    parent_kind  VARCHAR  kind of the next coarser signal of the same raw value, or null
    parent       VARCHAR  value of that signal, or null
    """,
)
PROMPT_COUNTS = _table(
    "prompt_counts",
    "an account that sent prompts that are no longer kept",
    """
    account  INTEGER  the account
    n        BIGINT   rows with such a prompt
    """,
)
RECENT_PROMPTS = replace(
    PROMPTS,
    name="recent_prompts",
    row="a prompt of an account, kept until there are enough of them to be searched for the last "
    "time",
    kept=True,
)
KNOWN_USES = _table(
    "known_uses",
    "a prompt template that an account used in prompts that are no longer kept",
    """
    account     INTEGER    the account
    template    VARCHAR    the skeleton, slots marked
    first_seen  TIMESTAMP  earliest use
    last_seen   TIMESTAMP  latest use
    n           BIGINT     number of prompts
    """,
)
TEMPLATE_MODELS = _table(
    "template_models",
    "what templates are recognised by: hashes of words, found in one search",
    """
    number      INTEGER  of the search, from 0
    settled     BOOLEAN  whether the prompts that were searched are no longer kept
    characters  BIGINT   of these prompts
    content     BLOB     the hashes and the templates' texts
    """,
)
ROW_HASHES = _table(
    "row_hashes",
    "a row that was read, as a hash of its columns, so that it is not counted twice",
    """
    account  INTEGER  the account that it names
    hash     UBIGINT  the hash
    """,
)
TEMPLATE_USES = replace(
    KNOWN_USES,
    name="template_uses",
    row="a prompt template that an account used",
    kept=False,
)
REJECTED = _table(
    "rejected",
    "a reason for which values of one kind were not used",
    """
    source   VARCHAR  input that the rows came from, or empty: all inputs
    kind     VARCHAR  kind (or column) of the values
    reason   VARCHAR  why they were not used
    count    BIGINT   distinct values (for whole rows: rows)
    rows     BIGINT   input rows concerned
    example  VARCHAR  one of them, shortened
    """,
)
SIGNALS = _table(
    "signals",
    "a signal: a normalised value of one kind",
    """
    signal    INTEGER  number of the signal, from 0, in the order of kind and value
    kind      VARCHAR  payment, ip, ip_range, prompt, …
    value     VARCHAR  normalised value; for prompts the template, slots masked
    parent    INTEGER  the coarser signal that it implies (an address's range), or null
    accounts  INTEGER  accounts that use it
    ignored   VARCHAR  why it was not used as evidence, or null
    """,
)
EDGES = _table(
    "edges",
    "an account that used a signal: the bipartite graph",
    """
    account     INTEGER    the account
    signal      INTEGER    the signal
    first_seen  TIMESTAMP  earliest use, if known
    last_seen   TIMESTAMP  latest use, if known
    n           BIGINT     input rows
    """,
)
PAIRS = _table(
    "pairs",
    "two signals that go together more than chance allows: the signal graph",
    """
    signal_a  INTEGER  a signal
    signal_b  INTEGER  another, with a higher number
    together  INTEGER  accounts that have both
    expected  DOUBLE   accounts that would have both by chance
    weight    DOUBLE   log-likelihood ratio in nats
    """,
)
DECOYS = _table(
    "decoys",
    "a pair of signals in a copy of the graph in which accounts were dealt anew: what chance makes",
    """
    edges   BIGINT  edges of the graph
    weight  DOUBLE  log-likelihood ratio in nats; one row has none
    """,
)
BEGINNINGS = _table(
    "beginnings",
    "an account of an operator from which the next update goes on",
    """
    account   INTEGER  the account
    operator  BIGINT   number of the operator, of no meaning
    """,
)
OPERATORS = _table(
    "operators",
    "an operator",
    """
    operator_id  VARCHAR    its name, stable over runs
    verdict      VARCHAR    sockpuppets, organisation, household or unclear
    score        DOUBLE     0 to 1, the rank
    accounts     INTEGER    members
    q_value      DOUBLE     expected share of chance finds among operators at least as strong
    kinds        VARCHAR    kinds of its evidence, strongest first, separated by spaces
    first_seen   TIMESTAMP  earliest sign-up or use among its members
    last_seen    TIMESTAMP  latest use among its members
    why          VARCHAR    one sentence
    """,
)
MEMBERS = _table(
    "members",
    "an account attributed to an operator",
    """
    account      INTEGER  the account
    account_id   VARCHAR  what the service calls it
    operator_id  VARCHAR  the operator
    verdict      VARCHAR  the operator's verdict
    confidence   DOUBLE   probability that it belongs, 0 to 1
    evidence     DOUBLE   weight of its evidence in nats, before the prior
    held_by      INTEGER  signals of the operator that it has
    """,
)
EVIDENCE = _table(
    "evidence",
    "a signal that speaks for an operator",
    """
    operator_id  VARCHAR  the operator
    signal       INTEGER  the signal
    kind         VARCHAR  its kind
    value        VARCHAR  its value
    members      INTEGER  members that use it
    others       INTEGER  accounts outside the operator that use it
    weight       DOUBLE   nats that using it adds to an account's case
    """,
)
OPERATOR_KINDS = _table(
    "operator_kinds",
    "a kind of an operator's evidence, with what it takes to weigh an account",
    """
    operator_id  VARCHAR  the operator
    kind         VARCHAR  the kind
    holders      BIGINT   members that have anything of the kind
    all_holders  BIGINT   accounts that have
    hits         BIGINT   members that have a signal of the operator's
    all_hits     BIGINT   accounts that have one
    """,
)
KIND_HOLDERS = _table(
    "kind_holders",
    "a kind of signal",
    """
    kind      VARCHAR  the kind
    family    VARCHAR  the kind whose evidence it counts with
    personal  BOOLEAN  whether strangers don't normally share its values
    sharing   BOOLEAN  whether it says how widely another kind is shared
    address   BOOLEAN  whether it is an address or a range of them
    holders   BIGINT   accounts that have anything of it
    """,
)
SCORECARD = _table(
    "scorecard",
    "an item of an operator's scorecard",
    """
    operator_id  VARCHAR  the operator
    item         VARCHAR  what was looked at
    finding      VARCHAR  what was found, in words
    weight       DOUBLE   nats towards sockpuppets (negative: towards an honest explanation)
    """,
)
INPUTS = _table(
    "inputs",
    "a table that was read",
    """
    input    INTEGER  number of the input, from 0, in the order given
    name     VARCHAR  file name (and table), without its folder
    sha256   VARCHAR  hash of the file's bytes, or of the rows of a table in memory
    rows     BIGINT   rows read
    columns  VARCHAR  mapping of columns to kinds, as JSON
    """,
)
RUNS = _table(
    "runs",
    "a run over this case",
    """
    run          INTEGER    number of the run, from 1
    finished_at  TIMESTAMP  when it ended
    details      VARCHAR    what run.json holds, as JSON
    """,
)
JUDGEMENTS = _table(
    "judgements",
    "what an investigator decided (append-only)",
    """
    judgement  INTEGER    its number, from 1
    made_at    TIMESTAMP  when
    made_by    VARCHAR    who
    subject    VARCHAR    operator, together, apart or allow
    a          VARCHAR    operator, account or kind
    b          VARCHAR    the operator's verdict, or what it is confirmed as; account; or value
    decision   VARCHAR    confirmed, dismissed or unsure (operators); withdrawn (others), or null
    note       VARCHAR    why
    run        INTEGER    the run that found the operator so, if it is one of this case
    """,
)
JUDGED_MEMBERS = _table(
    "judged_members",
    "a member of an operator when it was judged",
    """
    judgement   INTEGER  the judgement
    account_id  VARCHAR  the account
    """,
)
JUDGED_SIGNALS = _table(
    "judged_signals",
    "a signal that spoke for an operator when it was judged",
    """
    judgement  INTEGER  the judgement
    kind       VARCHAR  its kind
    value      VARCHAR  its value
    members    INTEGER  members that used it then, if it is known
    others     INTEGER  others that did
    """,
)
JUDGEMENT_NOTES = _table(
    "judgement_notes",
    "what the last run did about a judgement, or why it could not",
    """
    judgement    INTEGER  the judgement
    operator_id  VARCHAR  the operator concerned, or null
    note         VARCHAR  a sentence; {operator} in it stands for that operator
    """,
)
ALIASES = _table(
    "aliases",
    "an operator id that another one stands for since they were found to be one operator",
    """
    alias        VARCHAR  the id that is no longer used
    operator_id  VARCHAR  the id that is
    run          INTEGER  run in which they became one
    """,
)
MEMBERSHIPS = _table(
    "memberships",
    "runs in a row in which an account was a member of an operator",
    """
    account_id   VARCHAR  the account
    operator_id  VARCHAR  the operator, by the id of that time
    first_run    INTEGER  first of these runs
    last_run     INTEGER  last of them
    """,
)
RUN_OPERATORS = _table(
    "run_operators",
    "an operator as one run found it",
    """
    run          INTEGER  the run
    operator_id  VARCHAR  the operator, by the id of that time
    verdict      VARCHAR  its verdict
    score        DOUBLE   its rank, 0 to 1
    accounts     INTEGER  its members
    """,
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        ACCOUNTS,
        OBSERVATIONS,
        PROMPTS,
        ACTIVITY,
        CLEANED,
        PROMPT_COUNTS,
        RECENT_PROMPTS,
        KNOWN_USES,
        TEMPLATE_MODELS,
        ROW_HASHES,
        TEMPLATE_USES,
        REJECTED,
        SIGNALS,
        EDGES,
        PAIRS,
        DECOYS,
        BEGINNINGS,
        OPERATORS,
        MEMBERS,
        EVIDENCE,
        OPERATOR_KINDS,
        KIND_HOLDERS,
        SCORECARD,
        INPUTS,
        RUNS,
        JUDGEMENTS,
        JUDGED_MEMBERS,
        JUDGED_SIGNALS,
        JUDGEMENT_NOTES,
        ALIASES,
        MEMBERSHIPS,
        RUN_OPERATORS,
    )
}

READ = (
    ACCOUNTS,
    OBSERVATIONS,
    ACTIVITY,
    CLEANED,
    PROMPT_COUNTS,
    RECENT_PROMPTS,
    KNOWN_USES,
    TEMPLATE_MODELS,
    ROW_HASHES,
    REJECTED,
    INPUTS,
    DECOYS,
    BEGINNINGS,
)
"""The tables that an update goes on from: what was read, cleaned and recognised so far."""

HISTORY = (
    RUNS,
    JUDGEMENTS,
    JUDGED_MEMBERS,
    JUDGED_SIGNALS,
    ALIASES,
    MEMBERSHIPS,
    RUN_OPERATORS,
)
"""The tables that a new run takes over from the case that it replaces."""

DECISIONS = ("confirmed", "dismissed", "unsure")

VERDICTS = ("sockpuppets", "organisation", "household", "unclear")

DECIDABLE = VERDICTS[:3]
"""Verdicts that an operator can be confirmed as against its own."""

RANK = "score DESC, accounts DESC, operator_id"
"""How operators are ranked, everywhere."""

BUSY = 2_000
"""Of an account with more signals than this that others have, what goes together says nothing."""

BUSY_ACCOUNTS = f"""
    SELECT e.account, count(*) AS signals FROM edges e JOIN signals s ON s.signal = e.signal
    WHERE s.ignored IS NULL GROUP BY e.account HAVING count(*) > {BUSY}
"""


def count_verdicts(verdicts: Iterable[str]) -> str:
    """How many operators have which verdict.

    >>> count_verdicts(["unclear", "organisation", "sockpuppets", "organisation"])
    'sockpuppets 1, organisation 2, unclear 1'
    """
    counts = Counter(verdicts)
    return ", ".join(f"{v} {counts[v]:,}" for v in VERDICTS if counts[v])
