"""How far the work is, on stderr.

On a terminal a bar for each stage, with rows and the time left; elsewhere plain lines.
"""

from __future__ import annotations

import sys
import time

from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from linkage.cli.output import complain, console, visible

STEP = 40
"""Characters of a step, so that the bar keeps its place."""

QUIET_SECONDS = 5.0
"""Plain lines come no closer than this, but for the end of a stage."""


def shown() -> Live | Lines:
    """The progress that suits stderr; it is drawn while a `with` block runs."""
    return Live() if sys.stderr.isatty() else Lines()


class Lines:
    """A line every few seconds while a stage runs, and when it ends."""

    def __init__(self) -> None:
        self._name = ""
        self._start = self._said = 0.0
        self._first: tuple[int | None, int, float] | None = None
        """The first count of a total, and when: what came before it says nothing of the pace."""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is None:
            self._end()

    def stage(self, name: str) -> None:
        """End the stage before, and begin this one."""
        self._end()
        self._name, self._start = name, time.monotonic()
        self._said, self._first = self._start, None

    def advance(self, done: int, total: int | None, unit: str = "rows") -> None:
        """Say how far the stage is, unless it was said just now."""
        now = time.monotonic()
        if self._first is None or self._first[0] != total:
            self._first = (total, done, now)
        _, counted, since = self._first
        line = f"{done:,} of {total:,} {unit}" if total else f"{done:,} {unit}"
        if total and done > counted:
            left = (now - since) * (total - done) / (done - counted)
            line += f", {left:,.0f} s left"
        self.step(line)

    def step(self, message: str) -> None:
        """Say what the stage is doing, unless something was said just now."""
        now = time.monotonic()
        if now - self._said >= QUIET_SECONDS:
            self._said = now
            complain(f"{self._name}: {message}")

    def _end(self) -> None:
        if self._name:
            complain(f"{self._name}: done in {time.monotonic() - self._start:.1f} s")
            self._name = ""


class Live:
    """A bar for each stage, with rows and the time left."""

    def __init__(self) -> None:
        self._bars = Bars(
            SpinnerColumn(finished_text="\N{CHECK MARK}"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            _Count(),
            TimeElapsedColumn(),
            _Left(),
            console=console(stderr=True),
        )
        self._name = ""
        self._task: TaskID | None = None

    def __enter__(self) -> Live:
        self._bars.start()
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is None:
            self._end()
        self._bars.stop()

    def stage(self, name: str) -> None:
        """End the stage before, and begin this one."""
        self._end()
        self._name = name
        self._task = self._bars.add_task(name, total=None, unit="")

    def advance(self, done: int, total: int | None, unit: str = "rows") -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=total, unit=unit)

    def step(self, message: str) -> None:
        """Say it beside the name of the stage."""
        if self._task is not None:
            self._bars.update(self._task, description=f"{self._name}: {visible(message, STEP)}")

    def _end(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[self._bars.task_ids.index(self._task)]
            done = max(task.completed, 1)
            self._bars.update(self._task, description=self._name, total=done, completed=done)
            self._bars.stop_task(self._task)
            self._task = None


class _Count(ProgressColumn):
    """Rows done, of how many."""

    def render(self, task: Task) -> Text:
        unit = task.fields.get("unit")
        if not unit:
            return Text()
        total = "" if task.total is None or task.finished else f" of {task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{total} {unit}")


class _Left(TimeRemainingColumn):
    """The time left of a stage that knows its end."""

    def render(self, task: Task) -> Text:
        if task.total is None or task.finished or task.time_remaining is None:
            return Text()
        return Text.assemble(super().render(task), " left")
