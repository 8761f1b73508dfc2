# Everything runs in .venv, which is made from pyproject.toml and constraints.txt when one of them is newer.
PYTHON ?= python3
BIN = .venv/bin
PIP = $(BIN)/pip install --quiet --constraint constraints.txt $(PIP_OPTIONS)
JSON := reports/$(shell date +%Y-%m-%d-%H%M%S).json

.PHONY: report test lint agree docs clean

# A case that fails stands in the report with its reason: the report is made all the same, and then make fails.
report: .venv/installed
	@echo "Tables and pictures stand in $(JSON:.json=) after the first process of each case, and are made anew after each."
	@echo "Ctrl-C ends the run at any time, and leaves what there is. Finer: make report OPTIONS='--processes 10'"
	$(BIN)/pytest bench --benchmark-json=$(JSON) --report=$(JSON:.json=) $(OPTIONS)

# The tests run side by side, a file at a time: none of them depends on how fast anything is. In the order of the files,
# those that compile come first: no worker is left alone with them at the end.
test: lint
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# Do the backends still compute the same? Checked, not timed.
agree: .venv/installed
	$(BIN)/pytest bench --benchmark-disable $(OPTIONS)

# The documents as a site, in site/: a dead link fails it, and so does the notebook, which is run.
docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

.venv/docs: .venv/installed
	$(PIP) --editable '.[docs]'
	touch $@

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable '.[all,test]'
	touch $@

clean:
	rm -rf .venv site
