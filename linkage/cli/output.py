"""What the commands print: tables, facts and JSON on stdout, messages on stderr.

Values were typed by the people under investigation, so none reaches the terminal as it is:
characters that would move the cursor, colour or reorder the text come out as symbols.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 100_000
"""Columns of a page without edges: piped tables are never cut."""

CELL_WIDTH = 200
"""Characters of a cell, even in a page without edges; JSON has all."""

STYLES = {"sockpuppets": "red", "organisation": "cyan", "household": "green", "unclear": "yellow"}


def visible(value: object, width: int = 0) -> str:
    """A value as it may stand in a terminal, on one line, cut at `width` characters if given.

    >>> visible("a\\x1b[31m\\u202eb\\n")
    'a␛[31m<U+202E>b␊'
    >>> visible("a" * 9, width=5)
    'aaaa…'
    """
    text = str(value)
    if width and len(text) > 4 * width:
        text = text[: 4 * width]
    text = "".join(_symbol(c) for c in text)
    return text[: width - 1] + "…" if width and len(text) > width else text


def _symbol(c: str) -> str:
    if c.isprintable():
        return c
    code = ord(c)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    # spaces that are no plain space are harmless; whatever else is invisible is not
    return " " if unicodedata.category(c) == "Zs" else f"<U+{code:04X}>"


def console(stderr: bool = False) -> Console:
    """Where text goes: as wide as the terminal, or without edges where there is none."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    if "COLUMNS" in os.environ and os.environ["COLUMNS"].isdigit():
        width = int(os.environ["COLUMNS"])
    return Console(
        file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False
    )


def say(text: object = "", style: str = "", indent: int = 0) -> None:
    """Print a line of the result, or a paragraph that begins so far from the edge."""
    print_lines(console(), Padding(Text(visible(text), style=style), (0, 0, 0, indent)))


def heading(text: str) -> None:
    """Print the title of what follows."""
    say()
    say(text, style="bold")


def complain(text: str) -> None:
    """Print a message to stderr; it may have several lines."""
    for line in text.splitlines() or [""]:
        print(visible(line), file=sys.stderr)


def print_lines(out: Console, *things: Any) -> None:
    """Print without the blanks that pad the ends of lines."""
    sys.stdout.writelines(line + "\n" for thing in things for line in _lines(out, thing))


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    right: Sequence[str] = (),
    wide: Sequence[str] = (),
    below: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> None:
    """Print a table, one line a row.

    The columns `right` are numbers; the columns `wide` are cut where the terminal ends, those that
    are `whole` go on below; the texts `below` stand under their rows.
    """
    out = console()
    cells = [
        [
            visible(cell(value), 0 if column in whole else CELL_WIDTH)
            for column, value in zip(columns, row, strict=True)
        ]
        for row in rows
    ]
    widths = _widths(columns, cells, (*wide, *whole), out.width)
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        justify: Any = "right" if column in right else "left"
        cut: Any = "fold" if column in whole else "ellipsis"
        grid.add_column(
            column, justify=justify, no_wrap=column not in whole, overflow=cut, width=width
        )
    for row in cells:
        grid.add_row(*(Text(text, style=STYLES.get(text, "")) for text in row))
    header, *lines = _lines(out, grid)
    print(header)
    for number, line in enumerate(lines):
        print(line)
        if number < len(below):
            say(below[number], style="dim", indent=4)


def _lines(out: Console, thing: Any) -> list[str]:
    with out.capture() as capture:
        out.print(thing)
    return [line.rstrip() for line in capture.get().splitlines()]


def _widths(
    columns: Sequence[str], cells: Sequence[Sequence[str]], wide: Sequence[str], total: int
) -> list[int]:
    """What each column needs; where that is too much, wide ones share what the others leave."""
    needed = [
        max([cell_len(column), *(cell_len(row[place]) for row in cells)])
        for place, column in enumerate(columns)
    ]
    shrink = sorted((p for p, c in enumerate(columns) if c in wide), key=lambda p: needed[p])
    left = total - 2 * (len(columns) - 1)
    left -= sum(width for place, width in enumerate(needed) if place not in shrink)
    for turn, place in enumerate(shrink):
        needed[place] = min(needed[place], max(8, left // (len(shrink) - turn)))
        left -= needed[place]
    return needed


def cell(value: object) -> str:
    """A value as a table shows it: thousands separated, times in UTC, nothing for nothing.

    >>> cell(1234567), cell(0.98765), cell(None), cell(datetime(2024, 3, 1, 12, 30))
    ('1,234,567', '0.99', '', '2024-03-01 12:30')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return visible(value)


def q(value: float | None) -> str:
    """A q-value: what matters is how small.

    >>> q(0.00001), q(0.0312), q(None)
    ('< 0.001', '0.031', '')
    """
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def probability(value: float) -> str:
    """A probability that comes of a model, and so is never quite 0 or 1.

    >>> probability(0.9), probability(0.99999), probability(0.0)
    ('0.900', '> 0.999', '< 0.001')
    """
    return "> 0.999" if value > 0.999 else q(value)


def print_json(value: object) -> None:
    """Print a value as JSON, in ASCII, so that nothing in it acts on a terminal."""
    print(json.dumps(value, indent=2, default=_plain, allow_nan=False))


def answer(found: Any, as_json: bool, show: Callable[[Any], None]) -> None:
    """Print an answer, or a list of them, as JSON if that is wanted, else as `show` does."""
    if not as_json:
        show(found)
    elif isinstance(found, list):
        print_json([item.as_dict() for item in found])
    else:
        print_json(found.as_dict())


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
