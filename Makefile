# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make html    the site of this repository, in _build/html
# make quick   the tests that take seconds: without Sphinx, a compiler, a browser, a kernel, and the like
# make test    all tests; those that need what is not here are skipped
# make slow    the tests that quick leaves out
# make check   lint, types, the layers of the packages, and the record itself
# make matrix  the tests that build with Sphinx, on each Python and Sphinx of tests/matrix/ that is here
# make kernel-docs  builds of the docs of real kernel trees, those in KFUNCDOC_KERNEL_TREES, or one that is fetched
# make programs  audits of programs that are compiled by clang, with the vmlinux.h in KFUNCDOC_VMLINUX_H, or one that
#              is fetched
# make browser the site in Chromium, with the chromium of the system, or the one in KFUNCDOC_CHROMIUM
# make bench   the figures of docs/figures.rst, measured anew; those of real kernels with KERNELS=DIR, and of
#              BPF objects with OBJECTS=DIR
# make bench-site  what the site costs its readers
# make screenshots  those of the guide and of README.md, taken anew
# make observe what the kernels in KERNELS=DIR have, for tests/observed
#
# Each sets up what it needs in .venv; PYTHON names the interpreter to start from.

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
BUILDERS = html dirhtml singlehtml text latex
SPHINXOPTS ?= -W --keep-going
PYTESTOPTS ?= -n auto
# pyproject.toml says what the markers mean.
SLOW = sphinx or compiler or browser or kernel or wheel or process or endless or record or fuzz
# All tests of these folders have one of the markers, and need not even be collected.
SLOW_FOLDERS = tests/sphinxext tests/programs tests/browser tests/kernel_docs

all: html

# The builders share what was read of the sources, and may not read at the same time.
.NOTPARALLEL:

# One environment, filled as far as a target needs it; pyproject.toml says with what.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.html: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[feed]'
	touch $@

$(VENV)/.test: $(VENV)/.html
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

$(VENV)/.check: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --editable '.[test,check]'
	touch $@

$(BUILDERS): $(VENV)/.html
	$(BIN)/python -m sphinx $(SPHINXOPTS) -d _build/doctrees -b $@ . _build/$@

test: $(VENV)/.test
	$(BIN)/python -m pytest $(PYTESTOPTS)

quick: $(VENV)/.test
	$(BIN)/python -m pytest $(PYTESTOPTS) --hypothesis-profile quick -m "not ($(SLOW))" $(addprefix --ignore=,$(SLOW_FOLDERS))

slow: $(VENV)/.test
	$(BIN)/python -m pytest $(PYTESTOPTS) -m "$(SLOW)"

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/kfuncdoc check --strict data

matrix:
	PYTESTOPTS="$(PYTESTOPTS)" tests/matrix/run $(MATRIX)

kernel-docs: $(VENV)/.test
ifdef KFUNCDOC_KERNEL_TREES
	$(BIN)/python -m pytest tests/kernel_docs
else
	tests/kernel_docs/fetch _build/linux-6.12
	KFUNCDOC_KERNEL_TREES=_build/linux-6.12 $(BIN)/python -m pytest tests/kernel_docs
endif

programs: $(VENV)/.test
ifdef KFUNCDOC_VMLINUX_H
	$(BIN)/python -m pytest $(PYTESTOPTS) tests/programs
else
	tests/programs/fetch _build/vmlinux-h
	KFUNCDOC_VMLINUX_H=_build/vmlinux-h $(BIN)/python -m pytest $(PYTESTOPTS) tests/programs
endif

$(VENV)/.browser: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --editable '.[browser]'
	touch $@

browser: html $(VENV)/.browser
	KFUNCDOC_SITE=_build/html $(BIN)/python -m pytest $(PYTESTOPTS) tests/browser

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks.bench $(BENCHOPTS)
ifdef KERNELS
	$(BIN)/python -m benchmarks.scanning $(KERNELS) $(SCANOPTS)
	$(BIN)/python -m benchmarks.kernel_docs $(KERNELS) $(DOCSOPTS)
endif
ifdef OBJECTS
	$(BIN)/python -m benchmarks.auditing $(OBJECTS) $(AUDITOPTS)
endif

bench-site: html $(VENV)/.browser
	$(BIN)/python -m benchmarks.site _build/html $(SITEOPTS)

screenshots: html $(VENV)/.browser
	$(BIN)/python tests/browser/screenshots.py _build/html docs

# What real kernels have, as tests/observed/ keeps it: KERNELS is a folder of source trees and images.
observe: $(VENV)/.test
	@test -n "$(KERNELS)" || { echo "say where the kernels are: make observe KERNELS=DIR" >&2; exit 2; }
	$(BIN)/python tests/observe.py $(KERNELS)

clean:
	rm -rf _build $(VENV) .venv-matrix

.PHONY: all $(BUILDERS) test quick slow check matrix kernel-docs programs browser bench bench-site screenshots observe clean
