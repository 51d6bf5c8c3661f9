"""A case as it is worked on: everything that can be read from it, and what can be decided on it.

Reading changes nothing. A decision is appended to the case in the folder, and the case that was
opened sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from linkage.case import history, judging, tracing
from linkage.case.database import connect
from linkage.case.matching import SUSPECT, Matcher
from linkage.case.read import CaseReader
from linkage.case.views import Difference, Event, Judgement, Match, Trace
from linkage.sources import Input


class Case(CaseReader):
    """A case folder; `CaseError` if it is missing, damaged or of another version."""

    @classmethod
    def open(cls, path: Path | str) -> Case:
        """The case in the folder `path`."""
        return cls(path)

    def judge(self, operator_id: str, decision: str, note: str = "", by: str = "") -> Judgement:
        """Record that an operator is `confirmed`, `dismissed` or `unsure`; the next run obeys."""
        made = judging.judge(self.path, operator_id, decision, note, by)
        self._reopen()
        return made

    def together(
        self, a: str, b: str, note: str = "", by: str = "", withdraw: bool = False
    ) -> Judgement:
        """Record that two accounts belong together; `InputError` if that contradicts others."""
        made = judging.judge_pair(self.path, "together", a, b, note, by, withdraw)
        self._reopen()
        return made

    def apart(
        self, a: str, b: str, note: str = "", by: str = "", withdraw: bool = False
    ) -> Judgement:
        """Record that two accounts are never one operator's; `InputError` if that contradicts."""
        made = judging.judge_pair(self.path, "apart", a, b, note, by, withdraw)
        self._reopen()
        return made

    def allow(
        self, kind: str, value: str, note: str = "", by: str = "", withdraw: bool = False
    ) -> Judgement:
        """Record that a signal (an ip may be a network) is no evidence; the next run obeys."""
        made = judging.allow(self.path, kind, value, note, by, withdraw)
        self._reopen()
        return made

    def judgements(self, standing: bool = False) -> list[Judgement]:
        """All judgements, oldest first; or only those not overruled or withdrawn since."""
        return judging.judgements(self, standing)

    def export_judgements(self) -> dict[str, Any]:
        """All judgements as plain values, for `import_judgements` of another case."""
        return judging.exported(self)

    def import_judgements(self, file: Path | str) -> tuple[list[Judgement], list[str]]:
        """Append those of a JSON file; returns what is new, and why the rest was left out."""
        result = judging.bring_in(self.path, Path(file))
        self._reopen()
        return result

    def match(self, inputs: Sequence[Input], verdicts: Sequence[str] = SUSPECT) -> list[Match]:
        """New accounts against the operators; a `linkage.Matcher` stays loaded between calls."""
        with Matcher(self.path, verdicts=verdicts) as matcher:
            return matcher.match(inputs)

    def trace(self, accounts: Sequence[str], top: int = 100) -> Trace:
        """From accounts known to be bad, what else hangs on them, likeliest first."""
        return tracing.trace(self, accounts, top)

    def diff(self, earlier: int | None = None, later: int | None = None) -> Difference:
        """What changed between two runs, by default the last two."""
        return history.diff(self, earlier, later)

    def history(self, operator_id: str | None = None) -> list[Event]:
        """Runs and judgements, oldest first; perhaps only those that concern one operator."""
        return history.history(self, operator_id)

    def _reopen(self) -> None:
        self.close()
        self._connection = connect(self.path)
