# `make book` measures and builds the report; `make test` checks everything. Both install what they need.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: book test test-slow lab lock clean

book: $(INSTALLED)  ## measure the quick profile, build the HTML, print where it is
	noise-scaling book

test: book  ## lint, types, unit tests, notebooks at tiny parameters, the built book in Chromium
	ruff check src tests benchmarks
	ruff format --check src tests benchmarks
	mypy
	OMP_NUM_THREADS=1 pytest -q -n 2 -m "not slow"

test-slow: $(INSTALLED)  ## the simulations that take minutes
	OMP_NUM_THREADS=1 pytest -q -n 2 -m slow

lab: $(INSTALLED)  ## open the notebooks in JupyterLab
	bash binder/notebooks
	jupyter lab

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"Python 3.11 or later is needed, this is {sys.version.split()[0]}: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

lock:  ## rewrite requirements.lock from pyproject.toml; needs uv. GPU packages follow torch by themselves
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-annotate --no-header \
		| grep -vE '^(nvidia-|triton|cuda-)' > requirements.lock.new
	mv requirements.lock.new requirements.lock

clean:  ## remove what is built; keep what is measured
	rm -rf _build .snakemake runs
	find notebooks book -name '*.ipynb' -delete
