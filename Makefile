# Everything a newcomer types. `make help` lists it.
UV_VERSION := 0.13.9
UV := .uv/bin/uv
RUN := $(UV) run --frozen --no-sync
GENERATED := packages/contracts/src/contracts.binpb

.DEFAULT_GOAL := help
.PHONY: help setup demo up test faults lint format bench clean

help: ## What there is to type
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/.synced $(GENERATED) .venv/.fetched ## Install everything into this folder: what the other targets do first

demo: setup ## Play one cohort's journey over four services and a real Kafka, and check every outcome
	@$(RUN) mentorstream demo

up: setup ## Run the platform until Ctrl-C, and keep its data in .data
	@$(RUN) mentorstream up

test: setup ## Run all tests: those that start no platform by two workers, then the others one by one
	$(RUN) pytest -n 2 --dist loadfile --ignore tests/e2e --ignore tests/fault
	$(RUN) pytest tests/e2e tests/fault

faults: setup ## Inject every fault into the running platform, and check that the invariants hold (under 40 minutes)
	$(RUN) python -m tests.fault

lint: setup ## Check style, types and contracts
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) python packages/contracts/lint.py

format: setup ## Put the code into the house's format
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

bench: setup ## Measure, side by side with the parts alone; MONGODB_URI=... measures against another store
	$(RUN) python -m bench

clean: ## Remove what was installed and generated here; data in .data stays
	rm -rf .venv .uv packages/contracts/src

$(UV):
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "python3 3.11 or newer is needed; this is $$(python3 --version 2>&1)"; exit 1; }
	@test -w . || { echo "this folder cannot be written: everything is installed into it, so clone it where you may write"; exit 1; }
	python3 -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.synced: $(UV) pyproject.toml uv.lock $(wildcard packages/*/pyproject.toml services/*/pyproject.toml)
	$(UV) sync --frozen --quiet
	@touch $@

$(GENERATED): .venv/.synced packages/contracts/generate.py $(shell find proto -name '*.proto')
	$(RUN) python packages/contracts/generate.py

.venv/.fetched: $(GENERATED) packages/mentorstream/src/mentorstream/embedded/kafka-jars.sha256
	$(RUN) mentorstream fetch
	@touch $@
