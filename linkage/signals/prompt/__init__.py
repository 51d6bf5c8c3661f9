"""Prompt templates: long fixed text that prompts of different accounts share.

`mine` makes signals of a run's prompts (`uses`); `label` and `templates` name the template of each
prompt and need no accounts (`rows`). What counts is containment, not similarity: fixed text counts
wherever it stands and however long the slots around it are, since an operator's slots are anything
from a number to ten pages. Runs of four words that several accounts share (`corpus`) are put
together by the prompts they occur in (`families`), and each family gets a readable skeleton
(`skeleton`). A template that nests in another, such as an operator's text in a framework's wrapper,
comes out beside it. What people merely quote is told from it (`postings`), and what everybody
writes to a model weighs nothing (`stock`).

New templates are looked for in a sample of bounded size; all prompts are compared with those found.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linkage.signals.prompt.known import Known, from_bytes, to_bytes
    from linkage.signals.prompt.rows import label, templates
    from linkage.signals.prompt.uses import mine, recognise

__all__ = ["Known", "from_bytes", "label", "mine", "recognise", "templates", "to_bytes"]

# these bring numba with them, which a case that is read can do without
_LATER = {
    "Known": "known",
    "from_bytes": "known",
    "to_bytes": "known",
    "label": "rows",
    "templates": "rows",
    "mine": "uses",
    "recognise": "uses",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
