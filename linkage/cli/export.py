"""The command that writes a case's graph for other programs: export."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from linkage.cli import output
from linkage.cli.options import CaseFolder, Json
from linkage.errors import InputError
from linkage.words import count

KEY_BYTES = 16
"""A shorter secret can be guessed."""


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(export)


def export(
    case: CaseFolder,
    format: Annotated[
        str,
        typer.Option(
            metavar="FORMAT", help="graphml, gexf, csv, parquet, json, cypher, neo4j, stix or html."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="PATH", help="The file to write; for csv, parquet and neo4j the folder."
        ),
    ],
    operator: Annotated[
        str | None,
        typer.Option(
            metavar="OPERATOR", help="Operator id or its start.  [default: all operators]"
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything", help="All signals that the accounts use, not the evidence alone."
        ),
    ] = False,
    hash_values: Annotated[
        bool,
        typer.Option(
            "--hash-values",
            help="Replace account ids and values by keyed hashes; equal ones stay equal.",
        ),
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The secret of --hash-values, to share with whoever compares.  "
            "[default: a new one, kept nowhere]",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write accounts and signals for other programs.

    The bipartite graph of one operator's accounts and the signals that speak for it, or of all
    operators. Written whole or not at all, readable by you only.
    """
    import linkage.export

    secret = _secret(key) if hash_values else None
    if key is not None and not hash_values:
        raise InputError("--key is the secret of --hash-values. Add that too, or leave it out.")
    written = linkage.export.write(case, format, out, operator, everything, secret)
    if as_json:
        output.print_json(written.as_dict())
        return
    counts = ((written.accounts, "account"), (written.signals, "signal"), (written.edges, "edge"))
    output.say(", ".join(count(number, word) for number, word in counts))
    output.table(
        ["written", "bytes"], list(written.files.items()), right=["bytes"], wide=["written"]
    )


def _secret(file: Path | None) -> bytes:
    if file is None:
        return secrets.token_bytes(32)
    try:
        secret = file.read_bytes().strip()
    except OSError as error:
        raise InputError(
            f"--key {file}: {error.strerror}. Expected a file with a secret."
        ) from None
    if len(secret) < KEY_BYTES:
        raise InputError(
            f"--key {file}: {len(secret)} bytes are too easy to guess, expected {KEY_BYTES} or "
            f"more. Make one: openssl rand -hex 32 > {file}"
        )
    return secret
