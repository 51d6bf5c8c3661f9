"""Find the operators behind fleets of sockpuppet accounts, and show the evidence.

Tables of accounts and events come in; a case leaves, with a ranked list of operators, their
members and the reasons. Twelve accounts pay with three cards here, among people who don't:

>>> import linkage, pandas, pathlib, tempfile
>>> people = [(f"person-{n}", f"card-{n}", f"8.{n % 199}.{n % 7}.9") for n in range(400)]
>>> fleet = [(f"puppet-{n:02}", f"fleet-card-{n % 3}", f"9.9.9.{n % 4}") for n in range(12)]
>>> table = pandas.DataFrame(people + fleet, columns=["account_id", "card_hash", "ip"])
>>> case = linkage.run([table], out=pathlib.Path(tempfile.mkdtemp()) / "case")
>>> case.operators[["accounts"]].to_dict("records")
[{'accounts': 12}]
>>> sorted(case.members["account_id"])[:3]
['puppet-00', 'puppet-01', 'puppet-02']
>>> [chain.links[0].value for chain in case.explain("puppet-00", "puppet-03").chains]
['fleet-card-0', '9.9.9.0/24']
>>> case.graph(case.operators["operator_id"][0]).degree(("payment", "fleet-card-0"))
4

`run`, `update`, `forget`, `templates`, `Case`, `Matcher`, `Config`, `SparkEngine`, `export` and the
errors are the whole API; the command `linkage` does the same.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

from linkage.config import Config
from linkage.errors import (
    CaseError,
    ConfigError,
    InputError,
    LinkageError,
    MissingExtraError,
)

if TYPE_CHECKING:
    from linkage import export
    from linkage.case import Case, Matcher
    from linkage.engine.spark import SparkEngine
    from linkage.pipeline import forget, run, update
    from linkage.prompts import templates

__all__ = [
    "Case",
    "CaseError",
    "Config",
    "ConfigError",
    "InputError",
    "LinkageError",
    "Matcher",
    "MissingExtraError",
    "SparkEngine",
    "__version__",
    "export",
    "forget",
    "run",
    "templates",
    "update",
]

# these bring DuckDB, Arrow and igraph with them, which an import alone should not
_LATER = {
    "forget": "linkage.pipeline",
    "run": "linkage.pipeline",
    "update": "linkage.pipeline",
    "Case": "linkage.case",
    "Matcher": "linkage.case",
    "SparkEngine": "linkage.engine.spark",
    "templates": "linkage.prompts",
}


def __getattr__(name: str) -> Any:
    if name == "export":
        return import_module("linkage.export")
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
