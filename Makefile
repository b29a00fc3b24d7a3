# Every target sets up what it needs first; see CONTRIBUTING.md.
PYTHON_BIN = .venv/bin
TRIAL = $(PYTHON_BIN)/python tools/trial

MAKEFLAGS += --no-print-directory

.PHONY: help setup clients demo demo-down test test-functional test-xen lint types bench bench-vnet fuzz clean

help:
	@echo "make demo             a cloud on this machine, and an instance that boots in it"
	@echo "make demo-down        end that cloud; nothing of it is left"
	@echo "make test             all tests that need no root"
	@echo "make test-functional  tests that need root, libvirt, or real clients"
	@echo "make test-xen         tests on a real Xen, under emulation; built when first run"
	@echo "make lint types       style and types"
	@echo "make bench            speed, as ratios against peers and limits"
	@echo "make bench-vnet       speed of the trunk between clusters, against other tunnels"
	@echo "make fuzz             fuzz what reads strangers' bytes, FUZZ_S seconds each"
	@echo "make setup            only prepare .venv"
	@echo "make clients          only prepare the clients of test-functional"

setup:
	@tools/setup

clients: setup
	@tools/clients

demo: setup
	@tools/demo up

demo-down:
	@tools/demo down

test: setup
	@$(TRIAL) --unit

test-functional: clients
	@$(TRIAL) --functional

test-xen: setup
	@$(TRIAL) --xen

lint: setup
	@$(PYTHON_BIN)/ruff check .
	@$(PYTHON_BIN)/ruff format --check .

types: setup
	@$(PYTHON_BIN)/mypy

bench: setup
	@$(PYTHON_BIN)/python -m bench

bench-vnet: setup
	@tools/tunnels
	@$(PYTHON_BIN)/python -m bench.trunk

FUZZ_S = 60
fuzz: setup
	@tools/fuzz $(FUZZ_S)

clean: demo-down
	@[ ! -x $(PYTHON_BIN)/python ] || tools/xen down
	rm -rf .xen .venv .venv-fuzz .clients build dist *.egg-info .mypy_cache .ruff_cache _trial_temp*
