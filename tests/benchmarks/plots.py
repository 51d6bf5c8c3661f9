"""The plots of docs/benchmarks.md: small SVG files, the same bytes for the same results."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import store
from pages import best, grouped

mpl.use("svg")
import matplotlib.pyplot as plt

GIVEN = "linkage, verdict given"
COLOURS = ("#1f4e79", "#b5482a", "#3f7d5b", "#7d5ba6", "#a67c1f", "#5b7d8c", "#a63f6e", "#666666")
mpl.rcParams.update(
    {
        "svg.hashsalt": "linkage",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.6,
    }
)


def draw(results: Path, folder: Path) -> None:
    """Write the plots for which there are results."""
    folder.mkdir(exist_ok=True)
    _curves(results, folder / "curves.svg")
    _peers(results, folder / "peers.svg")


def _curves(results: Path, path: Path) -> None:
    """Share of accounts found against each knob, with the range over seeds."""
    by = grouped(store.read(results, "curves"), "knob")
    if not by:
        return
    figure, axes = _panels(len(by), 2.5, 2.7)
    for ax, (knob, rows) in zip(axes, by.items(), strict=True):
        for (base, own), colour in zip(grouped(rows, "base").items(), COLOURS, strict=False):
            points = sorted(grouped(own, "value").items())
            x = list(range(len(points)))
            found = [[r["accounts_found"] for r in at] for _, at in points]
            ax.plot(x, [sum(f) / len(f) for f in found], "o-", ms=3, color=colour, label=base)
            ax.fill_between(
                x, list(map(min, found)), list(map(max, found)), color=colour, alpha=0.15
            )
            ax.set_xticks(x, [f"{value:g}" for value, _ in points])
        ax.set_xlabel(knob)
        ax.set_ylim(-0.03, 1.03)
    axes[0].set_ylabel("share of accounts found")
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=2, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.92))
    _save(figure, path)


def _peers(results: Path, path: Path) -> None:
    """Accounts found against honest people accused: every setting, and the best ones large."""
    rows = [row for row in store.read(results, "peers") if row["method"] != GIVEN]
    by = grouped(rows, "preset")
    if not by:
        return
    chosen = best(rows)
    methods = list(grouped(rows, "method"))
    colours = dict(zip(methods, COLOURS, strict=False))
    figure, axes = _panels(len(by), max(3.1, 9 / len(by)), 3.4)
    for ax, (preset, own) in zip(axes, by.items(), strict=True):
        for method, of in grouped(own, "method").items():
            colour = colours[method]
            settings = grouped([r for r in of if r["setting"] is not None], "setting")
            ax.scatter(*_means(settings.values()), s=4, color=colour, alpha=0.35, lw=0)
            top = chosen[preset, method]
            if top:
                marker = "*" if method == "linkage" else "o"
                size = 130 if method == "linkage" else 34
                x, y = _means([top])
                ax.scatter(x, y, s=size, color=colour, marker=marker, label=method, zorder=3)
        ax.set_xscale("symlog", linthresh=1)
        ax.set_xlim(-0.3, 1e5)
        ax.set_title(preset, fontsize=9)
        ax.set_xlabel("honest accused per 100,000")
    axes[0].set_ylabel("share of accounts found")
    legend = dict(zip(*reversed(axes[0].get_legend_handles_labels()), strict=True))
    names = sorted(legend, key=methods.index)
    figure.legend(
        [legend[name] for name in names], names, loc="lower center", ncols=4, frameon=False
    )
    figure.tight_layout(rect=(0, 0.15, 1, 1))
    _save(figure, path)


def _panels(count: int, width: float, height: float) -> tuple[plt.Figure, list[plt.Axes]]:
    figure, axes = plt.subplots(
        1, count, figsize=(width * count, height), sharey=True, squeeze=False
    )
    return figure, list(axes[0])


def _means(groups: object) -> tuple[list[float], list[float]]:
    x, y = [], []
    for rows in groups:  # type: ignore[attr-defined]
        x.append(sum(r["accused"] or 0 for r in rows) / len(rows))
        y.append(sum(r["accounts_found"] or 0 for r in rows) / len(rows))
    return x, y


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
