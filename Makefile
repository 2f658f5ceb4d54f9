# The verbs of this project; `make` alone lists them. Every verb prepares what it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help env page serve test test-fast check fmt bench bench-retrieval bench-training bench-web bench-api demo-training bench-peers \
	lock clean

PYTHON ?= python3
BIN := .venv/bin
PAGE := $(BIN)/python scripts/build_page.py
UNIT = $(BIN)/python -m pytest -n auto --dist loadfile

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

env: ## .venv with everything pinned; a second run returns at once
	@$(PYTHON) scripts/bootstrap.py

page: env ## the page, built into webui/dist; a second run returns at once
	@$(PAGE)

serve: env page ## the desk, at the address it prints (MODEL=… PORT=…)
	@exec $(BIN)/yanchi serve $(if $(MODEL),--model "$(MODEL)") $(if $(PORT),--port "$(PORT)")

test: env ## the fast tier, the page in a real browser, the engine tier on a real vLLM
	@status=0; \
	$(PAGE) && $(PAGE) test || status=1; \
	$(UNIT) -m "not engine and not e2e" || status=1; \
	sh scripts/e2e-deps.sh || echo "no browser: the e2e tests will say that they are skipped"; \
	$(BIN)/python -m pytest -m e2e || status=1; \
	$(BIN)/python -m pytest -m engine || status=1; \
	exit $$status

test-fast: env ## the inner loop: what needs no process of its own
	@exec $(UNIT) -m "not engine and not e2e and not slow"

check: env ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=scripts $(BIN)/mypy --strict scripts/bootstrap.py
	$(BIN)/lint-imports
	$(PAGE) check

fmt: env ## mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd webui && npx prettier --write --log-level warn src tests

bench: env bench-peers page ## the benchmarks (BENCH_JSON=file writes the figures there)
	@exec $(BIN)/python -m bench

bench-retrieval: env bench-peers ## ours and the peers on the same questions (STEPS="titles leaks")
	@exec $(BIN)/python -m bench retrieval $(STEPS)

bench-training: env ## tokens a second and peak memory beside plain TRL, in one run
	@exec $(BIN)/python -m bench training

demo-training: env ## from the sample's script to a voice that answers, in a few minutes
	@exec $(BIN)/python -m scripts.demo_training

bench-web: env ## how the page feels, in a real browser, beside a plain TipTap page
	@sh scripts/e2e-deps.sh
	@exec $(BIN)/python -m bench web

bench-api: env bench-peers ## 64 streams through /v1, beside LiteLLM's proxy, in one run
	@exec $(BIN)/python -m bench api

# Apart from .venv, whose pins they must not move.
bench-peers: env
	@sh scripts/bench-peers.sh $(BIN)/python

# uv must be able to see the CPU build of torch; where it cannot reach PyTorch's own index:
# make lock CPU_TORCH="--find-links DIRECTORY"
CPU_TORCH ?= --torch-backend=cpu
COMPILE = $(BIN)/uv pip compile pyproject.toml --group dev --override requirements/overrides.txt \
	--universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
	--no-emit-package torchvision --no-emit-package torchaudio --no-emit-package torchcodec

lock: env ## the pinned dependencies, resolved anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --extra cpu $(CPU_TORCH) --no-emit-package torch -o requirements/cpu.txt
	$(COMPILE) --extra cuda -o requirements/cuda.txt
	$(BIN)/uv pip compile --group bench --constraint requirements/cpu.txt \
		--override requirements/bench-overrides.txt --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet -o requirements/bench.txt \
		$$(sed -nE 's/^([a-z0-9._-]+)==.*/--no-emit-package \1/p' requirements/cpu.txt | sort -u)
	$(BIN)/uv pip compile requirements/litellm.in --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet -o requirements/litellm.txt

clean: ## caches, build products and .venv; works and weights stay
	rm -rf .venv .bench-peers build dist webui/dist webui/.node webui/node_modules *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -not -path './webui/node_modules/*' -prune -exec rm -rf {} +
