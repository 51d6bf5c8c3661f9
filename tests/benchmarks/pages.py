"""The tables and plots of docs/benchmarks.md, from the results.

    python tests/benchmarks/pages.py

Text stands in the page; what is between `<!-- table: NAME -->` and `<!-- end -->` is replaced. A
table says which commits its figures were measured at.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import store

from linkage.evaluate import ORGANISATIONS
from linkage.evaluate.spread import spread

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "benchmarks.md"
MARKED = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
Result = dict[str, Any]


def write(results: Path) -> None:
    """Replace the page's tables, and draw its plots."""
    import plots

    def table(match: re.Match[str]) -> str:
        return f"{match[1]}{TABLES[match[2]](results)}\n{match[3]}"

    PAGE.write_text(MARKED.sub(table, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    plots.draw(results, DOCS / "benchmarks")


def tables(results: Path) -> str:
    """All tables, one after another."""
    return "\n\n".join(f"{name}\n\n{table(results)}" for name, table in TABLES.items())


def setup(results: Path) -> str:
    """Machine and versions."""
    path = results / "machine.json"
    if not path.exists():
        return "Nothing measured yet."
    told = json.loads(path.read_text())
    versions = ", ".join(f"{name} {number}" for name, number in told["versions"].items())
    return f"{told['machine']}; Python {told['python']}; {versions}."


def quality(results: Path) -> str:
    """`mixed` and `honest`, a line a seed."""
    rows = store.read(results, "quality")
    parts = []
    for preset, own in grouped(rows, "preset").items():
        size = f"`{preset}`, {own[0]['accounts']:,} accounts, {own[0]['events'] / 1e6:.2f} million"
        lines = [
            (
                str(r["seed"]),
                f"{r['found']}/{r['of']}",
                number(r["accounts_found"], 3),
                number(r["accused"], 1),
                number(r["accused_all"], 1),
                number(r["bcubed"], 3),
                number(r["calibration_error"], 3),
                f"{r['false']}/{r['significant']}",
                number(r["seconds"], 0),
            )
            for r in own
        ]
        if len(own) > 1:
            lines.append(
                (
                    "mean (95% interval)",
                    f"{sum(r['found'] for r in own)}/{sum(r['of'] for r in own)}",
                    over(own, "accounts_found", 3),
                    over(own, "accused", 1),
                    over(own, "accused_all", 1),
                    over(own, "bcubed", 3),
                    over(own, "calibration_error", 3),
                    f"{sum(r['false'] for r in own)}/{sum(r['significant'] for r in own)}",
                    over(own, "seconds", 0),
                )
            )
        heads = ("seed", "operators found", "accounts found", "honest accused")
        heads += ("with organisations", "B-cubed F1", "calibration error", "false with q < 0.05")
        parts.append(f"{size} events\n\n{markdown((*heads, 'seconds'), lines)}")
    return "\n\n".join(parts) + "\n" + commits(rows)


def operators(results: Path) -> str:
    """Every kind of operator, in every preset that has it."""
    rows = store.read(results, "quality") + store.read(results, "regimes")
    kinds: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for row in rows:
        for kind, figures in row["operators"].items():
            kinds[kind, row["preset"]].append(figures)
    lines = [
        (
            kind,
            f"`{preset}`",
            f"{sum(int(f[0]) for f in own)}/{sum(int(f[1]) for f in own)}",
            spread([f[2] for f in own], 1).text(2),
        )
        for (kind, preset), own in sorted(kinds.items())
    ]
    return markdown(("kind", "preset", "found", "share of accounts found"), lines) + commits(rows)


def people(results: Path) -> str:
    """Every kind of honest people accused, by preset, per 100,000 of that kind."""
    rows = store.read(results, "quality") + store.read(results, "regimes")
    presets = list(grouped(rows, "preset"))
    kinds = sorted({kind for row in rows for kind in row["honest"]})
    lines = []
    for kind in kinds:
        cells = []
        for preset in presets:
            own = [r["honest"][kind] for r in rows if r["preset"] == preset and kind in r["honest"]]
            accounts = sum(n for _, n in own)
            accused = sum(n for n, _ in own)
            cells.append(f"{1e5 * accused / accounts:.0f} ({accused})" if accounts else "–")
        name = f"{kind} *" if kind in ORGANISATIONS else kind
        lines.append((name, *cells))
    return markdown(("kind", *(f"`{p}`" for p in presets)), lines) + commits(rows)


def regimes(results: Path) -> str:
    """Other services, a line each."""
    rows = store.read(results, "regimes")
    lines = []
    for preset, own in grouped(rows, "preset").items():
        why: dict[str, int] = defaultdict(int)
        for row in own:
            for kind, size, reason in row["why"]:
                if size >= 10:
                    # which share it was differs by seed
                    why[f"{kind}: {re.sub(r'[0-9]+(%| parts)', r'some', reason)}"] += 1
        missed = "; ".join(f"{text} ({n})" for text, n in sorted(why.items()))
        lines.append(
            (
                f"`{preset}`, {own[0]['accounts']:,}",
                str(len(own)),
                f"{sum(r['found'] for r in own)}/{sum(r['of'] for r in own)}",
                over(own, "accounts_found", 3),
                over(own, "accused", 1),
                over(own, "accused_all", 1),
                missed or "–",
            )
        )
    heads = ("preset, accounts", "seeds", "operators found", "accounts found", "honest accused")
    return markdown((*heads, "with organisations", "missed"), lines) + commits(rows)


def ablations(results: Path) -> str:
    """`mixed` with parts of its data gone."""
    import quality as parts

    rows = store.read(results, "ablations")
    by = grouped(rows, "without")
    lines = [
        (
            gone,
            own[0].get("refused") or f"{sum(r['found'] for r in own)}/{sum(r['of'] for r in own)}",
            over(own, "accounts_found", 3),
            over(own, "accused", 1),
            over(own, "accused_all", 1),
            over(own, "bcubed", 3),
        )
        for gone in parts.GONE
        if (own := by.get(gone))
    ]
    heads = ("without", "operators found", "accounts found", "honest accused")
    return markdown((*heads, "with organisations", "B-cubed F1"), lines) + commits(rows)


def limits(results: Path) -> str:
    """What is left for each operator if its members were known."""
    rows = store.read(results, "limits")
    lines = [
        (
            r["kind"],
            f"`{r['preset']}`",
            f"{r['accounts']:,}",
            number(r["own"], 2),
            number(r["evidence"], 1),
            number(r["prior"], 1),
            number(r["corroboration"], 1),
            number(r["score"], 2),
        )
        for r in rows
    ]
    heads = ("kind", "preset", "accounts", "share with even odds or better", "nats a member")
    return markdown((*heads, "asked", "beside the strongest kind", "score"), lines) + commits(rows)


def curves(results: Path) -> str:
    """Each knob's values, with and without templates."""
    rows = store.read(results, "curves")
    parts = []
    for knob, own in grouped(rows, "knob").items():
        bases = list(grouped(own, "base"))
        lines = []
        for value, at in sorted(grouped(own, "value").items()):
            cells = [f"{value:g}"]
            for base in bases:
                those = [r for r in at if r["base"] == base]
                found = spread([r["accounts_found"] for r in those], 1).text(2)
                cells += [found, str(sum(r["accused"] for r in those))]
            lines.append(tuple(cells))
        heads = [knob]
        for base in bases:
            heads += [f"found, {base}", "honest accused"]
        parts.append(markdown(tuple(heads), lines))
    return "\n\n".join(parts) + commits(rows)


def best(rows: list[Result]) -> dict[tuple[str, str], list[Result]]:
    """Of each method in each preset the setting with the highest mean B-cubed F1, by seed."""
    chosen = {}
    for (preset, method), own in grouped(rows, "preset", "method").items():
        settings = grouped([r for r in own if r["setting"] is not None], "setting")
        whole = max((len(of) for of in settings.values()), default=0)
        ranked = [
            (sum(r["bcubed"] or 0 for r in of), setting)
            for setting, of in settings.items()
            if len(of) == whole
        ]
        chosen[preset, method] = settings[max(ranked)[1]] if ranked else []
    return chosen


def peers(results: Path) -> str:
    """Every method at its best setting, by preset."""
    rows = store.read(results, "peers")
    chosen = best(rows)
    parts = []
    for preset, own in grouped(rows, "preset").items():
        lines = []
        for method in sorted(
            grouped(own, "method"), key=lambda m: (not m.startswith("linkage"), m)
        ):
            of = chosen[preset, method]
            tried = [r for r in own if r["method"] == method and r["setting"] is not None]
            ends = {r["end"] for r in own if r["method"] == method and r["setting"] is None}
            short = "; ".join(sorted(e for e in ends if e != "done")).split("\n")[0]
            if not of:
                lines.append((method, "–", "–", "–", "–", "–", "–", short or "nothing found"))
                continue
            told = of[0]["setting"] + (f" (sweep {short})" if short else "")
            lines.append(
                (
                    f"**{method}**" if method.startswith("linkage") else method,
                    f"{sum(r['found'] for r in of)}/{sum(r['of'] for r in of)}",
                    over(of, "accounts_found", 3),
                    over(of, "accused", 1),
                    " / ".join(over(of, f"bcubed_{x}", 2, False) for x in ("precision", "recall")),
                    over(of, "bcubed", 3),
                    _sweep(tried),
                    told,
                )
            )
        seeds = len({r["seed"] for r in own})
        heads = ("method", "operators found", "accounts found", "honest accused")
        heads += ("B-cubed precision / recall", "B-cubed F1", "seconds (settings)", "setting")
        parts.append(
            f"`{preset}`, {own[0]['accounts']:,} accounts, {seeds} seed{'s' * (seeds > 1)}\n\n"
            + markdown(heads, lines)
        )
    return "\n\n".join(parts) + commits(rows)


def _sweep(rows: list[Result]) -> str:
    """Seconds of a whole sweep, and how many settings that were, for one seed."""
    seeds = len({row["seed"] for row in rows})
    return f"{sum(row['seconds'] for row in rows) / seeds:.0f} ({len(rows) // seeds})"


def real(results: Path) -> str:
    """Records whose truth is known, each method at its best."""
    rows = store.read(results, "real")
    parts = []
    for data, own in grouped(rows, "data").items():
        lines = []
        for method, of in grouped(own, "method").items():
            top = max(of, key=lambda r: r["bcubed_f1"])
            figures = [number(top[f"bcubed_{x}"], 3) for x in ("precision", "recall", "f1")]
            name = f"**{method}**" if method == "linkage" else method
            lines.append((name, *figures, number(top["pair_f1"], 3), top["setting"]))
        heads = ("method", "B-cubed precision", "recall", "F1", "pairs F1", "setting")
        parts.append(f"{data}\n\n{markdown(heads, lines)}")
    return "\n\n".join(parts) + commits(rows)


def scale(results: Path) -> str:
    """Whole runs in scans and beside Splink, and how time and memory grow."""
    rows = sorted(
        (r for r in store.read(results, "scale") if "scans" in r), key=lambda r: r["accounts"]
    )
    lines = [
        (
            f"{r['accounts']:,}",
            f"{r['events'] / 1e6:.1f} million",
            f"{r['seconds']:.0f}",
            f"{r['scans']:.0f}",
            number(r["seconds"] / r["splink_seconds"], 1) if "splink_seconds" in r else "–",
            f"{r['megabytes']:,}",
            number(r["accounts_found"], 3),
            number(r["accused"], 1),
            ", ".join(f"{name} {s:.0f}" for name, s in r["stages"].items() if s >= 0.5),
        )
        for r in rows
    ]
    heads = ("accounts", "events", "seconds", "scans", "of Splink's seconds", "MB")
    heads += ("accounts found", "honest accused", "seconds of the stages")
    return markdown(heads, lines) + _growth(rows) + commits(rows)


def _growth(rows: list[Result]) -> str:
    if len(rows) < 2:
        return ""
    exponents = [
        f"{what} by {_exponent(rows, key):.2f}"
        for what, key in (("seconds", "seconds"), ("memory", "megabytes"))
    ]
    return f"\n\nExponents of growth, by least squares: {', '.join(exponents)}."


def _exponent(rows: list[Result], key: str) -> float:
    """The slope of a figure's logarithm over that of the accounts."""
    x, y = ([math.log(r[column]) for r in rows] for column in ("accounts", key))
    return statistics.linear_regression(x, y).slope


def strains(results: Path) -> str:
    """What strains a run, over the same run without it."""
    rows = [r for r in store.read(results, "scale") if "strain" in r]
    lines = [
        (
            r["strain"],
            f"{r['times_events']:.2f}",
            f"{r['times_seconds']:.2f}",
            f"{r['times_megabytes']:.2f}",
        )
        for r in rows
    ]
    heads = ("added to `mixed`, 100,000 accounts", "times the events", "the seconds", "the memory")
    return markdown(heads, lines) + commits(rows)


TABLES: dict[str, Callable[[Path], str]] = {
    "setup": setup,
    "quality": quality,
    "regimes": regimes,
    "operators": operators,
    "people": people,
    "ablations": ablations,
    "curves": curves,
    "limits": limits,
    "peers": peers,
    "real": real,
    "scale": scale,
    "strains": strains,
}


def grouped(rows: Iterable[Result], *columns: str) -> dict[Any, list[Result]]:
    """Rows by the values of columns, in the order of their first."""
    found: dict[Any, list[Result]] = {}
    for row in rows:
        key = tuple(row[column] for column in columns)
        found.setdefault(key if len(columns) > 1 else key[0], []).append(row)
    return found


def over(rows: list[Result], column: str, digits: int, interval: bool = True) -> str:
    """Mean and interval of a column over rows; a dash where none has it."""
    values = [float(row[column]) for row in rows if row.get(column) is not None]
    if not values:
        return "–"
    figure = spread(values, 1e5 if column.startswith(("accused", "seconds")) else 1)
    return figure.text(digits) if interval else f"{figure.mean:.{digits}f}"


def number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def commits(rows: list[Result]) -> str:
    """Which commits the rows were measured at."""
    known = sorted({row["commit"] for row in rows})
    return f"\n\nMeasured at {', '.join(known)}." if known else "\n\nNot measured yet."


if __name__ == "__main__":
    write(store.RESULTS)
