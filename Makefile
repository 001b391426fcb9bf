# Everything a newcomer needs: `make doctor IMAGE=...` and `make test`. The rest is for development: `make help`.
# Plain enough for GNU make 3.81 (macOS). What is typed is taken as text: `value` keeps make from expanding it, and the recipes see it only
# as environment variables, so that neither make nor the shell reads a command into it.
override IMAGE := $(value IMAGE)
override ARGS := $(value ARGS)
override FAULT := $(value FAULT)
export IMAGE ARGS FAULT
SHELL = /bin/sh
BIN = .venv/bin

.PHONY: help doctor demo test check-format lint types tests servers format snapshots bench wheel lock clean
.DEFAULT_GOAL = help

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile

# make itself exits 2 whenever doctor does not exit 0, and shows doctor's own code in its last line; .venv/bin/doctor gives it as it is.
doctor: .venv/run.stamp ## diagnose IMAGE=registry.cleanstart.com/library/base:latest, with ARGS="--as docker --json"
	@set -f; code=0; $(BIN)/doctor check $$ARGS $${IMAGE:+-- "$$IMAGE"} || code=$$?; \
	command -v doctor >/dev/null || echo 'Where it says doctor, that is $(BIN)/doctor here (pipx install . brings it everywhere).' >&2; \
	exit $$code

demo: .venv/run.stamp ## a fault on loopback, diagnosed: FAULT=unknown-ca; without it, which there are
	@set -f; $(BIN)/doctor demo $$ARGS $${FAULT:+-- "$$FAULT"}

test: check-format lint types tests ## formatting, lint, strict types and every test, real servers included

check-format: .venv/dev.stamp
	@$(BIN)/ruff format --check --quiet . || { echo "make format puts these files right"; $(BIN)/ruff format --check .; exit 1; }

lint: .venv/dev.stamp ## ruff
	@$(BIN)/ruff check --quiet .

types: .venv/dev.stamp build/types/doctor/checks ## mypy, strict
	@$(BIN)/mypy --no-error-summary -p doctor -p doctor.checks
	@$(BIN)/mypy --no-error-summary tests tools

# mypy finds doctor.checks through this link (pyproject.toml says why).
build/types/doctor/checks:
	@mkdir -p build/types/doctor && ln -sf ../../../checks build/types/doctor/checks

tests: .venv/dev.stamp servers
	@set -f; $(BIN)/python -m pytest --quiet --numprocesses 3 --dist loadfile $$ARGS

servers: .venv/run.stamp
	@tools/servers.sh

format: .venv/dev.stamp ## put formatting right
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

snapshots: .venv/dev.stamp ## what every format makes of the one set of reports, written down again
	@$(BIN)/python -m tests.report.golden

bench: .venv/dev.stamp servers ## doctor beside skopeo, at 0 and 25 ms each way
	@set -f; $(BIN)/python -m tools.bench $$ARGS

wheel: .venv/dev.stamp ## dist/registry_doctor-VERSION-py3-none-any.whl
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

lock: ## pin the newest versions in requirements/*.txt again (UPGRADE=yes), or add what pyproject.toml gained
	@tools/lock.sh

clean: ## remove all that make made
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made anew when the lock changes; the package is installed again when its metadata does.
.venv/lock.stamp: requirements/build.txt requirements/run.txt tools/venv.sh
	@tools/venv.sh run
	@touch $@

.venv/run.stamp: .venv/lock.stamp pyproject.toml
	@tools/venv.sh package
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/lock.stamp .venv/run.stamp
	@tools/venv.sh dev
	@touch $@
