"""What holds for any input: row order, threads, awkward text and broken rows."""

import csv
import re

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sources_tables import as_table, load, rejected, tables, write

from linkage.config import EngineConfig
from linkage.engine import DuckDBEngine
from linkage.sources.relation import filled, trimmed


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "", "007"]),
            st.sampled_from(["1", "2", "", "3"]),
            st.sampled_from(["2024-01-01", "2024-01-01T05:00", "x", ""]),
            st.sampled_from(["p", "q", ""]),
        ),
        min_size=1,
        max_size=30,
    ),
    seed=st.randoms(use_true_random=False),
)
def test_row_order_and_threads_change_nothing(rows, seed):
    # a head that keeps the input from being refused for what Hypothesis comes up with
    rows = [("a", "1", "2024-01-01", "p")] * 30 + rows
    shuffled = list(rows)
    seed.shuffle(shuffled)
    results = []
    for order, threads in ((rows, 1), (shuffled, 4)):
        engine = load(as_table(order), engine=DuckDBEngine(config=EngineConfig(threads=threads)))
        numbers = engine.rows("SELECT * FROM accounts ORDER BY account")
        inputs = engine.rows("SELECT * FROM inputs")
        results.append((tables(engine), numbers, rejected(engine), inputs))
    assert results[0] == results[1]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    # accents side by side are taken for another script's letters
    cells=st.lists(
        st.text('ab,;"\n\t|\\ é', min_size=1).map(lambda cell: re.sub("é+", "é", cell)),
        min_size=1,
        max_size=8,
    ),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_any_text_in_a_csv_comes_back(cells, delimiter, encoding, tmp_path):
    path = tmp_path / "a.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(["account", "ip", "prompt"])
        writer.writerows([str(i), "1.1.1.1", cell] for i, cell in enumerate(cells))
    engine = load(path)
    found = dict(engine.rows("SELECT account_id, raw FROM accounts JOIN prompts USING (account)"))
    assert found == {str(i): cell for i, cell in enumerate(cells) if cell.strip()}
    assert rejected(engine) == []


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rubbish=st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "x", "1,2,3\n", '"a"', "\0", "é"]))
)
def test_broken_rows_never_cost_the_rows_around_them(rubbish, tmp_path):
    good = "".join(f'{i},9.9.9.9,"text\n{i}"\n' for i in range(40))
    path = write(tmp_path / "a.csv", f"account,ip,prompt\n{good}\n{''.join(rubbish)}\n{good}")
    found = {a for (a,) in load(path).rows("SELECT account_id FROM accounts")}
    assert found >= {str(i) for i in range(40)}
    assert load(path).value("SELECT sum(n) FROM prompts WHERE raw LIKE 'text%'") >= 79


@settings(deadline=None)
@given(
    st.lists(st.text("aZ~! \t\n\r\f\v\x00\x1f\x7f\xa0\ufeff\u0301éß漢") | st.text(), max_size=20)
)
def test_blanks_around_text_are_those_of_the_expression(texts):
    engine = DuckDBEngine()
    engine.put("texts", pa.table({"t": pa.array([*texts, None, ""], pa.string())}))
    blank = r"[\s\x{a0}\x{feff}]"
    assert not engine.rows(
        f"""SELECT t FROM texts
        WHERE {trimmed("t")} IS DISTINCT FROM regexp_replace(t, '^{blank}+|{blank}+$', '', 'g')
           OR {filled("t")} IS DISTINCT FROM
              CASE WHEN regexp_matches(t, '[^\\s\\x{{a0}}\\x{{feff}}]') THEN t END"""
    )
    engine.close()
