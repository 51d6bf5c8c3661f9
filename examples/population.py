"""A simulated population through the Python API: who is behind which accounts, and why.

    python examples/population.py [FOLDER]

writes 2,000 accounts with three planted operators into a folder, finds them, and prints what an
investigator would look at first.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import linkage
from linkage.evaluate import score
from linkage.simulate import simulate


def main(folder: Path) -> None:
    simulate(folder, "demo", accounts=2_000, seed=1)
    case = linkage.run([folder / "accounts.csv", folder / "events.parquet"], out=folder / "case")

    operators = case.operators.query("verdict == 'sockpuppets'")
    print(operators[["operator_id", "accounts", "score", "q_value"]].to_string(index=False))

    first = operators["operator_id"].iloc[0]
    print(f"\nWhy {first}:")
    for item in case.show(first).scorecard:
        print(f"  {item.weight:+.1f}  {item.finding}")

    print("\nIts strongest evidence:")
    evidence = case.evidence(first).drop_duplicates("kind")
    print(evidence[["kind", "members", "others", "weight"]].to_string(index=False))

    one, other = case.members.query("operator_id == @first")["account_id"].iloc[:2]
    print(f"\nWhat links {one} and {other}:")
    for chain in case.explain(one, other).chains:
        for link in chain.links:
            print(f"  {link.a} and {link.b} share the {link.kind} {link.value!r:.60}")

    found = score(folder / "case", folder / "truth.csv")
    print(
        f"\nOf {found.operators_of_5} planted operators, {found.operators_of_5_found} were found."
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="linkage-")))
