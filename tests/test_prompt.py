"""Prompt templates: found wherever their slots are, and only where accounts share fixed text."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
FREE = [
    "Can you help me write a cover letter for a job at a bakery?",
    "Can you help me write a speech for my sister's wedding?",
    "Can you help me write a thank you note to my landlord?",
    "Can you help me write a poem about the sea in winter?",
    "What is the capital of Peru? Please answer in English.",
    "How tall is the tower of Pisa? Please answer in English.",
    "Who painted The Night Watch? Please answer in English.",
    "Hello, how are you doing today? I need some advice about my cat.",
    "Hello, how are you doing today? My bicycle makes a strange noise.",
    "I want you to act as a pirate and tell me about your ship.",
    "I want you to act as a judge at a baking contest.",
    "I want you to act as a tourist who is lost in Rome.",
]
LIMERICK = "Rewrite the following passage as a limerick about accountants: {}"
JURY = (
    "You sit on a jury of watchmakers. {} Rate the craft from one to ten, then defend your rating."
)


def pages(seed: int, words: int) -> str:
    """So many words that nobody else has."""
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("abdegiklmnoprstuz", k=6)) for _ in range(words))


def fill(template: str, fillers: list[str] = FILLERS) -> list[str]:
    """The template with each filler; several slots get different ones."""
    prompts = []
    for i in range(len(fillers)):
        text = template
        for k in range(template.count("{}")):
            text = text.replace("{}", fillers[(i + 3 * k) % len(fillers)], 1)
        prompts.append(text)
    return prompts


def only(found: list[str | None]) -> str:
    """The one template that all prompts have."""
    assert len(set(found)) == 1, set(found)
    assert found[0] is not None
    return found[0]


@pytest.mark.parametrize(
    ("template", "skeleton"),
    [
        (
            "{} Rewrite the passage above as a limerick about accountants.",
            "⟨…⟩ Rewrite the passage above as a limerick about accountants.",
        ),
        (LIMERICK, "Rewrite the following passage as a limerick about accountants: ⟨…⟩"),
        (
            JURY,
            "You sit on a jury of watchmakers. ⟨…⟩ "
            "Rate the craft from one to ten, then defend your rating.",
        ),
        (
            "Translate this sentence into formal Hungarian: {} Keep the tone of this one: {} "
            "Answer with the translation and nothing else.",
            "Translate this sentence into formal Hungarian: ⟨…⟩ Keep the tone of this one: ⟨…⟩ "
            "Answer with the translation and nothing else.",
        ),
    ],
    ids=["first", "last", "middle", "several"],
)
def test_slots_may_be_anywhere(template: str, skeleton: str) -> None:
    found = templates(fill(template) + FREE)
    assert found == [skeleton] * len(FILLERS) + [None] * len(FREE)


def test_a_slot_may_be_a_number_or_ten_pages() -> None:
    fillers = ["7", "twelve", *(pages(i, 5_000) for i in range(4)), pages(9, 60)]
    assert only(templates(fill(JURY, fillers))).startswith("You sit on a jury of watchmakers. ⟨…⟩")


def test_numbers_are_slots() -> None:
    prompts = [
        f"Summarise page {i * 37} of the annual report for the harbour authority." for i in range(6)
    ]
    expected = "Summarise page ⟨…⟩ of the annual report for the harbour authority."
    assert only(templates(prompts)) == expected


def test_a_fixed_prompt_is_a_template_without_slots() -> None:
    text = "List every mountain pass in the canton of Uri with its altitude."
    assert templates([text] * 3 + FREE)[:3] == [text] * 3


def test_templates_that_differ_in_a_clause_are_two() -> None:
    start = "You are a claims adjuster for a marine insurer. Read the statement below. {} "
    one = start + "Decide whether the cargo was insured."
    two = start + "Estimate what repairing the hull will cost."
    found = templates(fill(one) + fill(two, [pages(i, 12) for i in range(8)]))
    first, second = only(found[:8]), only(found[8:])
    assert "cargo was insured" in first
    assert "repairing the hull" in second


def test_nested_templates_are_signals_of_their_own() -> None:
    wrapper = (
        "The following is a friendly conversation between a human and an assistant that is "
        "talkative and gives many details. Human: {} Assistant:"
    )
    operator = [wrapper.format(p) for p in fill(LIMERICK)]
    others = [wrapper.format(pages(i, 10)) for i in range(40)]
    uses = used(list(enumerate(operator + others)))
    by_account = Counter(account for account, _ in uses)
    assert [by_account[i] for i in range(8)] == [2] * 8
    assert {by_account[8 + i] for i in range(40)} == {1}
    assert any("limerick" in text for _, text in uses)


def test_popular_text_does_not_hide_what_is_inside() -> None:
    system = "System: You are a helpful, honest and harmless assistant made by Acme. User: {}"
    operator = [system.format(p) for p in fill(JURY)]
    others = [system.format(pages(i, 10)) for i in range(60)]
    texts = [text for account, text in used(list(enumerate(operator + others))) if account < 8]
    assert sum("watchmakers" in text for text in texts) == 8


@pytest.mark.parametrize(
    "change",
    [
        lambda text, i: "\N{ZERO WIDTH SPACE}".join(text) if i % 2 else text,
        lambda text, i: text.upper() if i % 2 else text.lower(),
        lambda text, i: text.replace(" ", "  \n" if i % 2 else "\t"),
        lambda text, i: text.replace(" ", ", ").replace(".", "!") if i % 2 else text,
        lambda text, i: (
            text.replace("a", "а").replace("o", "о").replace("e", "е") if i % 2 else text
        ),
        lambda text, i: (
            "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text) if i % 2 else text
        ),
    ],
    ids=["zero-width", "case", "space", "punctuation", "homoglyphs", "full-width"],
)
def test_dressing_up_changes_nothing(change) -> None:  # type: ignore[no-untyped-def]
    prompts = [change(text, i) for i, text in enumerate(fill(JURY))]
    text = only(templates(prompts + FREE)[:8])
    assert text.count("⟨…⟩") == 1
    assert "\N{ZERO WIDTH SPACE}" not in text


def test_right_to_left_text() -> None:
    template = "תרגם את הטקסט הבא לאנגלית רשמית ושמור על כל השמות כפי שהם: {}"
    fillers = ["שלום לכולם", "מחר יירד גשם בצפון", "הרכבת מאחרת שוב", "קניתי לחם וחלב"]
    assert only(templates(fill(template, fillers))) == template.replace("{}", "⟨…⟩")


def test_chinese_without_spaces() -> None:
    template = "请把下面这段文字翻译成正式的法语并保留所有人名和地名{}只输出译文不要解释"
    fillers = ["今天天气很好", "我们明天去北京开会", "他昨天买了三本书", "猫在窗台上睡觉"]
    found = only(templates(fill(template, fillers)))
    assert found == template.replace("{}", " ⟨…⟩ ")


def test_a_megabyte_in_one_prompt() -> None:
    prompts = fill(LIMERICK)
    prompts[3] = LIMERICK.replace("{}", pages(1, 150_000))
    assert len(prompts[3]) > 1_000_000
    only(templates(prompts))


def test_empty_and_missing_prompts_have_none() -> None:
    assert templates([]) == []
    assert templates([None, "", "   ", "?!", "\0", "hi", "hi", None]) == [None] * 8
    assert used([(0, None), (1, "")]) == []


def test_common_phrases_are_no_templates() -> None:
    assert templates(FREE) == [None] * len(FREE)


def test_prompts_of_stock_phrases_alone_are_no_template() -> None:
    prompts = [
        f"I want you to act as a {pages(i, 1)}. I will provide you with {pages(100 + i, 4)}, and "
        f"your task is to {pages(200 + i, 5)}. "
        f'My first suggestion request is "I need help {pages(i, 6)}"'
        for i in range(12)
    ]
    assert templates(prompts + FREE) == [None] * (12 + len(FREE))


def test_short_pieces_between_long_slots_are_a_template() -> None:
    prompts = [
        f"Known facts: {pages(i, 60)}. New rumour: {pages(20 + i, 50)}. "
        f"Which rumour contradicts a fact? {pages(40 + i, 40)}"
        for i in range(9)
    ]
    found = templates([*prompts, *(pages(900 + i, 80) for i in range(40))])
    assert only(found[:9]) == "Known facts: ⟨…⟩ Which rumour contradicts a fact? ⟨…⟩"
    assert set(found[9:]) == {None}


def test_a_phrase_is_no_template_for_what_comes_with_it() -> None:
    """Two operators' templates share a sentence, and its halves are all over the place."""
    one, two = "{} {} Answer with prose only. {{}}", "Answer with prose only. {} {{}}"
    rows = [
        (a, one.format(pages(1, 14), pages(2, 6)).format(pages(1_000 + 9 * a + i, 20)))
        for a in range(20)
        for i in range(3)
    ]
    rows += [
        (20 + a, two.format(pages(3, 9)).format(pages(2_000 + 9 * a + i, 20)))
        for a in range(20)
        for i in range(3)
    ]
    rows += [(40 + a, f"{pages(5_000 + a, 9)} answer with prose") for a in range(60)]
    rows += [(100 + a, f"{pages(6_000 + a, 9)} with prose only") for a in range(60)]
    texts = {text: {a for a, t in used(rows) if t == text} for _, text in used(rows)}
    assert sorted(map(sorted, texts.values())) == [list(range(20)), list(range(20, 40))]


def test_one_account_alone_makes_no_template() -> None:
    assert templates(fill(LIMERICK), accounts=["a"] * 8) == [None] * 8
    assert None not in templates(fill(LIMERICK), accounts=list("aaaabbbb"))


def test_accounts_must_match_prompts() -> None:
    with pytest.raises(ValueError, match="2 prompts, but 1 accounts"):
        templates(["a", "b"], accounts=["x"])


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rng: random.Random) -> None:
    prompts = [*fill(LIMERICK), *fill(JURY), *FREE]
    accounts = [i % 9 for i in range(len(prompts))]
    expected = dict(zip(prompts, templates(prompts, accounts), strict=True))
    rows = list(zip(prompts, accounts, strict=True))
    rng.shuffle(rows)
    shuffled, owners = map(list, zip(*rows, strict=True))
    assert dict(zip(shuffled, templates(shuffled, owners), strict=True)) == expected


def test_no_text_of_one_account_stands_in_a_skeleton() -> None:
    prompts = [f"{JURY.format(pages(i, 30))} My key is {pages(100 + i, 1)}." for i in range(12)]
    mine_alone = {
        word for i in range(12) for word in (pages(i, 30) + " " + pages(100 + i, 1)).split()
    }
    assert not mine_alone & set(only(templates(prompts)).replace(".", "").split())


def test_long_skeletons_are_cut_and_stay_distinct() -> None:
    one, two = (f"{pages(1, 80)} {pages(seed, 20)} {{}}" for seed in (2, 3))
    found = templates(fill(one) + fill(two))
    assert only(found[:8]) != only(found[8:])
    assert max(len(text or "") for text in found) <= 300


def used(rows: list[tuple[int, str | None]]) -> list[tuple[int, str]]:
    """Accounts and templates that `mine` writes for the prompts of accounts."""
    engine = DuckDBEngine()
    engine.run(
        "CREATE TABLE prompts"
        "(account INTEGER, raw VARCHAR, first_seen TIMESTAMP, last_seen TIMESTAMP, n BIGINT)"
    )
    for account, raw in rows:
        engine.run("INSERT INTO prompts VALUES (?, ?, NULL, NULL, 1)", [account, raw])
    mine(engine)
    return [
        (a, t) for a, t in engine.rows("SELECT account, template FROM template_uses ORDER BY ALL")
    ]


def test_uses_are_counted_by_account() -> None:
    engine = DuckDBEngine()
    rows = ", ".join(
        f"({i // 2}, '{text}', TIMESTAMP '2026-01-0{1 + i}', TIMESTAMP '2026-02-0{1 + i}', {i + 1})"
        for i, text in enumerate(fill(LIMERICK))
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
    text = LIMERICK.replace("{}", "⟨…⟩")
    assert found == [(i, text, 2 * i + 1, 2 * i + 2, 4 * i + 3) for i in range(4)]


def test_a_rare_template_of_busy_accounts_is_found() -> None:
    rows = [(a, pages(1000 * a + i, 8)) for a in range(5) for i in range(100)]
    rows += [(a, text) for a, text in enumerate(fill(LIMERICK)[:5])]
    assert used(rows) == [(a, LIMERICK.replace("{}", "⟨…⟩")) for a in range(5)]


def quoting(people: int = 60, sentences: int = 600) -> list[tuple[int, str | None]]:
    """Accounts with twelve prompts each: sentences that many quote, among words of their own.

    They have numbers from 1,000 on.
    """
    rng = random.Random(5)
    quoted = [pages(10_000 + i, 12) for i in range(sentences)]
    return [
        (1_000 + a, f"{rng.choice(quoted)} {pages(100_000 + 20 * a + i, 8)}")
        for a in range(people)
        for i in range(12)
    ]


def test_what_people_quote_is_no_template() -> None:
    operator = [
        (100 + a, JURY.format(pages(90_000 + 10 * a + i, 6))) for a in range(4) for i in range(5)
    ]
    found = used(quoting() + operator)
    texts = {text for account, text in found if account < 1_000}
    assert {account for account, text in found if text in texts} == {100, 101, 102, 103}
    assert len(texts) == 1
    assert len({text for _, text in found}) < 20, "of the 200 sentences that two accounts have"


def once_each() -> list[tuple[int, str | None]]:
    """Six accounts, from 100 on, that use each of six templates once."""
    patterns = [f"{pages(70_000 + k, 14)} {{}}" for k in range(6)]
    return [
        (100 + a, pattern.format(pages(80_000 + 10 * a + k, 6)))
        for a in range(6)
        for k, pattern in enumerate(patterns)
    ]


def test_templates_used_once_each_by_the_same_people_are_no_quotations() -> None:
    found = Counter(account for account, _ in used(quoting() + once_each()) if account < 1_000)
    assert found == {100 + a: 6 for a in range(6)}


def test_templates_used_once_by_some_of_the_same_people_are_no_quotations() -> None:
    patterns = [f"{pages(70_000 + k, 14)} {{}}" for k in range(6)]
    rng = random.Random(3)
    operator = [
        (a, patterns[k].format(pages(80_000 + 10 * a + k, 6)))
        for a in range(20)
        for k in rng.sample(range(6), 3)
    ]
    operator += [(a, pages(85_000 + 10 * a + i, 12)) for a in range(20) for i in range(4)]
    found = used(quoting(240, 1_500) + operator)
    assert len([account for account, _ in found if account < 1_000]) >= 50, "of 60"
    assert len({text for _, text in found}) < 60, "of the 1,300 sentences that two accounts have"


def test_who_quotes_very_many_texts_tells_nothing_by_their_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pairs of the texts of one account are as many as the square of these."""
    monkeypatch.setattr("linkage.signals.prompt.uses.FEW", 5)
    assert [account for account, _ in used(quoting() + once_each()) if account < 1_000] == []


def test_accounts_with_one_prompt_each_keep_their_template() -> None:
    operator = [(100 + a, JURY.format(pages(90_000 + a, 6))) for a in range(6)]
    found = [account for account, _ in used(quoting() + operator) if account < 1_000]
    assert found == [100 + a for a in range(6)]


def test_texts_that_always_come_together_are_one_template() -> None:
    halves = [f"{pages(1, 12)} {{}} {pages(2, 12)}", f"{{}} {pages(3, 14)}"]
    whole = halves[1].replace("{}", halves[0])
    rows = [(a, whole.format(pages(100 * a + i, 20))) for a in range(8) for i in range(3)]
    found = used([*rows, *((50 + a, pages(5_000 + a, 30)) for a in range(20))])
    assert [account for account, _ in found] == list(range(8))


def test_a_prompt_tells_of_two_templates_at_most() -> None:
    layers = [
        (lambda text, k=k: f"{pages(10 + k, 12)} {text} {pages(20 + k, 12)}") for k in range(4)
    ]
    rows = []
    for a in range(160):
        text = pages(100 + a, 10)
        for layer in layers[: 1 + (a % 40 < 20) + (a % 40 < 8) + (a % 40 < 3)]:
            text = layer(text)
        rows.append((a, text))
    assert max(Counter(account for account, _ in used(rows)).values()) == 2
