# Everything a developer or an operator runs from a clone. `make help` lists it.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CONFIG ?= config/examples/demo.yaml
FLAGS  ?=
STAMP  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run test test-live lint type sounds bench bench-pacing bench-pacing-short bench-hearing conformance-setup check lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with everything in it, from the lock files

$(STAMP): requirements.lock requirements-build.lock pyproject.toml .ci/make_venv.sh
	@PYTHON="$(PYTHON)" sh .ci/make_venv.sh "$(VENV)"
	@touch $@

run: $(STAMP) ## Dial a campaign: CONFIG=file (default: the demo on the embedded switch), FLAGS="--for 60s --summary FILE"
	@echo "==> dialer run --config $(CONFIG) $(FLAGS)"
	@exec $(BIN)/dialer --config $(CONFIG) run $(FLAGS)

check: $(STAMP) ## Check CONFIG=file
	@$(BIN)/dialer --config $(CONFIG) check

test: $(STAMP) ## All tests but those that need a real FreeSWITCH
	@echo "==> tests (PostgreSQL tests run where its server is installed, and say so where it is not)"
	@$(BIN)/python tests/together.py

test-live: $(STAMP) ## Tests against a real FreeSWITCH: on PATH or in FREESWITCH_BIN; needs SIPp
	@echo "==> live tests"
	@$(BIN)/python -m pytest tests/live -ra

lint: $(STAMP) ## Style and import contracts
	@echo "==> ruff" && $(BIN)/ruff check .
	@echo "==> import contracts" && $(BIN)/lint-imports

type: $(STAMP) ## Types
	@echo "==> mypy --strict" && $(BIN)/mypy

sounds: $(STAMP) ## Make the spoken prompts from freeswitch/sounds/prompts.csv: FLAGS="--all" or --check; needs espeak-ng, sox
	@$(BIN)/python -m freeswitch.sounds.make $(FLAGS)

bench: $(STAMP) ## Benchmarks beside the peers, in one run; writes bench/results.json
	@$(BIN)/python -m bench.run $(FLAGS)

bench-pacing: $(STAMP) ## Pacing beside its baselines: hours, resumable. FLAGS="--only CELLS --budget-minutes M"
	@$(BIN)/python -m bench.pacing $(FLAGS)

bench-pacing-short: $(STAMP) ## Pacing: the regression gate of CI, a few shifts with fixed seeds
	@$(BIN)/python -m bench.pacing --short $(FLAGS)

bench-hearing: $(STAMP) ## The lab of answering-machine detection; writes docs/hearing.md. Needs synthesisers (it says which)
	@$(BIN)/python -m bench.hearing $(FLAGS)

conformance-setup: $(STAMP) ## Build python-ESL (optional, needs swig and a C++ compiler) for conformance tests and benchmarks
	@sh tests/conformance_setup.sh "$(VENV)"

lock: ## Renew the lock files (names, versions and hashes; no index address). Needs pip-tools on PATH
	CUSTOM_COMPILE_COMMAND="make lock" pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --strip-extras --allow-unsafe -o requirements-build.lock requirements-build.in
	CUSTOM_COMPILE_COMMAND="make lock" pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --strip-extras --allow-unsafe --extra dev -o requirements.lock pyproject.toml

clean: ## Remove .venv and what runs left behind
	rm -rf $(VENV) var build *.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache
