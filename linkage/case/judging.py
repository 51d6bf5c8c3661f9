"""Judgements: what an investigator decides is appended to a case, and read for the next run.

A case's folder and a decision arrive; the case leaves with one judgement more. Nothing is ever
rewritten: what is decided later overrules what was decided before, and both stay. What an operator
was when it was judged (members, evidence) is kept with it, so that the decision can follow it when
its id, or the case, is another. What contradicts an earlier decision is refused, with its date.
"""

from __future__ import annotations

import contextlib
import getpass
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from linkage import words
from linkage.case.amend import amended
from linkage.case.erase import erase
from linkage.case.read import CaseReader
from linkage.case.store import take_history
from linkage.case.views import Judgement
from linkage.engine import Engine
from linkage.errors import InputError, shorten, suggestion
from linkage.judgements import components
from linkage.judgements.allowed import is_within
from linkage.schema import DECIDABLE, DECISIONS, JUDGEMENTS
from linkage.signals import KINDS, Rejected, kind_of

WITHDRAWN = "withdrawn"
FORMATS = ("linkage judgements 1", "linkage judgements 2")
"""What can be read; the last is written. The first has no users with its signals."""

# of each subject the last word; a pair is the same either way round
STANDING = f"""
WITH said AS (
    SELECT *, row_number() OVER (
               PARTITION BY CASE subject WHEN 'together' THEN 'pair' WHEN 'apart' THEN 'pair'
                            ELSE subject END,
                   CASE subject WHEN 'operator' THEN coalesce(
                            (SELECT x.operator_id FROM aliases x WHERE x.alias = judgements.a), a)
                        WHEN 'allow' THEN a ELSE least(a, b) END,
                   CASE subject WHEN 'operator' THEN '' WHEN 'allow' THEN b
                        ELSE greatest(a, b) END
               ORDER BY made_at DESC, judgement DESC
           ) AS place
    FROM judgements
)
SELECT {JUDGEMENTS.names()} FROM said
WHERE place = 1 AND decision IS DISTINCT FROM 'withdrawn' ORDER BY judgement
"""


def take_judgements(engine: Engine, place: Path, without: str | None = None) -> None:
    """Put what stands of the judgements of the case in `place`, if it is one, into `engine`.

    What names the account `without` no longer does.
    """
    take_history(engine, Path(place).resolve())
    if without is not None:
        erase(engine, without)
    engine.create("standing", STANDING)
    for name, columns, where in (
        (
            "judged_operators",
            "judgement, a AS operator_id, decision, b AS verdict, made_by, made_at, note, run",
            "operator",
        ),
        ("judged_pairs", "judgement, subject, a, b", "together', 'apart"),
        ("judged_signals_allowed", "judgement, a AS kind, b AS value, note", "allow"),
    ):
        engine.create(name, f"SELECT {columns} FROM standing WHERE subject IN ('{where}')")
    engine.drop("standing")


def judge(
    path: Path | str,
    operator_id: str,
    decision: str,
    note: str = "",
    by: str = "",
    verdict: str = "",
) -> Judgement:
    """Record a decision on an operator, with its members and evidence as they are now.

    It is confirmed as `verdict`; without one, as its own.
    """
    if decision not in DECISIONS:
        raise InputError(
            f"no decision {shorten(decision)}. {suggestion(decision, DECISIONS)} "
            f"A decision is one of: {', '.join(DECISIONS)}."
        )
    if verdict and (decision != "confirmed" or verdict not in DECIDABLE):
        raise InputError(
            f"{decision} as {shorten(verdict)}? An operator is confirmed as one of: "
            f"{', '.join(DECIDABLE)}. {suggestion(verdict, DECIDABLE)}".rstrip()
        )
    with amended(path) as (connection, case):
        name, found_as, run, earlier = _judged_operator(case, operator_id)
        b = verdict or found_as
        made = _append(
            connection,
            Judgement(0, _now(), by or _user(), "operator", name, b, decision, note, run),
        )
        # of an operator that is gone, what it was when it was judged before
        for table, columns, source in (
            ("judged_members", "account_id", "members"),
            ("judged_signals", "kind, value, members, others", "evidence"),
        ):
            found, of = (source, name) if earlier is None else (table, earlier)
            key = "operator_id" if earlier is None else "judgement"
            connection.execute(
                f"INSERT INTO {table} SELECT ?, {columns} FROM {found} WHERE {key} = ? "
                "ORDER BY ALL",
                [made.judgement, of],
            )
    return made


def _judged_operator(case: CaseReader, operator_id: str) -> tuple[str, str, int | None, int | None]:
    """An operator's id and verdict, the run that found it so, and the judgement that remembers it
    if it is gone."""
    try:
        view = case.operator(operator_id)
    except InputError:
        rows = case.rows(
            "SELECT a, b, run, judgement FROM judgements WHERE subject = 'operator' AND a = $id "
            "ORDER BY judgement DESC LIMIT 1",
            id=operator_id.strip().upper(),
        )
        if not rows:
            raise
        return rows[0]
    [(run,)] = case.rows("SELECT max(run) FROM runs")
    return view.operator_id, view.verdict, run, None


def judge_pair(
    path: Path | str,
    subject: str,
    a: str,
    b: str,
    note: str = "",
    by: str = "",
    withdraw: bool = False,
) -> Judgement:
    """Record that two accounts belong `together`, or are to be kept `apart`."""
    if subject not in ("together", "apart"):
        raise InputError(f"two accounts are judged together or apart, not {shorten(subject)}.")
    with amended(path) as (connection, case):
        a, b = sorted((case.account(a).account_id, case.account(b).account_id))
        if a == b:
            raise InputError(f"{shorten(a)} twice: a pair needs two accounts. Give another one.")
        standing = judgements(case, standing=True)
        if withdraw:
            _check_stands(standing, subject, a, b)
        else:
            _check_pair(standing, subject, a, b, case.path)
        decision = WITHDRAWN if withdraw else None
        return _append(
            connection, Judgement(0, _now(), by or _user(), subject, a, b, decision, note)
        )


def allow(
    path: Path | str, kind: str, value: str, note: str = "", by: str = "", withdraw: bool = False
) -> Judgement:
    """Record that a signal (for addresses a network too) is never evidence again."""
    with amended(path) as (connection, case):
        kind = _kind(case, kind, value)
        value = allowed_value(case, kind, value)
        if withdraw:
            _check_stands(judgements(case, standing=True), "allow", kind, value)
        decision = WITHDRAWN if withdraw else None
        return _append(
            connection, Judgement(0, _now(), by or _user(), "allow", kind, value, decision, note)
        )


def allowed_value(case: CaseReader, kind: str, value: str) -> str:
    """The normalised value of a kind; `InputError` if it is none."""
    if kind == "prompt":
        return _template(case, value)
    if kind in ("ip", "ip_range") and "/" in value:
        try:
            return str(ipaddress.ip_network(value.strip(), strict=False))
        except ValueError:
            raise InputError(
                f"{shorten(value)} is no network. Write one such as 84.12.7.0/24."
            ) from None
    cleaned = kind_of(kind).clean(value, case.config.signals)
    if isinstance(cleaned, Rejected):
        raise InputError(
            f"{shorten(value)} is no {words.name(kind)}: {cleaned.reason}, "
            "so it is no evidence anyway."
        )
    return next((v.value for v in cleaned if v.kind == kind), cleaned[0].value)


def users(case: CaseReader, kind: str, value: str) -> int:
    """How many accounts use a value that was allowed."""
    where = "kind = $kind AND value = $value"
    parameters: dict[str, Any] = {"kind": kind, "value": value}
    if kind in ("ip", "ip_range") and "/" in value:
        network = ipaddress.ip_network(value)
        rows = case.rows("SELECT signal, value FROM signals WHERE kind IN ('ip', 'ip_range')")
        where = "signal IN (SELECT unnest($signals))"
        parameters = {"signals": [signal for signal, text in rows if is_within(text, network)]}
    [(found,)] = case.rows(
        "SELECT count(DISTINCT account) FROM edges JOIN signals USING (signal) WHERE " + where,
        **parameters,
    )
    return int(found)


def _kind(case: CaseReader, word: str, value: str) -> str:
    """The kind that a word names, by itself or as it is shown; `InputError` if none."""
    present = {row[0] for row in case.rows("SELECT DISTINCT kind FROM signals")}
    kind = words.kind_called(word, [*KINDS, *sorted(present - set(KINDS))])
    if kind is None:
        raise InputError(f"no kind {shorten(word)}. {suggestion(word, set(KINDS) | present)}")
    if kind == "address":
        # in a sentence those of the network are called addresses, too
        with contextlib.suppress(ValueError):
            ipaddress.ip_network(value.strip(), strict=False)
            return "ip"
    return kind


def _template(case: CaseReader, value: str) -> str:
    """A template by its text, or the start of it, if no other starts so."""
    rows = case.rows(
        "SELECT value FROM signals WHERE kind = 'prompt' AND (value = $value OR "
        "starts_with(value, $value)) ORDER BY value <> $value, value LIMIT 4",
        value=value.strip(),
    )
    found = [row[0] for row in rows]
    if found and (found[0] == value.strip() or len(found) == 1):
        return str(found[0])
    if found:
        names = "; ".join(shorten(text) for text in found[:3])
        raise InputError(f"template {shorten(value)} could be any of {names}. Type more of it.")
    raise InputError(
        f"no template {shorten(value)} in {case.path}. Type the start of one as it stands in: "
        f"linkage show {case.path} OPERATOR"
    )


def judgements(case: CaseReader, standing: bool = False) -> list[Judgement]:
    """All judgements of a case, oldest first, or only those that stand."""
    sql = (
        STANDING if standing else f"SELECT {JUDGEMENTS.names()} FROM judgements ORDER BY judgement"
    )
    return [Judgement(*row) for row in case.rows(sql)]


def _check_stands(standing: Sequence[Judgement], subject: str, a: str, b: str) -> None:
    if not any((j.subject, j.a, j.b) == (subject, a, b) for j in standing):
        raise InputError(
            f"nothing to withdraw: {shorten(a)} {shorten(b)} is not judged {subject} now."
        )


def _check_pair(standing: Sequence[Judgement], subject: str, a: str, b: str, path: Path) -> None:
    """Refuse what the pairs that stand rule out."""
    for j in standing:
        if j.subject in ("together", "apart") and (j.a, j.b) == (a, b) and j.subject != subject:
            raise InputError(
                f"{j.text()}. That contradicts it; if it no longer holds, withdraw it first: "
                f"linkage judge {path} --{j.subject} {a} {b} --withdraw"
            )
    together = [j for j in standing if j.subject == "together"]
    apart = {(j.a, str(j.b)) for j in standing if j.subject == "apart"}
    pairs = [(j.a, str(j.b)) for j in together]
    groups = components([*pairs, (a, b)] if subject == "together" else pairs)
    wanted = apart if subject == "together" else {(a, b)}
    for one, other in sorted(wanted):
        group: set[str] | None = groups.get(one)
        if group is not None and group is groups.get(other):
            why = "; ".join(
                j.text()
                for j in standing
                if (j.a in group and j.b in group and j.subject != "allow")
            )
            raise InputError(
                f"{a} and {b} can't be judged {subject}, since that contradicts: {why}. "
                "Withdraw what no longer holds first, with --withdraw."
            )


def _append(connection: duckdb.DuckDBPyConnection, judgement: Judgement) -> Judgement:
    """Add it, with the next number."""
    [(number,)] = connection.execute(
        "SELECT coalesce(max(judgement), 0) + 1 FROM judgements"
    ).fetchall()
    made = replace(judgement, judgement=number, note=judgement.note or None)
    values = made.as_dict().values()
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO judgements VALUES ({marks})", list(values))
    return made


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def exported(case: CaseReader) -> dict[str, Any]:
    """All judgements as plain values, with what was judged, for `bring_in`."""
    found = []
    for j in judgements(case):
        members = case.rows(
            "SELECT account_id FROM judged_members WHERE judgement = $n ORDER BY 1", n=j.judgement
        )
        signals = case.rows(
            "SELECT kind, value, members, others FROM judged_signals WHERE judgement = $n "
            "ORDER BY ALL",
            n=j.judgement,
        )
        values = j.as_dict()
        # numbers are of this case
        del values["judgement"], values["run"]
        values["made_at"] = j.made_at.isoformat() + "Z"
        if j.subject == "operator":
            values["members"] = [row[0] for row in members]
            values["signals"] = [list(row) for row in signals]
        found.append(values)
    return {"format": FORMATS[-1], "judgements": found}


def bring_in(path: Path | str, file: Path) -> tuple[list[Judgement], list[str]]:
    """Append the judgements of a file that `exported` wrote; those new, and why others are not.

    What is in the case already is left out; what contradicts it is told and left out.
    """
    data = _read(file)
    brought: list[Judgement] = []
    left: list[str] = []
    with amended(path) as (connection, case):
        known = {_key(j) for j in judgements(case)}
        for values in data:
            made_at = datetime.fromisoformat(values["made_at"].removesuffix("Z"))
            j = _judgement(values, made_at)
            if _key(j) in known:
                left.append(f"{j.text()}: known already")
                continue
            if j.subject in ("together", "apart") and j.decision is None:
                standing = [Judgement(*row) for row in connection.execute(STANDING).fetchall()]
                a, b = sorted((j.a, str(j.b)))
                try:
                    _check_pair(standing, j.subject, a, b, case.path)
                except InputError as error:
                    left.append(f"{j.text()}: {error}")
                    continue
            made = _append(connection, j)
            for account_id in values.get("members", []):
                connection.execute(
                    "INSERT INTO judged_members VALUES (?, ?)", [made.judgement, account_id]
                )
            for kind, value, *users in values.get("signals", []):
                connection.execute(
                    "INSERT INTO judged_signals VALUES (?, ?, ?, ?, ?)",
                    [made.judgement, kind, value, *(users or (None, None))],
                )
            brought.append(made)
            known.add(_key(j))
    return brought, left


def _judgement(values: dict[str, Any], made_at: datetime) -> Judgement:
    fields = (values.get(k) for k in ("made_by", "subject", "a", "b", "decision", "note"))
    return Judgement(0, made_at, *fields)  # type: ignore[arg-type]


def _key(j: Judgement) -> tuple[Any, ...]:
    return (j.made_at, j.made_by, j.subject, j.a, j.b, j.decision, j.note or "")


def _read(file: Path) -> list[dict[str, Any]]:
    wrong = InputError(
        f"{file}: not a file of judgements. Write one with: linkage judge CASE --export FILE"
    )
    try:
        data = json.loads(Path(file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file}: no such file.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        raise wrong from None
    if not isinstance(data, dict) or data.get("format") not in FORMATS:
        raise wrong
    try:
        for values in data["judgements"]:
            datetime.fromisoformat(values["made_at"].removesuffix("Z"))
            texts = [values["made_by"], values["subject"], values["a"], *values.get("members", [])]
            signals = values.get("signals", [])
            texts += [text for signal in signals for text in signal[:2]]
            texts += [values[k] for k in ("b", "decision", "note") if values.get(k) is not None]
            if not all(isinstance(text, str) for text in texts):
                raise wrong
            if values["subject"] not in ("operator", "together", "apart", "allow"):
                raise wrong
            if any(len(signal) not in (2, 4) for signal in signals):
                raise wrong
            users = [n for signal in signals for n in signal[2:] if n is not None]
            if not all(isinstance(n, int) for n in users):
                raise wrong
    except (KeyError, TypeError, ValueError, AttributeError):
        raise wrong from None
    return list(data["judgements"])
