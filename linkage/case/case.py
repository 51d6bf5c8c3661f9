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
    """A case folder: what a run found, and what is decided about it.

    `CaseError` if the folder is missing, damaged or of another version. It is never changed by
    being read; `close` it, or use it in a `with`. In the examples of its methods, `case` is that of
    the example at the top of `linkage`, and `operator` the id of its one operator.

    Accounts are named by their ids, operators by their ids, the start of one, or an id that they
    had before: `InputError`, with the nearest names, if there is none. An answer is a DataFrame or
    a frozen dataclass with `as_dict()`.
    """

    @classmethod
    def open(cls, path: Path | str) -> Case:
        """The case in the folder `path`: `Case(path)` by another name."""
        return cls(path)

    def judge(
        self, operator_id: str, decision: str, note: str = "", by: str = "", verdict: str = ""
    ) -> Judgement:
        """Record that an operator is `confirmed`, `dismissed` or `unsure`; the next run obeys.

        `note` says why, `by` who decides (the user of the machine, if nobody is named). It is
        confirmed as what its verdict says, or as `verdict`: sockpuppets, organisation or household.
        Its members and evidence as they are now are kept with it. `InputError` for another decision
        or verdict, or if there is no such operator; `CaseError` if the case can't be written, or
        somebody else is writing it.

        >>> made = case.judge(operator, "confirmed", "chargebacks", by="ann")
        >>> made.judgement, made.decision, made.made_by, made.note
        (1, 'confirmed', 'ann', 'chargebacks')
        >>> case.judge(operator, "confirmed", by="bob", verdict="household").decided
        'confirmed as household'
        """
        made = judging.judge(self.path, operator_id, decision, note, by, verdict)
        self._reopen()
        return made

    def together(
        self, a: str, b: str, note: str = "", by: str = "", withdraw: bool = False
    ) -> Judgement:
        """Record that two accounts belong together; with `withdraw`, that this no longer holds.

        `InputError`, which names them, if it contradicts other judgements. Otherwise as `judge`.

        >>> case.together("puppet-00", "person-7", by="ann").subject
        'together'
        """
        made = judging.judge_pair(self.path, "together", a, b, note, by, withdraw)
        self._reopen()
        return made

    def apart(
        self, a: str, b: str, note: str = "", by: str = "", withdraw: bool = False
    ) -> Judgement:
        """Record that two accounts are never one operator's; otherwise as `together`.

        >>> made = case.together("puppet-00", "person-7", by="ann")
        >>> case.apart("person-7", "puppet-00")
        Traceback (most recent call last):
        linkage.errors.InputError: person-7 and puppet-00 judged together by ann on ...
        """
        made = judging.judge_pair(self.path, "apart", a, b, note, by, withdraw)
        self._reopen()
        return made

    def allow(
        self, kind: str, value: str, note: str = "", by: str = "", withdraw: bool = False
    ) -> Judgement:
        """Record that a signal is no evidence, nor what it implies; the next run obeys.

        `kind` is named as in the tables, or as it is shown ("address range"). `value` is cleaned as
        a run would; for `ip` it may be a network, for `prompt` the start of a template.
        `InputError` for an unknown kind, or a value that is none. Otherwise as `together`.

        >>> case.allow("ip", "9.9.9.77/24", "the campus").b
        '9.9.9.0/24'
        """
        made = judging.allow(self.path, kind, value, note, by, withdraw)
        self._reopen()
        return made

    def judgements(self, standing: bool = False) -> list[Judgement]:
        """All judgements, oldest first; or only those not overruled or withdrawn since.

        >>> for decision in ("confirmed", "unsure"):
        ...     made = case.judge(operator, decision)
        >>> [j.decision for j in case.judgements(standing=True)]
        ['unsure']
        """
        return judging.judgements(self, standing)

    def export_judgements(self) -> dict[str, Any]:
        """All judgements as plain values, with the members and evidence that were judged.

        Written as JSON, they are what `import_judgements` of another case takes.

        >>> made = case.judge(operator, "confirmed")
        >>> [judgement] = case.export_judgements()["judgements"]
        >>> len(judgement["members"])
        12
        """
        return judging.exported(self)

    def import_judgements(self, file: Path | str) -> tuple[list[Judgement], list[str]]:
        """Append the judgements of another case, from a JSON file of `export_judgements`.

        Returns what is new, and a sentence for each that was left out: known already, or in
        contradiction to others. `InputError` if it is no such file.
        """
        result = judging.bring_in(self.path, Path(file))
        self._reopen()
        return result

    def match(self, inputs: Sequence[Input], verdicts: Sequence[str] = SUSPECT) -> list[Match]:
        """The accounts of `inputs` (as for `linkage.run`) that belong to an operator, surest first.

        Only operators with one of `verdicts` are looked at, and accounts that the case holds are
        left out. Who asks again and again keeps a `linkage.Matcher`, which stays loaded.
        `InputError` for inputs that can't be used, `CaseError` for a case of an earlier version.

        >>> import pandas
        >>> made = case.judge(operator, "confirmed")
        >>> case.match([pandas.DataFrame({"account_id": ["x"], "ip": ["1.2.3.4"]})])
        []
        """
        with Matcher(self.path, verdicts=verdicts) as matcher:
            return matcher.match(inputs)

    def trace(self, accounts: Sequence[str], top: int = 100) -> Trace:
        """What hangs on accounts known to be bad: the `top` other accounts, likeliest first.

        In up to three steps: who is likelier than not of the same hand, by two kinds of evidence
        that agree, is known in the next. The answer also has the operators and signals of the
        known ones, and which accounts are `missing` in the case. `InputError` if all are.

        >>> found = case.trace(["puppet-00", "puppet-01"])
        >>> found.accounts[0].account_id, found.accounts[0].likely
        ('puppet-04', True)
        """
        return tracing.trace(self, accounts, top)

    def diff(self, earlier: int | None = None, later: int | None = None) -> Difference:
        """What changed between two runs, by their numbers; by default the last two.

        Operators that are new, gone, grown, shrunk, merged or split, each with a sentence.
        `InputError` if there was no such run, or but one.
        """
        return history.diff(self, earlier, later)

    def history(self, operator_id: str | None = None) -> list[Event]:
        """Runs and judgements, oldest first; perhaps only those that concern one operator.

        >>> [event.what for event in case.history()]
        ['run']
        """
        return history.history(self, operator_id)

    def _reopen(self) -> None:
        self.close()
        self._connection = connect(self.path)
