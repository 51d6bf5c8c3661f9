"""Stock phrases: what everybody writes to a model, and so nobody's template.

Tokens arrive; which of them are part of a stock phrase leaves. The phrases are those of public
collections of prompts, where one way to ask has become the custom: prompts that are made of
them, with words of their own between, are a genre and no template. In small inputs nothing else
tells this, since the phrases are long, rare in other text, and always come together.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pyarrow as pa

from linkage.signals.prompt.arrays import U64, Mask, unique
from linkage.signals.prompt.compiled import compiled
from linkage.signals.prompt.text import FRAME, rolled, tokenise

GRAM = 3
"""Tokens in a row that are looked up; a frame before the first word counts as one."""
LIKELY = 16
"""Bits of a gram by which most others are told at once."""

PHRASES = (
    "I want you to act as a",
    "I want you to act as an",
    "I want you to act as the",
    "I want you to act as if you",
    "I want you to act like a",
    "I want you to act as my",
    "please act as a",
    "please act as an",
    "imagine you are a",
    "imagine you are an",
    "pretend you are a",
    "pretend to be a",
    "from now on you are",
    "you are going to act as",
    "you are an expert in",
    "you are an expert at",
    "you are a professional",
    "you are an experienced",
    "you are a helpful assistant",
    "you are a helpful AI assistant",
    "you are a highly skilled",
    "you are skilled in",
    "you are responsible for",
    "you are tasked with creating a",
    "you are tasked with designing a",
    "you are tasked with developing",
    "you have been tasked with",
    "with extensive experience in",
    "with extensive knowledge of",
    "with years of experience in",
    "with expertise in",
    "your task is to",
    "your task is to create a",
    "your task is to help users",
    "your task is to help me",
    "your task is to assist users in",
    "your task is to provide",
    "your task will be to",
    "and your task is to",
    "your job is to",
    "your job will be to",
    "and it will be your job to come up with",
    "or other digital product",
    "this could involve",
    "it is your job to",
    "your goal is to",
    "your role is to",
    "your responsibilities include",
    "your objective is to",
    "you will provide",
    "you will be responsible for",
    "you will need to",
    "you should be able to",
    "you should only reply with",
    "and you will reply with",
    "and you will respond with",
    "you will reply with the",
    "you will only reply with",
    "I will provide you with a",
    "I will provide you with some",
    "I will provide you with an",
    "I will provide you with the",
    "I will provide some details about",
    "I will provide some information about",
    "I will give you a",
    "I will give you an",
    "I will give you the",
    "I will type commands and you will reply with what the",
    "you will reply with what the terminal should show",
    "I will write",
    "I will ask you",
    "I will tell you",
    "I will say",
    "I will speak to you in",
    "I would like you to",
    "I want you to only reply with",
    "I want you to only reply",
    "I want you to reply with",
    "I want you to reply only",
    "I want you to respond",
    "I want you to",
    "inside one unique code block and nothing else",
    "only reply with the",
    "reply with the terminal output inside one unique code block",
    "do not write explanations",
    "do not write explanations on replies",
    "do not write any explanations",
    "do not write any explanations or other words",
    "do not type commands unless I instruct you to do so",
    "unless I instruct you to do so",
    "do not provide any explanations",
    "do not explain",
    "do not include any explanations",
    "do not break character",
    "and nothing else",
    "when I need to tell you something in English I will do so",
    "when I want to tell you something I will do so",
    "I will do so by putting text inside curly brackets like this",
    "I will do so by writing text inside curly brackets like this",
    "something in english i will do so",
    "my first request is",
    "my first request is I need help",
    "my first request is I want",
    "my first request is I am",
    "my first suggestion request is",
    "my first suggestion request is I need help",
    "my first suggestion is",
    "my first sentence is",
    "my first command is",
    "my first question is",
    "my first message is",
    "my first query is",
    "my first prompt is",
    "my first word is",
    "I need help with",
    "I need help creating a",
    "I need help designing a",
    "I need help developing",
    "I need help writing",
    "I need help finding",
    "I need someone to help me",
    "I need your help with",
    "I need you to",
    "for this request you must provide",
)
STARTS = (
    "act as a",
    "act as an",
    "act as the",
    "act as my",
    "you are a",
    "you are an",
    "I want you to",
)
"""Phrases that count where a prompt begins."""


@functools.cache
def _grams() -> tuple[U64, Mask]:
    """Hashes of all grams, sorted, and which first bits they have."""
    grams = []
    for phrases, before in ((PHRASES, 0), (STARTS, 1)):
        tokens = tokenise(pa.array(phrases))
        for start, end in itertools.pairwise(tokens.first.tolist()):
            places = range(start + FRAME - before, end - FRAME - GRAM + 1)
            grams += [rolled(tokens.hashes, at, GRAM) for at in places]
    known = unique(np.array(grams, dtype=np.uint64))
    likely = np.zeros(1 << LIKELY, dtype=bool)
    likely[known >> np.uint64(64 - LIKELY)] = True
    return known, likely


def stock(tokens: U64) -> Mask:
    """Which tokens stand in a stock phrase."""
    covered = np.zeros(len(tokens), dtype=bool)
    _cover(tokens, *_grams(), covered)
    return covered


@compiled
def _cover(tokens: U64, grams: U64, likely: Mask, covered: Mask) -> None:
    for at in range(len(tokens) - GRAM + 1):
        gram = rolled(tokens, at, GRAM)
        if likely[gram >> np.uint64(64 - LIKELY)]:
            place = np.searchsorted(grams, gram)
            if place < len(grams) and grams[place] == gram:
                covered[at : at + GRAM] = True
