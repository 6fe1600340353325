# `make book` measures and builds the report; `make test` checks everything. Both install what they need.
PYTHON ?= python3
BIN := .venv/bin
LAB := .venv-lab/bin
INSTALLED := .venv/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: book test test-slow lab lock clean

book: $(INSTALLED)  ## measure the quick profile, build the HTML, print where it is
	noise-scaling book

test: book  ## lint, types, unit tests, notebooks at tiny parameters, the built book in Chromium
	ruff check src tests benchmarks
	ruff format --check src tests benchmarks
	mypy
	OMP_NUM_THREADS=1 pytest -q -n 3 --dist worksteal -m "not slow"

test-slow: $(INSTALLED)  ## the simulations that take minutes
	OMP_NUM_THREADS=1 pytest -q -n 2 --dist worksteal -m slow

lab: .venv-lab/.installed  ## open the notebooks in JupyterLab, or the one in OPEN=FILE
	bash binder/notebooks
	JUPYTER_CONFIG_PATH=$(CURDIR)/.venv/etc/jupyter $(LAB)/jupyter-lab \
		--LabApp.extra_labextensions_path=$(CURDIR)/.venv/share/jupyter/labextensions $(OPEN)

# Apart from the packages that notebooks import: JupyterLab's slow down every start, by seconds. It sees those, too.
.venv-lab/.installed: $(INSTALLED) requirements-lab.lock
	$(BIN)/python -m venv .venv-lab
	ls -d $(CURDIR)/.venv/lib/python*/site-packages > $$($(LAB)/python -c 'import site; print(site.getsitepackages()[0])')/packages.pth
	$(LAB)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-lab.lock
	$(BIN)/python -m ipykernel install --prefix .venv-lab --name python3
	touch $@

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"Python 3.11 or later is needed, this is {sys.version.split()[0]}: make PYTHON=python3.11 …")'
	@date +%s > .started
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@echo $$(( $$(date +%s) - $$(cat .started) )) > $@; rm .started  # how long it took, for the book

lock:  ## rewrite both lock files from pyproject.toml; needs uv. GPU packages follow torch by themselves
	uv pip compile pyproject.toml $(foreach e,book models cluster test,--extra $(e)) --universal --python-version 3.11 \
		--no-annotate --no-header | grep -vE '^(nvidia-|triton|cuda-)' > requirements.lock.new
	mv requirements.lock.new requirements.lock
	uv pip compile pyproject.toml --extra lab --constraint requirements.lock --universal --python-version 3.11 \
		--no-annotate --no-header | grep -vE '^(nvidia-|triton|cuda-)' | grep -vxFf requirements.lock > requirements-lab.lock

clean:  ## remove what is built; keep what is measured
	rm -rf _build .snakemake runs
	find notebooks book -name '*.ipynb' -delete
