.DEFAULT_GOAL := help
.PHONY: help install test test-slow test-browser check fix ci

help:  ## What there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

install:  ## Python environment with everything, from the lock file
	uv sync

test:  ## The default suite: fast, offline
	uv run pytest

test-slow:  ## What takes minutes: the real model, real studies
	uv run pytest -m slow

test-browser:  ## The MLflow UI in Chromium, on a small real study
	uv run pytest -m browser

check:  ## Lint, format and types, as the gate runs them
	uv run ruff check .
	uv run ruff format --check .
	uv run mypy

fix:  ## Format, and mend what can be mended
	uv run ruff check --fix .
	uv run ruff format .

ci:  ## The whole gate
	bash .ci/run
