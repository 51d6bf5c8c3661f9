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
) -> Iterator[list[int]]:
    """The nodes of each piece that one node of `cuts` alone ties to the largest block.

    `accounts` says how many accounts each node stands for, and `apart`, given a node, how many
    accounts hang on it, and how many nodes the block has by which they do, whether they are a
    piece. A piece goes without the node that ties it, and what hangs on a piece is part of it.
    Linear in the size of the blocks.

    >>> blocks = [[0, 1, 2, 5, 6], [2, 7], [3, 4, 7, 8]]  # 3 and 4 share 8, and with 2 they share 7
    >>> list(hanging(blocks, {2, 7}, lambda node, size, block: size > 1, [1] * 5 + [0] * 4))
    [[7, 3, 4, 8]]
    """
    at_cut = defaultdict(list)
    for number, block in enumerate(blocks):
        for node in block:
            if node in cuts:
                at_cut[node].append(number)
    seen: set[int] = set()
    for root in sorted(range(len(blocks)), key=lambda number: (-len(blocks[number]), number)):
        if root in seen:
            continue
        # blocks with the cut node and the block that they hang on, parents first
        tree = [(root, -1, -1)]
        seen.add(root)
        for number, above, _ in tree:
            for node in blocks[number]:
                if node != above and node in cuts:
                    below = [b for b in at_cut[node] if b not in seen]
                    seen.update(below)
                    tree += [(b, node, number) for b in below]
        size: dict[int, int] = defaultdict(int)
        for number, above, parent in reversed(tree):
            size[number] += sum(accounts[node] for node in blocks[number] if node != above)
            size[parent] += size[number]
        piece_of: dict[int, list[int]] = {}
        pieces: list[list[int]] = []
        for number, above, parent in tree[1:]:
            if parent not in piece_of and not apart(above, size[number], len(blocks[number])):
                continue
            if parent not in piece_of:
                pieces.append([])
            piece = piece_of[number] = piece_of.get(parent, pieces[-1])
            piece += [node for node in blocks[number] if node != above]
        yield from pieces
