# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The code on the pages of the record, as of a few releases: it compiles, and calls what its comments say.

What kernels have is what the record says, and where a kernel was looked into, what was found there.
"""

from __future__ import annotations

import datetime
import re
from functools import cache
from pathlib import Path
from typing import Iterator, Mapping, Optional

import pytest
from compiler import HERE, Compiler
from guarded import program_of

from kfuncdoc.audit.engine import AuditRequest, run
from kfuncdoc.audit.findings import AuditRule
from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.objects import BpfObject, Extern, essential_name
from kfuncdoc.bpf.shape import FORWARD, STRUCT, Shape, compatible, shape_of
from kfuncdoc.compat.kernels import KernelRecord
from kfuncdoc.compat.snippets import Snippet, Snippets
from kfuncdoc.kernels.observation import from_json
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.scan.binary.objects import read_objects
from kfuncdoc.views.kfunc import KfuncViews

TODAY = datetime.date(2026, 11, 26)
OBSERVED = HERE.parent / "observed"
#: A release as of which pages may speak, and how many snippets there are at least.
RELEASES = [("v7.3", 40), ("v7.0", 30), ("v6.12", 12)]

_RUN = r"v\d+\.\d+(?: to v\d+\.\d+)?"
#: A comment that begins with kernels, and the flavour that is called behind it, where one is.
_BRANCH = re.compile(
    rf"/\* (?:Nothing to call on )?(?P<on>{_RUN}(?:(?:, | and ){_RUN})*)\b(?:(?!\*/).)*\*/\n"
    r"(?:\tif \(bpf_ksym_exists\((?P<flavour>\w+)\))?",
    re.DOTALL,
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(find([str(packaged("data"))]))


@pytest.fixture(scope="module", params=RELEASES, ids=lambda param: param[0])
def shown(request, catalog) -> tuple[Release, Mapping[str, Snippet]]:
    """The snippets of the pages as of a release."""
    name, least = request.param
    snippets = Snippets(KernelRecord(KfuncViews(Snapshot(catalog, catalog.calendar[name], TODAY))))
    found = {kfunc: snippets.of(kfunc) for kfunc in catalog.entries}
    there = {kfunc: snippet for kfunc, snippet in found.items() if snippet is not None and snippet.code}
    assert len(there) >= least
    return catalog.calendar[name], there


@pytest.fixture(scope="module")
def compiled(shown, compiler: Compiler, tmp_path_factory) -> BpfObject:
    """All of them in one object, each called from a program of its own."""
    codes = sorted({snippet.code for snippet in shown[1].values()})
    source: Path = tmp_path_factory.mktemp("snippets") / "snippets.bpf.c"
    source.write_text(program_of(codes, compiler), encoding="utf-8")
    done = compiler.run(source, "-g", "-Wall", "-Wextra", "-Werror", output="snippets.bpf.o")
    assert (done.returncode, done.stderr) == (0, "")
    (found,) = read_objects(str(compiler.output / "snippets.bpf.o"))
    assert len(found.programs) == len(codes)
    return found


def said(snippet: Snippet, catalog: Catalog) -> Iterator[tuple[Optional[str], Release]]:
    """Yield each flavour with each release on which a comment says that it is called; None where nothing is."""
    for branch in _BRANCH.finditer(snippet.code):
        for kernels in re.findall(_RUN, branch["on"]):
            first, _, last = kernels.partition(" to ")
            for release in catalog.calendar.between(catalog.calendar[first], catalog.calendar[last or first]):
                yield branch["flavour"], release


def test_each_loads_on_every_kernel(shown, compiled, catalog):
    """On older ones, too, which have nothing of it."""
    record = KernelRecord(KfuncViews(Snapshot(catalog, shown[0], TODAY)))
    (report,) = run(AuditRequest([compiled], record, record.kernels)).objects
    # The section "any" does not tell what the programs may call.
    assert (report.breaks, report.unsure) == ((), ())
    assert {finding.rule for finding in report.findings if finding.counts} <= {AuditRule.CHANGED, AuditRule.CANNOT_TELL}


def test_each_kernel_that_it_is_for_is_in_one_comment(shown, catalog):
    for kfunc, snippet in shown[1].items():
        first, _, last = snippet.kernels.partition(" to ")
        releases = catalog.calendar.between(catalog.calendar[first], catalog.calendar[last or first])
        assert sorted(release for _, release in said(snippet, catalog)) == list(releases), kfunc
        assert releases[-1] == shown[0]


def test_each_call_is_of_what_the_kernels_have(shown, compiled, catalog):
    """The prototypes that clang made of the declarations are those of the kernels named, as libbpf compares them."""
    snapshot, externs = Snapshot(catalog, shown[0], TODAY), {extern.name: extern for extern in compiled.externs}
    called: set[str] = set()
    for kfunc, snippet in shown[1].items():
        for flavour, release in said(snippet, catalog):
            if flavour is not None:
                called.add(flavour)
                declared = snapshot.lifecycle_at(essential_name(flavour), release)
                assert declared is not None
                assert declared.state.present
                assert fits(externs[flavour], declared.facts.prototype), (kfunc, flavour, release.name)
    announced = {name for name in externs if name.endswith("___announced")}
    assert called | announced == externs.keys()
    assert all(extern.weak for extern in externs.values())
    for name in announced:
        newest = snapshot.lifecycle(essential_name(name))
        assert newest is not None
        assert newest.plan is not None
        assert fits(externs[name], newest.plan.becomes or "")


def test_on_real_kernels_each_finds_what_to_call(shown, compiled, catalog):
    """A stable kernel may have got a later prototype: the snippet has that one, too."""
    externs = {extern.name: extern for extern in compiled.externs}
    found = 0
    for kfunc, snippet in shown[1].items():
        declared = re.findall(r"bpf_ksym_exists\((\w+)\)", snippet.code)
        for flavour, release in said(snippet, catalog):
            prototype = observed(release.name).get(essential_name(flavour)) if flavour is not None else None
            if prototype is not None:
                same = [externs[each] for each in declared if essential_name(each) == essential_name(flavour or "")]
                assert any(fits(each, prototype) for each in same), (kfunc, flavour, release.name)
                found += 1
    assert found >= len(shown[1]) // 2


def fits(extern: Extern, prototype: str) -> bool:
    """Whether libbpf finds *extern* where a kernel has the kfunc with *prototype*."""
    return compatible(_defined(extern.shape), shape_of(prototype))


def _defined(shape: Shape) -> Shape:
    """Return *shape* with structures where there are declarations of some: clang keeps not every definition."""
    if isinstance(shape, tuple):
        return tuple(map(_defined, shape))
    return STRUCT if shape == FORWARD else shape


@cache
def observed(release: str) -> Mapping[str, Optional[str]]:
    """Return the prototypes of the kfuncs of a real kernel of *release*; none where none was looked into."""
    path = OBSERVED / f"{release}.json"
    if not path.exists():
        return {}
    return {each.name: each.prototype for each in from_json(path.read_text(encoding="utf-8")).kfuncs}
