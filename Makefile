# `make book` renders the book, `make test` checks it. Both set up what they need first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first Python that fits, under any of its usual names. The recogniser of text in images, which
# one chapter runs, is not made for 3.13 yet.
PYTHON ?= $(shell for name in python3 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

# Figures and pages carry no time of building: the same sources give the same bytes.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 1780000000)
# Every chapter starts a Python of its own; without stored bytecode each would compile its
# imports again, which doubles the time of a build.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install book test lint format ensembles figures clean clean-all

help:
	@echo "make book     render the book into _build/html"
	@echo "make test     run every check (renders the book first if it is out of date)"
	@echo "make lint     style and spelling"
	@echo "make format   put the code into the project's format"
	@echo "make ensembles  draw patient data anew where the stated numbers changed"
	@echo "make figures  accept the present figure data as the committed ones (tests/figures)"
	@echo "make clean    remove the rendered book (make clean-all: the environment too)"

$(INSTALLED): requirements.txt constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed; none was found (PYTHON=/path/to/python make ...)" >&2; exit 1; }
	@echo "Making the virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages (a minute or two the first time)"
	@$(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check -r requirements.txt
	@touch $@

install: $(INSTALLED)

# Always from the beginning: a partial build keeps the old numbers on unchanged pages.
book: $(INSTALLED)
	@echo "Reconstructing patient data where the stated numbers changed"
	@$(BIN)/oligomdt redraw > /dev/null
	@echo "Building the book: every chapter runs its code"
	@rm -rf _build/html _build/.doctrees _build/jupyter_execute
	@$(BIN)/jupyter-book build . --all -W -n --keep-going -q > /dev/null
	@echo "The book is ready. Open this page in a browser:"
	@echo "$(CURDIR)/_build/html/index.html"

test: $(INSTALLED)
	@echo "Running the checks"
	@$(BIN)/python -m pytest

lint: $(INSTALLED)
	@echo "Checking style and spelling"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/codespell

format: $(INSTALLED)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

ensembles: $(INSTALLED)
	@$(BIN)/oligomdt redraw

figures: $(INSTALLED)
	@$(BIN)/python -m pytest tests/test_figures.py --update-figures -q
	@git --no-pager diff --stat -- tests/figures

clean:
	@rm -rf _build

clean-all: clean
	@rm -rf $(VENV)
