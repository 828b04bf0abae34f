# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The record that comes with kfuncdoc is true of every kernel in ``observed/``.

Those files are what ``make observe`` scanned from real kernels, so that no kernel is needed here.
"""

from __future__ import annotations

import dataclasses
import functools
import re

import pytest
from declared import ROOT, TESTS

from kfuncdoc.base.diagnostics import Rule, Severity, as_text
from kfuncdoc.base.resources import packaged
from kfuncdoc.kernels.observation import Kind, Observation, Registration, from_json
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load
from kfuncdoc.upkeep.verify import verify

OBSERVED = TESTS / "observed"
#: The kernels, by release, and how many kfuncs each has; source trees first: they have all there is.
TREES = {"v6.1": 43, "v6.12": 201, "v7.2": 334, "v7.3": 349}
IMAGES = ["v6.16", "v6.17", "v6.18", "v6.19", "v7.0", "v7.1"]


@functools.cache
def catalog():
    return load(find([str(packaged("data"))]))


@functools.cache
def observed(release: str) -> Observation:
    return from_json((OBSERVED / f"{release}.json").read_text(encoding="utf-8"))


def findings(observation: Observation, release: str):
    return verify(catalog(), observation, catalog().calendar[release])


def test_these_kernels_were_observed():
    assert sorted(path.stem for path in OBSERVED.iterdir()) == sorted([*TREES, *IMAGES])


@pytest.mark.parametrize("release", [*TREES, *IMAGES])
def test_the_record_is_true_of(release):
    wrong = [as_text(found) for found in findings(observed(release), release) if found.severity is not Severity.INFO]
    assert wrong == []


@pytest.mark.parametrize(("release", "count"), TREES.items())
def test_a_source_tree_has_every_kfunc(release, count):
    tree = observed(release)
    assert (tree.kind, tree.release, len(tree.kfuncs)) == (Kind.TREE, release, count)
    for kfunc in tree.kfuncs:
        assert kfunc.prototype, kfunc.name
        assert kfunc.source, kfunc.name
        assert kfunc.program_types, kfunc.name


@pytest.mark.parametrize("release", IMAGES)
def test_an_image_has_prototypes_and_flags(release):
    image = observed(release)
    assert (image.kind, image.release) == (Kind.IMAGE, release)
    assert len(image.kfuncs) > 200
    assert [kfunc.name for kfunc in image.kfuncs if not (kfunc.prototype and kfunc.flags is not None)] == []


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_what_is_said_of_the_record_is_true(page):
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    alive, gone = re.search(r"the (\d+) of v7.3 and (\d+) that are gone", text).groups()
    assert int(alive) == len(observed("v7.3").kfuncs)
    assert int(gone) == len(catalog().entries) - len(observed("v7.3").kfuncs)


# That the record agrees proves something only if a difference would be told.


def changed(release: str, which: str, **fields) -> Observation:
    """Return what was observed of *release*, with other *fields* of the kfunc *which*."""
    kernel = observed(release)
    kfuncs = tuple(dataclasses.replace(kfunc, **fields) if kfunc.name == which else kfunc for kfunc in kernel.kfuncs)
    return dataclasses.replace(kernel, kfuncs=kfuncs)


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"name": "bpf_task_novel"}, Rule.UNDECLARED),
        ({"prototype": "int bpf_task_acquire(void)"}, Rule.PROTOTYPE_DIFFERS),
        ({"registrations": (Registration("s", (), ("BPF_PROG_TYPE_XDP",)),)}, Rule.FLAGS_DIFFER),
        ({"registrations": (Registration("s", (), ("BPF_PROG_TYPE_XDP",)),)}, Rule.REGISTRATIONS_DIFFER),
        ({"source": "kernel/bpf/other.c"}, Rule.SOURCE_DIFFERS),
        ({"module": "other"}, Rule.MODULE_DIFFERS),
        ({"depends_on": "OTHER"}, Rule.CONFIGURATION_DIFFERS),
    ],
)
@pytest.mark.parametrize("release", [release for release in TREES if release != "v6.1"])
def test_a_difference_would_be_told(release, fields, rule):
    assert rule in {found.rule for found in findings(changed(release, "bpf_task_acquire", **fields), release)}


@pytest.mark.parametrize("release", TREES)
def test_what_is_gone_would_be_told(release):
    kernel = observed(release)
    told = findings(dataclasses.replace(kernel, kfuncs=()), release)
    assert {found.rule for found in told} == {Rule.ABSENT}
    assert len(told) == len(kernel.kfuncs)
