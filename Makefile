# Set-up happens by itself: a virtual environment in .venv, and the node packages of tests/foreign for the tests.

VENV := .venv/bin
READY := .venv/.ready

.PHONY: help demo example-thaid example-authmachine example-auth0 example-pingone example-sgid test check bench soak deps docs format lint types imports examples lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9 -]+:.*## /{sub(/ example-authmachine.*sgid$$/, " ...", $$1); printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## the demo application and six practice providers on this machine, ready in a browser (ARGS=--https)
	@$(VENV)/signon demo $(ARGS)

example-thaid example-authmachine example-auth0 example-pingone example-sgid: $(READY) ## a vendor's published application, at its practice provider
	@$(VENV)/python examples/run.py $(@:example-%=%) $(ARGS)

test: $(READY) deps ## every test; installs what they need (ARGS="-k name" for some of them)
	@tools/test.sh $(ARGS)

check: $(READY) format lint types imports examples ## what CI runs: format, lint, types, imports, docs examples, tests
	@GATE=1 $(MAKE) --no-print-directory test

bench: $(READY) deps ## the benchmark: sign-ins against a bare floor and Authlib, guarded APIs, pages, a million sessions
	@tools/bench.sh $(ARGS)

soak: $(READY) deps ## four workers, 200 people, one worker killed each second (ARGS="--stores sqlite" for one store)
	@$(VENV)/python -m bench.soak $(ARGS)

deps: $(READY) ## what the tests need beside Python: Chromium, fonts, node packages
	@tools/deps.sh

docs: $(READY) ## the documentation as HTML, in docs/_build
	@$(VENV)/sphinx-build -q -W -b html docs docs/_build

format: $(READY)
	@$(VENV)/ruff format --check .

lint: $(READY)
	@$(VENV)/ruff check .

types: $(READY)
	@$(VENV)/mypy

imports: $(READY)
	@$(VENV)/lint-imports --no-cache

examples: $(READY) docs
	@$(VENV)/python -m pytest -q -n 0 tests/test_docs.py

lock: $(READY) ## renew requirements/dev.txt from pyproject.toml
	@$(VENV)/uv pip compile -q --no-header --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
	  pyproject.toml --all-extras --group dev -o requirements/dev.txt

clean: ## remove what was built and installed here
	@rm -rf .venv .deps-* .coverage* docs/_build tests/foreign/node_modules .foreign .mypy_cache .ruff_cache .hypothesis

$(READY): requirements/dev.txt pyproject.toml tools/setup.sh
	@tools/setup.sh
