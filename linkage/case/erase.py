"""An account that is to be forgotten, taken out of what a case remembers of earlier runs.

The `HISTORY` tables in an engine arrive and leave without it. A judgement about it stays, as one
about a forgotten account: that something was decided is not personal, and stays in its place. So
does its place in the operators of earlier runs, which are not to look as if they had changed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from linkage.case.place import OURS
from linkage.engine import Engine
from linkage.signals import DIRECT_KINDS

FORGOTTEN = "(forgotten)"


def erase(engine: Engine, account_id: str) -> None:
    """Take the account out of the tables."""
    engine.run("DELETE FROM judged_members WHERE account_id = ?", [account_id])
    # each under a name of its own, or they would pass for one
    engine.run(
        f"""
        UPDATE memberships SET account_id = printf('{FORGOTTEN} %d', 1 + (
            SELECT count(DISTINCT x.account_id) FROM memberships x
            WHERE starts_with(x.account_id, '{FORGOTTEN} ')))
        WHERE account_id = ?
        """,
        [account_id],
    )
    for table in ("judged_signals", "earlier_evidence"):
        engine.run(f"DELETE FROM {table} WHERE kind IN {DIRECT_KINDS} AND value = ?", [account_id])
    for column in ("a", "b"):
        engine.run(
            f"UPDATE judgements SET {column} = ? WHERE subject IN ('together', 'apart') "
            f"AND {column} = ?",
            [FORGOTTEN, account_id],
        )
    word = _word(account_id)
    for judgement, note in engine.rows("SELECT judgement, note FROM judgements"):
        if note and word.search(note):
            engine.run(
                "UPDATE judgements SET note = ? WHERE judgement = ?",
                [word.sub(FORGOTTEN, note), judgement],
            )
    for run, text in engine.rows("SELECT run, details FROM runs"):
        details = json.loads(text)
        # an example may be a value of the account's
        for reject in details.get("rejected", []):
            reject["example"] = ""
        for name in ("judgements", "notes"):
            details[name] = [word.sub(FORGOTTEN, line) for line in details.get(name, [])]
        engine.run(
            "UPDATE runs SET details = ? WHERE run = ?",
            [json.dumps(details, sort_keys=True, ensure_ascii=False), run],
        )


def naming(path: Path, account_id: str) -> list[str]:
    """Files in a case's folder that are not the case's own, and name the account."""
    found = []
    for file in sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()):
        if file.relative_to(path).parts[0] not in OURS and account_id.encode() in file.read_bytes():
            found.append(str(file.relative_to(path)))
    return found


def _word(account_id: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(account_id)}(?!\w)")
