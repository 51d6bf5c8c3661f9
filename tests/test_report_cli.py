import json
import re
from pathlib import Path

from cases import write

from linkage import report

BLOCK = re.compile(r'<script type="application/json" id="([^"]+)">([^<]*)</script>')


def first_block(path):
    return json.loads(BLOCK.findall(path.read_text(encoding="utf-8"))[0][1])


def test_report_into_the_case_and_elsewhere(typed, tmp_path):
    case = write(tmp_path / "case")
    code, out, err = typed("report", case)
    assert (code, err) == (0, "")
    assert out == f"report  {case}/report/index.html\n"
    names = {p.name for p in (case / "report").iterdir()}
    assert "index.html" in names
    assert len(names) > 1
    code, out, _ = typed("report", case, "--out", tmp_path / "elsewhere", "--json")
    assert code == 0
    assert json.loads(out) == {"report": str(tmp_path / "elsewhere" / "index.html")}
    assert {p.name for p in (tmp_path / "elsewhere").iterdir()} == names


def test_redacted_beside_the_other(typed, tmp_path):
    case = write(tmp_path / "case")
    typed("report", case)
    code, out, _ = typed("report", case, "--redact")
    assert code == 0
    path, told = out.split("\n", 1)
    assert path == f"report  {case}/report/redacted/index.html"
    told = " ".join(told.split())
    assert told.startswith("Not masked: account ids, times")
    assert told.endswith("notes are left out.")
    assert first_block(case / "report" / "redacted" / "index.html")["redacted"] == told
    assert first_block(case / "report" / "index.html")["redacted"] is False
    # written again, the whole folder is new: an old redacted one would not fit it
    typed("report", case)
    assert not (case / "report" / "redacted").exists()


def test_one_operator_into_the_current_folder(typed, tmp_path, monkeypatch):
    case = write(tmp_path / "case")
    monkeypatch.chdir(tmp_path)
    code, out, _ = typed("operators", case, "--top", 1, "--json")
    [first] = json.loads(out)
    name = first["operator_id"]
    # the start of an id is enough, as everywhere
    code, out, _ = typed("report", case, "--operator", name[:-1])
    assert (code, out) == (0, f"report  {name}.html\n")
    assert first_block(Path(f"{name}.html"))["operator"][0] == name
    arguments = ("--operator", name, "--redact", "--notes", "--out", "mail", "--json")
    code, out, _ = typed("report", case, *arguments)
    assert code == 0
    told = json.loads(out)
    assert told["report"] == f"mail/{name}-redacted.html"
    assert "notes are kept" in told["not_masked"]
    assert first_block(Path("mail") / f"{name}-redacted.html")["redacted"] == told["not_masked"]


def test_what_goes_wrong(typed, tmp_path):
    case = write(tmp_path / "case")
    code, _, err = typed("report", case, "--operator", "OP-NOBODY")
    assert code == 2
    assert "no operator" in err
    assert "linkage operators" in err
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "thesis.txt").touch()
    code, _, err = typed("report", case, "--out", tmp_path / "desk")
    assert code == 2
    assert 'other things in it (first: "thesis.txt")' in err
    code, _, err = typed("report", case, "--out", tmp_path / "desk" / "thesis.txt" / "report")
    assert code == 2
    assert "can't write the report" in err
    assert "--out" in err
    code, _, err = typed("report", tmp_path / "absent")
    assert code == 2
    assert "linkage run INPUT" in err


def test_file_names_never_come_from_data():
    assert report.file_name(0, "OP-7F3K2A") == "OP-7F3K2A.html"
    for name in ("../x", "OP-", "OP-a/b", "OP-A.html\n", "CON", "", None):
        assert report.file_name(3, name) == "operator-4.html"
