"""Other methods on the same rows, each over a sweep of its settings, within limits of a laptop.

What helps linkage is given to the peers for free: values cleaned and prompts mined for templates
(they read the edges of linkage's case), a smallest size of five accounts, and the verdict: a group
that, by the truth, is mostly members of organisations or families accuses nobody. The best setting
is chosen by the truth as well.
A method is one function: rows in, a grouping for each setting out.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from populations import Prepared, brief, evaluated, prepare

from linkage.evaluate import ORGANISATIONS, Evaluation, evaluate, read_members, read_truth
from linkage.evaluate.read import NOTHING
from peers.rows import Grouping, Rows, read

Unit = Callable[[Path], list[dict[str, Any]]]
METHODS = {
    "connected components": "components",
    "weighted projection, Leiden": "leiden",
    "weighted projection, Louvain": "louvain",
    "account-address graph": "evilcohort",
    "validated projection": "validated",
    "densest blocks": "densest",
    "record linkage": "splink_model",
}
POPULATIONS = {
    "mixed": (20_000, 2),
    "young": (6_000, 2),
    "b2b": (20_000, 1),
}
GIVEN = "linkage, verdict given"
MIN_SIZE = 5
SECONDS, GIBIBYTES = 420, 10


def units(quick: bool) -> dict[str, Unit]:
    populations = {"young": (6_000, 1)} if quick else POPULATIONS
    limit = 40 if quick else SECONDS
    return {
        f"peers/{preset}/{seed}/{method}": partial(one, preset, accounts, seed, method, limit)
        for preset, (accounts, seeds) in populations.items()
        for seed in range(1, seeds + 1)
        for method in ("linkage", *METHODS)
    }


def one(
    preset: str, accounts: int, seed: int, method: str, limit: int, scratch: Path
) -> list[dict[str, Any]]:
    prepared = prepare(scratch, f"{preset}-{accounts}-{seed}", preset, accounts, seed)
    about = {"preset": preset, "accounts": accounts, "seed": seed, "method": method}
    if method == "linkage":
        about |= {"setting": "default", "seconds": prepared.facts["seconds"]}
        given = {**about, "method": GIVEN, **brief(with_verdicts_given(prepared))}
        return [{**about, **brief(evaluated(prepared))}, given]
    rows, end = within_limits(sweep, (METHODS[method], prepared.folder), limit)
    return [{**about, **row} for row in rows] + [{**about, "setting": None, "end": end}]


def sweep(name: str, folder: Path) -> Iterator[dict[str, Any]]:
    """The figures of each setting of a method."""
    rows = read(folder / "case")
    truth = read_truth(folder / "truth.csv")
    openly = in_groups_of_their_own(rows, truth)
    start = time.perf_counter()
    for setting, grouping in import_module(f"peers.{name}").groupings(rows):
        seconds = time.perf_counter() - start
        found = members(rows, grouping, openly)
        figures = brief(evaluate(found, NOTHING, truth, min_size=MIN_SIZE))
        yield {"setting": setting, "seconds": round(seconds, 1), **figures}
        start = time.perf_counter()


def with_verdicts_given(prepared: Prepared) -> Evaluation:
    """What linkage found, under the verdicts that the others get."""
    rows = read(prepared.case)
    truth = read_truth(prepared.truth)
    found, _ = read_members(prepared.case)
    names = {name: number for number, name in enumerate(rows.accounts.to_pylist())}
    grouping = np.full(len(names), -1, np.int64)
    groups: dict[str, int] = {}
    columns = (found[column].to_pylist() for column in ("account_id", "operator_id"))
    for account, operator in zip(*columns, strict=True):
        grouping[names[account]] = groups.setdefault(operator, len(groups))
    openly = in_groups_of_their_own(rows, truth)
    return evaluate(members(rows, grouping, openly), NOTHING, truth, min_size=MIN_SIZE)


def in_groups_of_their_own(rows: Rows, truth: pa.Table) -> npt.NDArray[np.bool_]:
    """Which accounts are honest ones of organisations or families."""
    columns = (truth[name].to_pylist() for name in ("account_id", "operator", "kind"))
    groups = {*ORGANISATIONS, "household"}
    openly = {a: not op and kind in groups for a, op, kind in zip(*columns, strict=True)}
    return np.array([openly[account] for account in rows.accounts.to_pylist()])


def members(rows: Rows, grouping: Grouping, openly: npt.NDArray[np.bool_]) -> pa.Table:
    """A grouping (a number for each account, below 0: none) as members with verdicts."""
    inside = grouping >= 0
    sizes = np.bincount(grouping[inside], minlength=1)
    mostly = 2 * np.bincount(grouping[inside], openly[inside], minlength=1) > sizes
    verdict = np.where(mostly[grouping[inside]], "organisation", "sockpuppets")
    count = int(inside.sum())
    return pa.table(
        {
            "account_id": rows.accounts.filter(pa.array(inside)),
            "operator_id": pa.array(grouping[inside]).cast(pa.string()),
            "verdict": pa.array(verdict, pa.string()),
            "confidence": pa.nulls(count, pa.float64()),
        }
    )


def within_limits(
    function: Callable[..., Iterator[dict[str, Any]]], arguments: tuple[Any, ...], seconds: int
) -> tuple[list[dict[str, Any]], str]:
    """What a function yields in a process of its own, and how that ended.

    It ends `done`, or out of time or memory with what it had yielded until then.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_limited, args=(theirs, function, arguments))
    process.start()
    theirs.close()
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + seconds
    end = f"out of time ({seconds} s)"
    while (left := deadline - time.monotonic()) > 0:
        if not ours.poll(left):
            break
        try:
            message = ours.recv()
        except EOFError:
            end = f"out of memory ({GIBIBYTES} GiB)"
            break
        if isinstance(message, str):
            end = message
            break
        found.append(message)
    process.kill()
    process.join()
    return found, end


def _limited(
    channel: Connection, function: Callable[..., Iterator[dict[str, Any]]], arguments: Any
) -> None:
    limit = GIBIBYTES * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        for row in function(*arguments):
            channel.send(row)
        channel.send("done")
    except MemoryError:
        channel.send(f"out of memory ({GIBIBYTES} GiB)")
    except Exception:
        channel.send(traceback.format_exc())
