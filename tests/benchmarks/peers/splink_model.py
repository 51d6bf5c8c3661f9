"""Record linkage: Splink's Fellegi-Sunter model on DuckDB, a record an account.

Blocking is on any shared value, values on many accounts aside; comparisons are the card, device,
phone and mail domain (with term frequencies), and how many templates and addresses two accounts
share. u comes from random pairs, m from expectation maximisation; thresholds are swept.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from peers.rows import Grouping, Rows, components

ONE = ("payment", "phone", "email", "email_domain")
MANY = ("device", "prompt", "ip")
LEAST = 0.01


def groupings(rows: Rows) -> Iterator[tuple[str, Grouping]]:
    """Over the most accounts of a value that is blocked on, and the threshold."""
    logging.disable(logging.WARNING)
    for most in (10, 30, 100):
        pairs = predictions(rows, records(rows, most), most)
        a, b = (pairs[column].to_numpy() for column in ("unique_id_l", "unique_id_r"))
        probability = pairs["match_probability"].to_numpy()
        for threshold in (0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.999999, 0.99999999):
            kept = probability >= threshold
            group = components(len(rows.accounts), a[kept], b[kept])
            yield f"values on at most {most}; probability from {threshold:g}", group


def records(rows: Rows, most: int) -> pa.Table:
    """A row an account: a value of single kinds, lists of the others, rare values to block on."""
    edges = pa.table(
        {
            "unique_id": rows.account,
            "value": rows.value,
            "kind": rows.kind[rows.value],
            "size": rows.size[rows.value],
        }
    )
    one = [f"min(value) FILTER (kind = '{k}') AS {k}" for k in ONE]
    many = [f"list(value ORDER BY value) FILTER (kind = '{k}') AS {k}" for k in MANY]
    rare = f"list(value ORDER BY value) FILTER (size <= {most}) AS rare"
    with duckdb.connect() as db:
        db.register("edges", edges)
        return db.sql(
            f"SELECT unique_id, {', '.join([*one, *many, rare])} FROM edges"
            " GROUP BY unique_id ORDER BY unique_id"
        ).to_arrow_table()


def predictions(rows: Rows, table: pa.Table, most: int) -> pa.Table:
    """Pairs with their probabilities, from the model trained on this very table."""
    api = DuckDBAPI()
    linker = _trained(api.register(table), ONE, MANY, pairs=2e6)
    found = linker.inference.predict(threshold_match_probability=LEAST)
    return found.as_pyarrow_table()


def _trained(records: Any, one: Sequence[str], many: Sequence[str], pairs: float) -> Linker:
    """A model of records with single values of some kinds and lists of others."""
    exact = [cl.ExactMatch(k).configure(term_frequency_adjustments=True) for k in one]
    steps = {"device": [1], "prompt": [4, 2, 1], "ip": [4, 2, 1]}
    shared = [cl.ArrayIntersectAtSizes(k, steps[k]) for k in many]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[*exact, *shared],
        blocking_rules_to_generate_predictions=[block_on("rare", arrays_to_explode=["rare"])],
        retain_matching_columns=False,
    )
    linker = Linker(records, settings, log_level="ERROR")
    certain = [block_on("payment"), block_on("phone"), block_on("email")]
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.5)
    linker.training.estimate_u_using_random_sampling(max_pairs=pairs, seed=1)
    for column in ("payment", "phone", "email_domain"):
        if column in one:
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(column))
    return linker


RARE = 10
"""Most accounts of a value that two records are compared for, on files."""
FILES = """
    CREATE TABLE records AS
    WITH one AS (
        SELECT account_id, payment_fingerprint AS payment, phone, lower(email) AS email
        FROM read_csv('{folder}/accounts.csv', all_varchar = true)
    ),
    many AS (
        SELECT account_id, list(DISTINCT ip) AS ip,
            list(DISTINCT device_id) FILTER (device_id IS NOT NULL) AS device
        FROM read_parquet('{folder}/events.parquet') GROUP BY account_id
    ),
    held AS (
        SELECT account_id, 'ip ' || unnest(ip) AS value FROM many
        UNION ALL SELECT account_id, 'device ' || unnest(device) FROM many
        UNION ALL SELECT account_id, 'payment ' || payment FROM one WHERE payment IS NOT NULL
        UNION ALL SELECT account_id, 'phone ' || phone FROM one WHERE phone IS NOT NULL
        UNION ALL SELECT account_id, 'email ' || email FROM one WHERE email IS NOT NULL
    ),
    shared AS (SELECT value FROM held GROUP BY value HAVING count(*) BETWEEN 2 AND {rare}),
    rare AS (
        SELECT account_id, list(value) AS rare FROM held JOIN shared USING (value)
        GROUP BY account_id
    )
    SELECT account_id AS unique_id, payment, phone, email, device, ip, rare
    FROM one LEFT JOIN many USING (account_id) LEFT JOIN rare USING (account_id)
    """


def clusters_of_files(folder: Path) -> int:
    """How many groups come of a simulated population's own files, without its prompts.

    Set up for speed: values as they stand, one blocking rule, a million pairs for u, two rounds of
    expectation maximisation, one threshold.
    """
    logging.disable(logging.WARNING)
    with duckdb.connect(str(folder / "splink.duckdb")) as db:
        db.execute("SET preserve_insertion_order = false")
        db.execute("SET enable_progress_bar = false")
        db.execute(FILES.format(folder=folder, rare=RARE))
        records = DuckDBAPI(connection=db).register("records")
        linker = _trained(records, ("payment", "phone", "email"), ("device", "ip"), pairs=1e6)
        pairs = linker.inference.predict(threshold_match_probability=LEAST)
        found = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, 0.99)
        groups = found.as_duckdbpyrelation().aggregate("count(DISTINCT cluster_id)")
        count = int(groups.fetchall()[0][0])
    (folder / "splink.duckdb").unlink()
    return count
