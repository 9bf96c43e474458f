# cratehand: every target sets up what it needs; only Python 3.11+ with venv has to be there.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
ARGS ?=
PYTEST ?= $(BIN)/python -m pytest
SOURCES := daemon bridges models protos rekordbox_export service max4live tests

.PHONY: run setup test check lint format types contracts soak bench device protos lock clean

run: $(READY)
	$(BIN)/cratehand run --demo $(ARGS)

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else "cratehand needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $(READY)

test: $(READY)
	$(PYTEST) -m "not soak"

check: lint types contracts test

lint: $(READY)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

format: $(READY)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

soak: $(READY)
	$(PYTEST) -m soak -s -n 0 --timeout=0 tests/soak

bench: $(READY)
	$(BIN)/python -m tests.bench $(ARGS)

device: $(READY)
	$(BIN)/python -m max4live.builder

protos: $(READY)
	$(BIN)/python -m grpc_tools.protoc -I protos --python_out=protos --grpc_python_out=protos \
		--plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
		--mypy_out=protos --mypy_grpc_out=protos protos/cratehand_api/v1/*.proto

lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --quiet --upgrade \
		--extra cpu --extra postgres --extra online --extra dev \
		--generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
