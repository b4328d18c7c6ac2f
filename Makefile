# Everything that a developer or an operator does here is one of these targets.
.DEFAULT_GOAL := help
PYTHON ?=
INSTALLED := .venv/.installed

.PHONY: help install kafka demo up down test simulate faults lint type gen bench clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## make .venv with exactly what requirements.lock lists
$(INSTALLED): requirements.lock pyproject.toml
	@python="$$(sh deploy/choose_python.sh $(if $(PYTHON),"$(PYTHON)"))" && "$$python" -m venv --clear .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

kafka: $(INSTALLED)  ## fetch the jar files of Kafka (once; needs Java 17 and Maven)
	.venv/bin/python -m services.operator.local.jars

demo: $(INSTALLED)  ## start an installation, exchange messages, show them, stop it
	.venv/bin/renkei demo

up: $(INSTALLED)  ## start an installation on this machine
	.venv/bin/renkei up

down: $(INSTALLED)  ## stop it; its data stays
	.venv/bin/renkei down

test: $(INSTALLED)  ## run all tests, in two halves side by side
	.venv/bin/python -m tests

SEEDS ?= 1000
START ?= 0
simulate: $(INSTALLED)  ## run the simulation: make simulate SEEDS=1000 START=0
	.venv/bin/python -m tests.simulation --seeds $(SEEDS) --start $(START)

ROWS ?=
TIMES ?= 20
faults: $(INSTALLED)  ## play the fault matrix: make faults ROWS=kafka_killed,storm TIMES=20
	.venv/bin/python -m tests.faults --rows "$(ROWS)" --times $(TIMES)

lint: type  ## check style, types and import rules
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports

type: $(INSTALLED)  ## check types
	.venv/bin/mypy

gen: $(INSTALLED)  ## rewrite the generated files
	.venv/bin/renkei gen

bench: $(INSTALLED)  ## measure throughput and latency
	.venv/bin/renkei bench

clean:  ## delete what can be made again (never an installation's data)
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
