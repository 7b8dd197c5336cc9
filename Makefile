# The commands of the project. `make help` lists them.
PYTHON  ?= python3
VENV    ?= .venv
SUITE   ?= mini
DMID    ?=
# Machines that `make test-machines` imitates; all, if none is named.
MACHINES ?=
# What `make test-pythons` makes an environment of each; names on the PATH, or paths.
PYTHONS ?= python3.12 python3.13
# Backbones that `make rehearse` takes through; their weights are made up, nothing is fetched.
BACKBONES ?= smolvlm-2.2b qwen3-vl-4b
# How many inputs `make fuzz` tries.
INPUTS ?= 100000
# That `make gpu-check` may take.
MINUTES ?= 8
# Arguments of `make soak`, e.g. --kills 4 --pairs 1 --damages 12.
SOAK ?=
# Extras to install, of pyproject.toml: dev,browser,tracking runs the tests of pages and trackers too.
EXTRAS  ?= dev
# Extra arguments of pip, e.g. an index of CPU builds of torch.
PIP_ARGS ?=
AMRG    := $(VENV)/bin/amrg
STAMP   := $(VENV)/.installed

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: $(STAMP) ## make .venv with amrg and its pinned dependencies in it

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "amrg needs Python 3.11 or later; say which: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --progress-bar on --disable-pip-version-check --constraint constraints.txt $(PIP_ARGS) --editable '.[$(EXTRAS)]'
	@touch $@

.PHONY: sweep
sweep: install ## run a suite end to end: make sweep [SUITE=mini] [DMID=folder]
	$(AMRG) sweep $(SUITE) $(if $(DMID),--data '$(DMID)')

.PHONY: smoke
smoke: install ## run the smallest suite, in seconds
	$(AMRG) sweep smoke --leaderboards results/leaderboards

.PHONY: floors
floors: install ## what predictors that see no image score on real reports: make floors DMID=folder
	@test -n '$(DMID)' || { echo "Say where the reports are: make floors DMID=/path/to/DMID"; exit 2; }
	$(AMRG) floors '$(DMID)'

.PHONY: leaderboard
leaderboard: install ## write a suite's leaderboard from its stored results: make leaderboard [SUITE=mini]
	$(AMRG) leaderboard $(SUITE)

.PHONY: leaderboard-check
leaderboard-check: install ## fail where a committed leaderboard differs from its results
	$(AMRG) leaderboard --check

.PHONY: miniatures
miniatures: install ## train the miniature checkpoints that come with amrg again (20 minutes on 2 cores)
	$(AMRG) backbones miniatures

.PHONY: test
test: install ## run the tests
	$(VENV)/bin/python -m pytest -n 2

.PHONY: coverage
coverage: install ## run the tests and print which lines none of them reaches (slower than `make test`)
	$(VENV)/bin/python -m pytest -n 2 --cov --cov-report=term

.PHONY: test-full-width
test-full-width: install ## tests at the widths of published models: layers of random weights, minutes and 12 GB each
	$(VENV)/bin/python -m pytest --full-width -m full_width

.PHONY: test-long
test-long: install ## tests of whole sweeps on failing disks, killed workers and clusters (half an hour)
	$(VENV)/bin/python -m pytest --long -m long

.PHONY: test-machines
test-machines: install ## run them as other processors, threads and accounts would: [MACHINES='avx2 somebody']
	$(VENV)/bin/python tests/machines.py $(MACHINES)

.PHONY: test-pythons
test-pythons: ## run them under other versions of Python: [PYTHONS='python3.12 python3.13']
	for python in $(PYTHONS); do $(MAKE) test PYTHON="$$python" VENV=".venv.$$(basename "$$python")" || exit; done

.PHONY: soak
soak: install ## kill, share, starve and damage sweeps, and compare what they end with: [SOAK='--kills 5'] (hours)
	$(VENV)/bin/python tests/soak.py $(SOAK)

.PHONY: cluster-check
cluster-check: install ## sweeps on three Ray nodes, one killed and one late, and by jobs as Slurm's (minutes; EXTRAS=dev,cluster)
	$(VENV)/bin/python tests/cluster_check.py

.PHONY: scale
scale: install ## what 1,000 backbones × 10,000 trials would cost a sweep itself, measured and simulated (minutes)
	$(VENV)/bin/python tests/scale.py

.PHONY: simulations
simulations: install ## how often verdicts are wrong and intervals hold, by simulation (half an hour)
	$(VENV)/bin/python tests/metrics/simulations.py
	$(VENV)/bin/python tests/metrics/simulations_intervals.py
	$(VENV)/bin/python tests/metrics/simulations_scores.py

.PHONY: fuzz
fuzz: install ## mutated suites, texts, labels, results, DMID folders and images through their readers (an hour): [INPUTS=100000]
	$(VENV)/bin/python tests/fuzzing.py --inputs $(INPUTS)
	$(VENV)/bin/python tests/fuzz_folders.py --count 400
	$(VENV)/bin/python -W ignore tests/fuzz_images.py --count 3000

.PHONY: rehearse
rehearse: install ## take full-width checkpoints of random weights through a sweep: [BACKBONES='medgemma-4b-it …']
	for backbone in $(BACKBONES); do $(AMRG) rehearse "$$backbone" --layers 2 || exit; done

.PHONY: gpu-check
gpu-check: install ## on a GPU: parity, waits, memory and speed at full size, random weights, in 8 minutes: [MINUTES=8]
	$(AMRG) gpu-check --minutes $(MINUTES)

.PHONY: check
check: install ## lint (ruff), types (mypy) and the order of imports (import-linter)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

.PHONY: clean
clean: ## remove results and caches, keep the environment
	rm -rf results cache
