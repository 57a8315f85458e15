# Everything a newcomer runs. Each target sets itself up; a second run costs nothing.
# Needs Linux, make and Python 3.11 or 3.12 with its venv module. No root, no Docker, no database.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?=
VENV := .venv/bin
INSTALL := $(VENV)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes -r
COMPILE := $(VENV)/uv pip compile -q --universal --generate-hashes --no-annotate --python-version 3.11 \
	--custom-compile-command "make requirements"
# mypy's Django plugin imports the settings, which want the addresses of servers that it never calls.
WITH_SETTINGS := RVM_ENVIRONMENT=development DATABASE_URL=postgresql:///unused REDIS_URL=redis://unused \
	$(VENV)/python -m rvm.devtools.embedded --ephemeral --
# The two other ports follow from PORT unless they are given: `make up PORT=8101`.
PORT ?=
CALLBACKS_PORT ?=
SANDBOX_PORT ?=
# `make up CARRIER=drop_cowboy` sends through that vendor, simulated on this machine.
CARRIER ?=
PORTS = $(if $(PORT),--port $(PORT)) $(if $(CALLBACKS_PORT),--callbacks-port $(CALLBACKS_PORT)) \
	$(if $(SANDBOX_PORT),--sandbox-port $(SANDBOX_PORT))
THROUGH = $(if $(CARRIER),--carrier $(CARRIER))
CHAOS_SECONDS ?= 600
MINUTES ?= 60
WALKS ?= tests/e2e
SEED ?= 1
AT ?= tests

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: .venv/quickstart.stamp ## send 1,000 sample voicemails through the sandbox carrier and report
	@$(VENV)/python manage.py demo $(PORTS) $(THROUGH)

.PHONY: up
up: .venv/quickstart.stamp ## keep web, workers, tick, events and sandbox running on 127.0.0.1:8000, or PORT=, until Ctrl-C
	@$(VENV)/python manage.py up $(PORTS) $(THROUGH)

.PHONY: test
test: .venv/dev.stamp ## run the tests on a real PostgreSQL and Redis
	@$(VENV)/python -m pytest -n 2

.PHONY: chaos
chaos: .venv/dev.stamp ## kill real processes under load for CHAOS_SECONDS (600)
	@RVM_CHAOS_SECONDS=$(CHAOS_SECONDS) $(VENV)/python -m pytest tests/chaos -m chaos --timeout 0

.PHONY: chaos-carriers
chaos-carriers: .venv/dev.stamp ## kill processes between the steps of calls, through each carrier's simulator, for CHAOS_SECONDS (600) in all
	@RVM_CHAOS_SECONDS=$(CHAOS_SECONDS) $(VENV)/python -m pytest tests/chaos/carriers/test_carriers.py -m chaos --timeout 0

.PHONY: failover
failover: .venv/dev.stamp ## kill a primary under load and promote a standby that lacks the last claims
	@$(VENV)/python -m pytest tests/chaos/failover -m chaos --timeout 0 -s

.PHONY: webhooks
webhooks: .venv/dev.stamp ## tell two destinations of 100,000 changes, of which one is down meanwhile
	@RVM_WEBHOOK_CHANGES=100000 $(VENV)/python -m pytest -n 0 --timeout 0 --durations=1 \
		tests/rvm/platform/webhooks/sending/test_process.py -k long_backlog

.PHONY: histories
histories: .venv/dev.stamp ## tell drawn histories of voicemails for MINUTES (60), from SEED (1) on
	@RVM_HISTORIES_MINUTES=$(MINUTES) RVM_HISTORIES_SEED=$(SEED) $(VENV)/python -m pytest \
		tests/delivery/model/test_histories.py -m histories --timeout 0

.PHONY: contract
contract: .venv/dev.stamp ## call every operation of the API with drawn requests, and with sequences of them, from SEED (1) on
	@RVM_CONTRACT_SEED=$(SEED) $(VENV)/python -m pytest tests/rvm/project/contract -m contract --timeout 0

.PHONY: mutants
mutants: .venv/dev.stamp ## plant faults in the engine, each of which the histories must find
	@$(VENV)/python -m pytest tests/delivery/model/test_mutants.py -m histories --timeout 0

.PHONY: year
year: .venv/dev.stamp ## go through a year of calling hours for the places of all area codes, also by the claim, which takes minutes
	@$(VENV)/python -m pytest tests/usecases/calling_hours/test_simulated_year.py tests/delivery/test_calling_hours.py -m year --timeout 0

.PHONY: dates
dates: .venv/dev.stamp ## run the tests, or AT=tests/campaigns, at moments such as a clock change or a leap day; needs a C compiler
	@$(VENV)/python -m tests.dates -q -n 2 $(AT)

.PHONY: poolers
poolers: .venv/dev.stamp ## run the platform behind PgBouncer, which must be installed
	@$(VENV)/python -m pytest tests/chaos -m poolers --timeout 0

.PHONY: proxies
proxies: .venv/dev.stamp ## try deploy/'s nginx and Caddy before the web server; Debian must have both or gets them
	@requirements/proxies.sh
	@$(VENV)/python -m pytest tests/proxies -m proxies --timeout 300

.PHONY: e2e
e2e: .venv/e2e.stamp ## walk through the admin in Chromium, which Debian must have or gets; WALKS=tests/e2e/test_short.py for less
	@$(VENV)/python -m pytest $(WALKS) -m e2e

.PHONY: pictures
pictures: .venv/e2e.stamp ## take the pictures of docs/administer again, in Chromium
	@RVM_DOCS_PICTURES=docs/administer/pictures $(VENV)/python -m pytest tests/e2e/whole_desk/test_pictures.py -m e2e

.PHONY: lint
lint: .venv/dev.stamp ## check style and the layers' import contracts
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/lint-imports

.PHONY: bandit
bandit: .venv/dev.stamp ## look for insecure code, beyond what ruff knows
	@$(VENV)/bandit --quiet --configfile pyproject.toml --recursive rvm usecases delivery campaigns bench manage.py

.PHONY: audit
audit: .venv/audit.stamp ## compare the pinned packages with known vulnerabilities, which needs the internet
	@requirements/audit.sh

.PHONY: types
types: .venv/dev.stamp ## check types
	@$(WITH_SETTINGS) $(VENV)/mypy

.PHONY: openapi
openapi: .venv/dev.stamp ## write the OpenAPI document to docs/integrate/openapi.json, whose changes are reviewed
	@$(WITH_SETTINGS) $(VENV)/python manage.py spectacular --format openapi-json --validate --fail-on-warn \
		--file docs/integrate/openapi.json
	@echo >> docs/integrate/openapi.json

.PHONY: clients
clients: .venv/dev.stamp ## build the wheel of clients/python into dist/
	@rm -rf clients/python/build
	@$(VENV)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist clients/python
	@ls dist/*.whl

.PHONY: client-typescript
client-typescript: .venv/dev.stamp ## generate the TypeScript client from the OpenAPI document, and check its types; needs the internet
	@clients/typescript/build.sh $(VENV)

.PHONY: bench-dispatch
bench-dispatch: .venv/dev.stamp ## measure the delivery engine; the last line is JSON
	@$(VENV)/python manage.py bench dispatch --json

.PHONY: bench-callbacks
bench-callbacks: .venv/dev.stamp ## measure carriers' callbacks; the last line is JSON
	@$(VENV)/python manage.py bench callbacks --json

.PHONY: bench-slow-clients
bench-slow-clients: .venv/dev.stamp ## measure a working client beside idle and half-sent connections; the last line is JSON
	@$(VENV)/python manage.py bench slow-clients --json

.PHONY: bench-neighbours
bench-neighbours: .venv/dev.stamp ## measure carriers' callbacks beside another workspace's heavy work; the last line is JSON
	@$(VENV)/python manage.py bench neighbours --json

.PHONY: bench-import
bench-import: .venv/dev.stamp ## measure the import of a list of a million rows; the last line is JSON
	@$(VENV)/python manage.py bench import --json

.PHONY: bench-api
bench-api: .venv/dev.stamp ## measure sends, batches, lists and uploads of the API; the last line is JSON
	@$(VENV)/python manage.py bench api --json

.PHONY: bench-webhooks
bench-webhooks: .venv/dev.stamp ## measure webhooks, and what they cost sending and callbacks; the last line is JSON
	@$(VENV)/python manage.py bench webhooks --json

# The last state before people's sign-in had limits, sessions ends, and the audit what was shown.
BEFORE_ACCESS = e1f120b
BASELINE ?= .rvm/before_access

$(BASELINE):
	git worktree add --detach $@ $(BEFORE_ACCESS)

.PHONY: bench-upkeep
bench-upkeep: .venv/dev.stamp ## measure what upkeep of ten million rows and a campaign cost each other; the last line is JSON
	@$(VENV)/python manage.py bench upkeep --json

.PHONY: bench-access
bench-access: .venv/dev.stamp | $(BASELINE) ## measure what the guards of access cost a web process; the last line is JSON
	@$(VENV)/python manage.py bench access --baseline $(BASELINE) --json

.PHONY: requirements
requirements: .venv/dev.stamp ## compile requirements/ again from pyproject.toml
	$(COMPILE) pyproject.toml -o requirements/base.txt
	$(COMPILE) pyproject.toml -c requirements/base.txt --extra quickstart -o requirements/quickstart.txt
	$(COMPILE) pyproject.toml -c requirements/quickstart.txt --extra quickstart --extra dev -o requirements/dev.txt
	$(COMPILE) --group pyproject.toml:e2e -c requirements/dev.txt -o requirements/e2e.txt
	$(COMPILE) --group pyproject.toml:audit -c requirements/dev.txt -c requirements/e2e.txt -o requirements/audit.txt

# One environment for all; what the tests need includes what the quick start needs.
.venv/quickstart.stamp: requirements/quickstart.txt
	@requirements/venv.sh $(PYTHON)
	@echo "Installing requirements/quickstart.txt (about a minute the first time)"
	@$(INSTALL) $<
	@touch $@

.venv/dev.stamp: requirements/dev.txt
	@requirements/venv.sh $(PYTHON)
	@echo "Installing requirements/dev.txt (about a minute the first time)"
	@$(INSTALL) $<
	@touch .venv/quickstart.stamp $@

# On top of the same environment: what asks for known vulnerabilities.
.venv/audit.stamp: requirements/audit.txt .venv/dev.stamp
	@$(INSTALL) $<
	@touch $@

# On top of the same environment: the client of a browser, which is the machine's own.
.venv/e2e.stamp: requirements/e2e.txt requirements/axe.txt .venv/dev.stamp
	@requirements/browser.sh
	@$(INSTALL) $<
	@$(INSTALL) requirements/axe.txt --no-deps
	@touch $@
