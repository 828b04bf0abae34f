# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make html    the site of this repository, in _build/html
# make quick   the tests that need only Python, and take seconds
# make test    all tests; a test is skipped if something that it needs is not installed
# make check   lint, types, the layers of the packages, and the record itself
# make matrix  the tests that build with Sphinx, with each Python of tests/matrix/ that is installed
# make kernel-docs  builds the docs of the kernel trees in KFUNCDOC_KERNEL_TREES, else of one that it fetches
# make programs  audits programs that clang compiles with the vmlinux.h in KFUNCDOC_VMLINUX_H, else with one that it
#              fetches
# make boot    boots real kernels in qemu, loads BPF programs, and compares what the kernels say with what audits say: the
#              kernels in KERNELS=DIR, else in KFUNCDOC_KERNELS, else two that it fetches; the programs in
#              OBJECTS="DIR...", else our own; with the libbpf in LIBBPF=DIR (tools/lib/bpf of a kernel tree), else with
#              one that it fetches
# make browser tests the site in the Chromium of the system, or in the one that KFUNCDOC_CHROMIUM names
# make bench   measures the figures of docs/figures.rst again; with KERNELS=DIR also those of real kernels, with
#              OBJECTS=DIR also those of BPF objects
# make bench-site  measures how large the files of the site are, and how long it takes to filter a table
# make screenshots  takes the screenshots of the guide and of README.md again
# make observe scans the kernels in KERNELS=DIR for tests/observed
#
# Each target installs what it needs into .venv; PYTHON names the interpreter that makes .venv.

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
BUILDERS = html dirhtml singlehtml text latex
SPHINXOPTS ?= -W --keep-going
PYTESTOPTS ?= -n auto
# pyproject.toml says what the markers mean.
SLOW = sphinx or compiler or browser or kernel or wheel or process or endless or record or fuzz
# All tests of these folders have one of the markers, so pytest need not collect them.
SLOW_FOLDERS = tests/sphinxext tests/programs tests/browser tests/kernel_docs

all: html

# The builders share a folder of doctrees, so only one may run at a time.
.NOTPARALLEL:

# There is one environment.  Each target adds the packages that it needs, which pyproject.toml lists.
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

# BOOTOPTS are options of tests/boot/__main__.py.
boot: $(VENV)/.test
ifndef LIBBPF
	tests/boot/fetch-libbpf _build/libbpf
endif
	tests/boot/build $(or $(LIBBPF),_build/libbpf/src) _build/boot
ifeq ($(KERNELS)$(KFUNCDOC_KERNELS),)
	PYTHON=$(BIN)/python tests/boot/fetch-kernels _build/kernels
endif
ifndef OBJECTS
ifndef KFUNCDOC_VMLINUX_H
	tests/programs/fetch _build/vmlinux-h
endif
	PYTHONPATH=tests $(BIN)/python -m boot.compile_programs $(or $(KFUNCDOC_VMLINUX_H),_build/vmlinux-h) _build/boot/programs
endif
	PYTHONPATH=tests $(BIN)/python -m boot $(or $(KERNELS),$(KFUNCDOC_KERNELS),_build/kernels) \
	  $(or $(OBJECTS),_build/boot/programs) --loader _build/boot/loader --results _build/boot/results $(BOOTOPTS)

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

# Writes what real kernels have to tests/observed/.  KERNELS is a folder of source trees and images.
observe: $(VENV)/.test
	@test -n "$(KERNELS)" || { echo "say where the kernels are: make observe KERNELS=DIR" >&2; exit 2; }
	$(BIN)/python tests/observe.py $(KERNELS)

clean:
	rm -rf _build $(VENV) .venv-matrix

.PHONY: all $(BUILDERS) test quick check matrix kernel-docs programs boot browser bench bench-site screenshots observe clean
