# Two commands set everything up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# more for the benchmarks: QUICK=--quick, RECORDS=early_childhood.csv
QUICK ?=
RECORDS ?=

.PHONY: demo test lint format bench bench-scale docs screenshots clean

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test,lint]'
	touch $@

demo: $(VENV)/installed
	$(BIN)/linkage simulate demo --preset demo --seed 1
	$(BIN)/linkage run demo/accounts.csv demo/events.parquet --out demo/case
	$(BIN)/linkage evaluate demo/case --truth demo/truth.csv
	@echo "The report: demo/case/report/index.html"

test: $(VENV)/installed
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# apart from the tests' own, since recordlinkage holds pandas back
$(VENV)-bench/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-bench/bin/python -m pip install --quiet --editable '.[bench]'
	touch $@

# an hour, and so never part of the tests: measures everything and writes
# docs/benchmarks.md; with QUICK=--quick a little of everything in ten minutes, printed. templates.py needs texts of your own
bench: $(VENV)-bench/installed
	$(VENV)-bench/bin/python tests/benchmarks/run.py $(QUICK) $(if $(RECORDS),--records $(RECORDS))

# another hour, 20 GB of disk: whole runs from 100,000 to 3,000,000 accounts beside a bare scan and Splink
bench-scale: $(VENV)-bench/installed
	$(VENV)-bench/bin/python tests/benchmarks/run.py scale $(QUICK)

# the pages that show what the code says or prints
docs: $(VENV)/installed
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/generate.py readme

# pictures of the report on the demo population; needs Chromium
screenshots: $(VENV)/installed
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf $(VENV) $(VENV)-bench demo build dist .pytest_cache .mypy_cache .ruff_cache
