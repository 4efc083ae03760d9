# Each target installs what it lacks and says what it is doing. Times are for 2 cores.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
KEYS := .lab/keys
# The tests in their order; those without a cluster are two groups, each on one processor.
TESTS = $(shell $(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["tool"]["pytest"]["ini_options"]["testpaths"])')
ON_LIGHT_HOSTS := tests/integration/host_state tests/proofs/test_hosts_short.py
LOCAL := tests/unit $(addprefix tests/integration/,bundle cluster network membership postgresql alerts)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

help: ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.stamp: requirements.txt
	@echo "== virtual environment: the pinned tools (about 1 min)"
	tools/ensure-packages python3-venv
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement requirements.txt
	@touch $@

venv: $(VENV)/.stamp ## virtual environment with the pinned tools

keys: venv ## signing keys, certificates and escrow identity of the lab
	lab/bundle keys --dir $(KEYS) --mirror mirror1.lab.biomax.internal=10.77.0.10

bundle: keys ## everything a site needs, built from source (30 min from nothing, seconds when cached)
	@echo "== bundle (up to 30 min from empty caches, seconds when nothing changed)"
	lab/bundle build --output .lab/bundle --keys $(KEYS)

lab: bundle ## bare hosts on this machine, made a cluster by site.yml (7 to 10 min with a bundle)
	@echo "== lab hosts (1 min for the first root file system, then seconds)"
	lab/lab up
	@echo "== site.yml on them (6 to 9 min)"
	ansible-playbook site.yml -i inventories/lab

lab-down: venv ## remove the lab hosts and everything they left
	lab/lab down

test: bundle ## every test (about 65 min with a bundle)
	tools/ensure-packages age curl iproute2 nftables postgresql-15 strace
	cd programs && go vet ./... && go test ./...
	@echo "== tests without a cluster (about 15 min; what they print comes at their end)"
	$(MAKE) --jobs 2 --output-sync=target test-light-hosts test-local
	@echo "== all others (about 45 min)"
	$(PY) -m pytest $(filter-out $(ON_LIGHT_HOSTS) $(LOCAL),$(TESTS))

test-light-hosts: bundle
	$(PY) -m pytest $(ON_LIGHT_HOSTS)

test-local: bundle
	$(PY) -m pytest $(LOCAL)

lint: venv ## every linter
	tools/ensure-packages shellcheck
	tools/lint

proofs: bundle ## the long proofs, some hours, to docs/proofs.md: cut runs, power cuts, check mode, cost; replaces a lab that is up
	$(PY) -m tests.proofs.kill
	$(PY) -m tests.proofs.power_loss --cuts 10
	$(PY) -m tests.proofs.plan --mutations 300
	$(PY) -m tests.proofs.accepted_plan
	$(PY) -m tests.proofs.check_mode --kubeconfig .lab/kubeconfig
	$(PY) -m tests.proofs.absent
	$(PY) -m pytest --reuse-lab tests/proofs/test_volume_full.py
	lab/lab down
	$(PY) -m tests.proofs.primary_death --deaths 10 --keep
	$(PY) -m tests.proofs.lost_database
	$(PY) -m tests.proofs.kill_hosts --cuts 150
	$(PY) -m tests.proofs.check_mode
	$(PY) -m tests.proofs.cost
	$(PY) -m tests.proofs.kill_hosts --without-ledger; test $$? -eq 3
	$(PY) -m tests.proofs.report

bench: bundle ## what the budgets allow and what it takes (about 25 min on a quiet machine), to docs/benchmarks.md
	$(PY) -m tests.bench

.PHONY: help venv keys bundle lab lab-down test test-light-hosts test-local lint proofs bench
