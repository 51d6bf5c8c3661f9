"""A simulated service, exported as an investigation gets it: all that is there, then week by week.

    python examples/weeks.py DIR

writes `start-*` (accounts and events before the last four weeks), `week1-*` to `week4-*`, and
`chargebacks.csv`: what the bank reports in the fourth week, two accounts of a fleet.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from linkage.simulate import simulate

END = datetime(2025, 3, 24)
ACCOUNTS = 1_500


def main(folder: Path) -> None:
    """Write the files into `folder`."""
    everything = folder / "everything"
    simulate(everything, "demo", ACCOUNTS, 1)
    edges = [datetime(1970, 1, 1), *(END - timedelta(weeks=n) for n in (4, 3, 2, 1)), END]
    names = ["start", "week1", "week2", "week3", "week4"]
    with duckdb.connect() as connection:
        accounts = f"read_csv('{everything}/accounts.csv', all_varchar = true)"
        for name, low, high in zip(names, edges, edges[1:], strict=False):
            for table, column, source, kind in (
                ("accounts", "CAST(created_at AS TIMESTAMP)", accounts, "csv"),
                ("events", "timestamp", f"'{everything}/events.parquet'", "parquet"),
            ):
                connection.execute(
                    f"COPY (SELECT * FROM {source} WHERE {column} >= '{low}' "
                    f"AND {column} < '{high}' ORDER BY ALL) TO '{folder}/{name}-{table}.{kind}'"
                )
        connection.execute(
            f"COPY (SELECT account_id FROM '{everything}/truth.csv' "
            f"WHERE operator = 'operator-02' ORDER BY account_id LIMIT 2) "
            f"TO '{folder}/chargebacks.csv'"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "weeks"))
