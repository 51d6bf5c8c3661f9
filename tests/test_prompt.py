"""Prompt templates: found wherever their slots are, and only where accounts share fixed text."""

import pytest

from linkage.engine import DuckDBEngine
from linkage.signals.prompt import mine, templates

FILLERS = [
    "a heron stood in the shallow water near the mill",
    "quarterly revenue fell by eleven percent after the strike",
    "my grandmother baked rye bread every Friday morning",
    "the compiler rejects recursive type aliases without a box",
    "volcanic soil gives this coffee a smoky aftertaste",
    "three referees reviewed the appeal and disagreed",
    "tides in the strait reverse twice before noon",
    "his violin was carved from maple that fell in a storm",
]


def fill(template: str) -> list[str]:
    """The template with each filler; several slots get different ones."""
    prompts = []
    for i in range(len(FILLERS)):
        text = template
        for k in range(template.count("{}")):
            text = text.replace("{}", FILLERS[(i + 3 * k) % len(FILLERS)], 1)
        prompts.append(text)
    return prompts


@pytest.mark.parametrize(
    ("template", "skeleton"),
    [
        (
            "{} Rewrite the passage above as a limerick about accountants.",
            "⟨…⟩ Rewrite the passage above as a limerick about accountants.",
        ),
        (
            "Rewrite the following passage as a limerick about accountants: {}",
            "Rewrite the following passage as a limerick about accountants: ⟨…⟩",
        ),
    ],
)
def test_a_slot_may_be_first_or_last(template: str, skeleton: str) -> None:
    assert templates(fill(template)) == [skeleton] * len(FILLERS)


def test_uses_are_counted_by_account() -> None:
    engine = DuckDBEngine()
    engine.create("prompts", "SELECT 0 AS account, '' AS raw, 1 AS n WHERE false")
    rows = ", ".join(
        f"({i // 2}, '{text}', TIMESTAMP '2026-01-0{1 + i}', TIMESTAMP '2026-02-0{1 + i}', {i + 1})"
        for i, text in enumerate(fill("Rewrite this passage as a limerick about accountants: {}"))
    )
    engine.create(
        "prompts",
        f"SELECT * FROM (VALUES {rows}, (9, NULL, NULL, NULL, 4)) "
        "t(account, raw, first_seen, last_seen, n)",
    )
    mine(engine)
    found = engine.rows(
        "SELECT account, template, day(first_seen), day(last_seen), n "
        "FROM template_uses ORDER BY account"
    )
    text = "Rewrite this passage as a limerick about accountants: ⟨…⟩"
    assert found == [(i, text, 2 * i + 1, 2 * i + 2, 4 * i + 3) for i in range(4)]
