# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The public Python API: its page is run as a doctest, and importing it brings little."""

from __future__ import annotations

import datetime
import doctest
import inspect
import json
import os
import subprocess
import sys
import typing

import pytest
from declared import ROOT, entry, subsystem, write_files
from object_builder import Object, call, leave

import kfuncdoc

TODAY = "2026-11-28"


def test_the_examples_of_the_guide(tmp_path, monkeypatch):
    written = Object()
    task = written.types.ptr(written.types.struct("task_struct", (("pid", written.int),)))
    u64 = written.types.int("unsigned long long", 8)
    parameters = [("p", task), ("dsq_id", u64), ("slice", u64), ("enq_flags", u64)]
    written.extern("scx_bpf_dispatch", parameters=parameters)
    written.function("struct_ops/enqueue", "sched_enqueue", [call("scx_bpf_dispatch"), leave()])
    (tmp_path / "sched.bpf.o").write_bytes(written.elf())
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs" / "reference" / "api.rst"
    failed, tried = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert (failed, tried > 15) == (0, True)


@pytest.mark.parametrize("name", kfuncdoc.__all__)
def test_each_name_is_there_and_described(name):
    assert getattr(kfuncdoc, name).__doc__
    assert name in dir(kfuncdoc)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'kfuncdoc' has no attribute 'lod'"):
        kfuncdoc.lod  # noqa: B018  (asked for)


@pytest.mark.process
def test_importing_brings_little():
    """Neither the record nor a library: the names are imported when they are used."""
    code = "import kfuncdoc, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    modules = json.loads(done.stdout)
    assert [name for name in modules if name.startswith("kfuncdoc")] == ["kfuncdoc"]
    assert not {"sphinx", "docutils", "jinja2", "yaml", "pydantic", "elftools"} & set(modules)


@pytest.mark.process
def test_the_api_needs_neither_sphinx_nor_the_libraries_of_scans():
    code = (
        "import json, sys, kfuncdoc\n"
        "catalog = kfuncdoc.load()\n"
        "kfuncdoc.export(kfuncdoc.snapshot(catalog, 'v7.3', '2026-11-28'))\n"
        "kfuncdoc.diff(catalog, 'v6.12', 'v7.3')\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert not {"sphinx", "docutils", "elftools", "tree_sitter", "ruamel", "zstandard"} & set(json.loads(done.stdout))


def test_declarations_of_ones_own(tmp_path):
    (path,) = write_files(tmp_path, {"demo": subsystem(entry("bpf_a", "release: v6.2, event: added"))})
    for catalog in (kfuncdoc.load(path), kfuncdoc.load(tmp_path), kfuncdoc.load(os.path.dirname(path), path)):
        assert list(catalog.entries) == ["bpf_a"]
    with pytest.raises(FileNotFoundError, match="there is no file or folder 'nowhere'"):
        kfuncdoc.load("nowhere")


def test_days_are_dates_or_text(monkeypatch):
    catalog = kfuncdoc.load()
    for date in (TODAY, datetime.date(2026, 11, 28)):
        assert kfuncdoc.snapshot(catalog, date=date).date == datetime.date(2026, 11, 28)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert kfuncdoc.snapshot(catalog).release.name == "v6.6"


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda catalog: kfuncdoc.snapshot(catalog, "v9.9"), "ReferenceUnknown", "'v9.9' is no release that exists"),
        (lambda catalog: kfuncdoc.snapshot(catalog, date="tomorrow"), "ReferenceUnknown", "'tomorrow' is no date"),
        (lambda catalog: kfuncdoc.diff(catalog, "v7.3", "v6.12"), "KernelUnknown", "v7.3 comes after v6.12"),
        (
            lambda catalog: kfuncdoc.audit_objects([], catalog=catalog, kernels=["6.12"]),
            "KernelUnknown",
            "write v6.12",
        ),
    ],
)
def test_what_cannot_be_asked(ask, error, message):
    assert issubclass(getattr(kfuncdoc, error), ValueError)
    with pytest.raises(getattr(kfuncdoc, error), match=message):
        ask(kfuncdoc.load())


def test_the_day_plays_no_part_in_a_difference(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "x")
    difference = kfuncdoc.diff(kfuncdoc.load(), "v6.16", "v6.17")
    assert "scx_bpf_consume" in [entry.name for entry in difference.entries]


def test_one_path_and_one_kernel_are_not_taken_for_their_letters(tmp_path):
    path = tmp_path / "a.bpf.o"
    path.write_bytes(Object().elf())
    for paths in (path, str(path), [path]):
        objects, unreadable = kfuncdoc.read_objects(paths)
        assert ([bpf_object.path for bpf_object in objects], unreadable) == ([str(path)], [])
        for kernels in ("v6.12", ["v6.12"]):
            report = kfuncdoc.audit_objects(paths, kernels=kernels)
            assert [audited.object.path for audited in report.objects] == [str(path)]
            assert [kernel.name for kernel in report.kernels] == ["v6.12"]


def test_the_loader_of_an_audit(tmp_path):
    path = tmp_path / "a.bpf.o"
    path.write_bytes(Object().elf())
    assert [kfuncdoc.audit_objects(path, loader=loader).loader.title for loader in ("libbpf", "cilium")] == [
        "libbpf",
        "cilium/ebpf",
    ]
    with pytest.raises(ValueError, match="there is no loader 'aya': known are libbpf, cilium"):
        kfuncdoc.audit_objects(path, loader="aya")


@pytest.mark.parametrize("name", [name for name in kfuncdoc.__all__ if inspect.isfunction(getattr(kfuncdoc, name))])
def test_types_of_functions_can_be_asked_for(name):
    assert "return" in typing.get_type_hints(getattr(kfuncdoc, name))


def test_the_package_says_that_it_has_types():
    assert (ROOT / "kfuncdoc" / "py.typed").is_file()
