"""What hangs on the rest of a graph by one node.

Blocks are the parts of a graph that stay connected whichever node is taken out; they meet in cut
nodes, and form a tree (Hopcroft, Tarjan 1973).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence


def hanging(
    blocks: Sequence[Sequence[int]],
    cuts: Collection[int],
    apart: Callable[[int, int, int], bool],
    accounts: Sequence[int],
    least: int,
) -> Iterator[list[int]]:
    """The nodes of each piece that one node of `cuts` alone ties to the middle of its component.

    `accounts` says how many accounts each node stands for, and `apart`, given a node, how many
    accounts hang on it, and how many nodes the block has by which they do, whether they are a
    piece. A piece goes without the node that ties it, and what hangs on a piece is part of it.
    There are none where fewer than `least` accounts would be left. Linear in the size of the
    blocks.

    >>> blocks = [[0, 1, 2, 5, 6], [2, 7], [3, 4, 7, 8]]  # 3 and 4 share 8, and with 2 they share 7
    >>> list(hanging(blocks, {2, 7}, lambda node, size, block: size > 1, [1] * 5 + [0] * 4, 3))
    [[7, 3, 4, 8]]
    """
    at_cut = defaultdict(list)
    for number, block in enumerate(blocks):
        for node in block:
            if node in cuts:
                at_cut[node].append(number)
    seen: set[int] = set()
    for start in range(len(blocks)):
        if start in seen:
            continue
        tree = _tree(start, blocks, at_cut)
        seen.update(number for number, _, _ in tree)
        # the middle, which has no more than half of the accounts on any side
        size = _sizes(tree, blocks, accounts)
        middle = start
        for number, _, parent in tree:
            if parent == middle and 2 * size[number] > size[start]:
                middle = number
        tree = _tree(middle, blocks, at_cut)
        size = _sizes(tree, blocks, accounts)
        piece_of: dict[int, list[int]] = {}
        pieces: list[list[int]] = []
        left = size[middle]
        for number, above, parent in tree[1:]:
            if parent not in piece_of:
                if not apart(above, size[number], len(blocks[number])):
                    continue
                pieces.append([])
                left -= size[number]
            piece = piece_of[number] = piece_of.get(parent, pieces[-1])
            piece += [node for node in blocks[number] if node != above]
        if left >= least:
            yield from pieces


def _tree(
    root: int, blocks: Sequence[Sequence[int]], at_cut: dict[int, list[int]]
) -> list[tuple[int, int, int]]:
    """Blocks, each with the cut node and the block that it hangs on, parents first."""
    tree, seen = [(root, -1, -1)], {root}
    for number, above, _ in tree:
        for node in blocks[number]:
            if node != above:
                below = [b for b in at_cut.get(node, ()) if b not in seen]
                seen.update(below)
                tree += [(b, node, number) for b in below]
    return tree


def _sizes(
    tree: Sequence[tuple[int, int, int]],
    blocks: Sequence[Sequence[int]],
    accounts: Sequence[int],
) -> dict[int, int]:
    """How many accounts hang on each block's cut node by that block."""
    size: dict[int, int] = defaultdict(int)
    for number, above, parent in reversed(tree):
        size[number] += sum(accounts[node] for node in blocks[number] if node != above)
        size[parent] += size[number]
    return size
