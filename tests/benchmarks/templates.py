"""How well and how fast templates are found, beside a 48-character prefix, Drain3 and MinHash.

    python tests/benchmarks/templates.py TEMPLATES.jsonl FREE.jsonl [--seeds 3] [--half 0|1]
        [--count 150] [--most 60] [--own-words]

TEMPLATES has rows {"template": "Summarise: {}"}, FREE has rows {"prompt": "..."}. Slots are filled
with numbers, words, sentences, whole prompts and pages of prompts. `--half` picks every second
template, so that settings can be chosen on one half and checked on the other; `--own-words` puts
the words of each filler in an order of its own, so that prompts share nothing but templates. No
accounts are named: each prompt is one. Peers are measured if they are installed:
pip install drain3 datasketch.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from linkage.signals.prompt import templates

LONG = 100
Row = tuple[str, int]
"""A prompt and the number of its template; free prompts have numbers of their own below 0."""


@dataclass(frozen=True)
class Shape:
    """How many templates, how many prompts the commonest has, and whether fillers are shuffled."""

    templates: int
    most: int
    own_words: bool


def main() -> None:
    """Print a line of figures a population."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("templates", type=Path)
    parser.add_argument("free", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--half", type=int, choices=(0, 1), default=1)
    parser.add_argument("--count", type=int, default=150, help="templates, at most")
    parser.add_argument("--most", type=int, default=60, help="prompts of a template")
    parser.add_argument("--own-words", action="store_true")
    options = parser.parse_args()
    patterns = list({normal(t): t for t in column(options.templates, "template")}.values())
    patterns = patterns[options.half :: 2]
    free = list(dict.fromkeys(column(options.free, "prompt")))
    long = [t for t in patterns if fixed(t) > LONG]
    short = [t for t in patterns if fixed(t) <= LONG]
    print(
        f"{'templates':18} {'method':8} {'prompts':>8} {'precision':>9} {'recall':>7} {'F1':>6} "
        f"{'free in 5+':>10} {'MB/s':>6}"
    )
    shape = Shape(options.count, options.most, options.own_words)
    for name, some in (("long", long), ("short", short), ("both", patterns), ("free alone", [])):
        for method, find in methods().items():
            figures = [run(find, some, free, seed, shape) for seed in range(options.seeds)]
            prompts, precision, recall, f1, alone, speed = (
                sum(values) / len(values) for values in zip(*figures, strict=True)
            )
            print(
                f"{name:18} {method:8} {prompts:8.0f} {precision:9.3f} {recall:7.3f} {f1:6.3f} "
                f"{alone:10.2%} {speed:6.2f}",
                flush=True,
            )


def run(
    find: Callable[[Sequence[str]], list[str | None]],
    patterns: list[str],
    free: list[str],
    seed: int,
    shape: Shape,
) -> tuple[float, ...]:
    """Prompts, B-cubed precision, recall, F1, share of free prompts in templates of 5, MB/s."""
    rows = population(random.Random(seed), patterns, free, shape)
    started = time.process_time()
    found = find([text for text, _ in rows])
    seconds = time.process_time() - started
    precision, recall = b_cubed([truth for _, truth in rows], found)
    made = [i for i, (_, truth) in enumerate(rows) if truth >= 0]
    p = sum(precision[i] for i in made) / max(len(made), 1)
    r = sum(recall[i] for i in made) / max(len(made), 1)
    size = Counter(found)
    alone = [found[i] for i, (_, truth) in enumerate(rows) if truth < 0]
    joined = sum(t is not None and size[t] >= 5 for t in alone) / len(alone)
    characters = sum(len(text) for text, _ in rows)
    return len(rows), p, r, 2 * p * r / (p + r) if made else 0.0, joined, characters / seconds / 1e6


def population(rng: random.Random, patterns: list[str], free: list[str], shape: Shape) -> list[Row]:
    """Prompts of templates, five or more of each, few of most, and half of the free prompts.

    The other half of the free prompts fills the slots.
    """
    free = rng.sample(free, len(free))
    fillers, alone = free[: len(free) // 2], free[len(free) // 2 :]
    rows = [(text, -1 - i) for i, text in enumerate(alone)]

    def fill(_: re.Match[str]) -> str:
        words = filler(rng, fillers).split()
        if shape.own_words:
            rng.shuffle(words)
        return " ".join(words)

    for i, pattern in enumerate(rng.sample(patterns, min(shape.templates, len(patterns)))):
        for _ in range(int(5 * (shape.most / 5) ** rng.random())):
            rows.append((re.sub(r"\{\}", fill, pattern), i))
    rng.shuffle(rows)
    return rows


def filler(rng: random.Random, prompts: list[str]) -> str:
    """A number, some words, a sentence, a prompt, some prompts or some pages."""
    kind = rng.random()
    text = rng.choice(prompts)
    if kind < 0.15:
        return str(rng.randrange(10 ** rng.randrange(1, 6)))
    if kind < 0.30:
        return " ".join(text.split()[: rng.randrange(1, 4)])
    if kind < 0.60:
        return rng.choice([s for s in re.split(r"(?<=[.!?])\s+", text) if s] or [text])
    if kind < 0.90:
        return text
    count = rng.randrange(2, 6) if kind < 0.97 else rng.randrange(20, 50)
    return " ".join(rng.choice(prompts) for _ in range(count))


def b_cubed(
    truth: Sequence[Hashable], found: Sequence[Hashable | None]
) -> tuple[list[float], list[float]]:
    """Precision and recall of each item; an item without a template is alone."""
    found = [("alone", i) if t is None else t for i, t in enumerate(found)]
    both = Counter(zip(truth, found, strict=True))
    of_truth, of_found = Counter(truth), Counter(found)
    pairs = list(zip(truth, found, strict=True))
    return (
        [both[a, b] / of_found[b] for a, b in pairs],
        [both[a, b] / of_truth[a] for a, b in pairs],
    )


def prefix(prompts: Sequence[str]) -> list[str | None]:
    """The first 48 characters, where several prompts have them."""
    groups = defaultdict(list)
    for i, text in enumerate(prompts):
        groups[normal(text)[:48]].append(i)
    found: list[str | None] = [None] * len(prompts)
    for start, rows in groups.items():
        if len(rows) > 1:
            for i in rows:
                found[i] = start
    return found


def drain(prompts: Sequence[str]) -> list[str | None]:
    """Drain3 with its defaults."""
    from drain3 import TemplateMiner
    from drain3.template_miner_config import TemplateMinerConfig

    miner = TemplateMiner(config=TemplateMinerConfig())
    found = [miner.add_log_message(" ".join(text.split()))["cluster_id"] for text in prompts]
    return [str(cluster) for cluster in found]


def minhash(prompts: Sequence[str]) -> list[str | None]:
    """Connected components of prompts whose sets of three words have a Jaccard index above 0.5."""
    import igraph
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=0.5, num_perm=64)
    edges = []
    for i, text in enumerate(prompts):
        words = normal(text).split()
        sketch = MinHash(num_perm=64)
        sketch.update_batch([" ".join(words[k : k + 3]).encode() for k in range(len(words))])
        edges += [(i, j) for j in index.query(sketch)]
        index.insert(i, sketch)
    membership = igraph.Graph(n=len(prompts), edges=edges).connected_components().membership
    return [str(component) for component in membership]


def methods() -> dict[str, Callable[[Sequence[str]], list[str | None]]]:
    """The methods to compare: peers only where they are installed."""
    found = {"linkage": templates, "prefix": prefix}
    if importlib.util.find_spec("drain3"):
        found["drain3"] = drain
    if importlib.util.find_spec("datasketch"):
        found["minhash"] = minhash
    return found


def normal(text: str) -> str:
    """Lower case without punctuation."""
    return re.sub(r"[\W_]+", " ", text.lower())


def fixed(pattern: str) -> int:
    """Characters of fixed text."""
    return len(pattern.replace("{}", ""))


def column(path: Path, name: str) -> list[str]:
    """One column of a JSON-lines file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)[name] for line in lines]


if __name__ == "__main__":
    main()
