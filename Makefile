# Two commands do everything on a machine with Python 3.11+, gcc and make: `make demo` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
NATIVE := $(wildcard swrap/abi/*.[ch] swrap/shim/*.[ch] swrap/switch/*.[ch] swrap/*/build.py) swrap/build.py

EXTRAS ?= test

.PHONY: demo test bench lint clean
.DELETE_ON_ERROR:

demo: .venv/ready
	$(BIN)/swrap demo

test: .venv/ready
	$(BIN)/python -m selftest $(TESTS)

bench: .venv/ready
	$(BIN)/python -m selftest.bench

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/ready: pyproject.toml $(NATIVE)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	touch $@

clean:
	rm -rf .venv build *.egg-info swrap/*.so
