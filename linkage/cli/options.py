"""Arguments and options of several commands, and how those that were typed overrule settings.

Each is a type to annotate a parameter with, so that it reads and means the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from linkage.config import Config, as_dict, from_dict, mapped

CaseFolder = Annotated[Path, typer.Argument(metavar="CASE", help="The case folder.")]
AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Account id.")]
Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT",
        help="Files (csv, tsv, jsonl, also .gz; parquet), patterns, or file.duckdb::table.",
    ),
]


def _mapping(holds: str) -> Any:
    return typer.Option(
        "--map", metavar="COLUMN=KIND", help=f"What a column holds{holds}. Repeatable."
    )


Mapping = Annotated[
    list[str] | None, _mapping(": a kind, account, created_at, timestamp or ignore")
]
MoreMapping = Annotated[list[str] | None, _mapping(", beside what the case was run with")]
Memory = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Memory limit, beyond which disk is used.  [default: 4GB]"),
]
NoReport = Annotated[bool, typer.Option("--no-report", help="Write no report.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def overruled(
    config: Config,
    mapping: Sequence[str] | None = None,
    seed: int | None = None,
    memory: str | None = None,
    min_size: int | None = None,
    engine: str | None = None,
) -> Config:
    """The settings, overruled by what was typed; `ConfigError` if that can't be.

    >>> overruled(Config(), ["client=ip"], memory="8GB").sources.map
    {'client': 'ip'}
    """
    values: dict[str, Any] = as_dict(config)
    values["sources"]["map"].update(mapped(text) for text in mapping or ())
    typed = {}
    for section, name, value in (
        ("", "seed", seed),
        ("engine", "memory", memory),
        ("attribution", "min_size", min_size),
        ("engine", "name", engine),
    ):
        if value is not None:
            (values[section] if section else values)[name] = value
            option = "engine" if name == "name" else name.replace("_", "-")
            typed[f"{section}.{name}"] = f"--{option}"
    return from_dict(values, where="command line", typed=typed)
