# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The facts of kernels: those of a release, and those of a kernel that was observed."""

from __future__ import annotations

import datetime
import re
from typing import Optional

import pytest

from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf import arithmetic
from kfuncdoc.bpf.conditions import (
    KERNEL_VERSION,
    AsBuilt,
    Comparison,
    Computed,
    CoreOutcome,
    GlobalsCheckedWhereCalled,
    KfuncFound,
    OptionalPartsCount,
)
from kfuncdoc.compat.facts import KernelFacts
from kfuncdoc.compat.kernels import Kernel, KernelRecord
from kfuncdoc.kernels.core_types import CoreTypes
from kfuncdoc.kernels.observation import KernelFunctions
from kfuncdoc.kernels.packaged import load_calendar
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load

ARGUMENTS = CoreOutcome("type_exists", "struct", "scx_bpf_select_cpu_and_args")
OTHER = CoreOutcome("type_exists", "struct", "other")


@pytest.fixture(scope="module")
def record() -> KernelRecord:
    return KernelRecord.whole(load(find([str(packaged("data"))])), datetime.date(2026, 11, 26))


def released(record: KernelRecord, name: str, **more) -> KernelFacts:
    return KernelFacts(record, record.kernel(record.snapshot.calendar[name]), {}, **more)


def observed(record: KernelRecord, version: str, release: Optional[str] = None, **more) -> KernelFacts:
    functions = KernelFunctions(version, {}, False, **more)
    return KernelFacts(record, Kernel(version, record.snapshot.calendar[release] if release else None, functions), {})


def at_least(major: int, minor: int, point: int = 0) -> Comparison:
    return Comparison(Computed(KERNEL_VERSION), arithmetic.GREATER_OR_EQUAL, (major << 16) + (minor << 8) + point, 32)


def test_a_release_stands_for_all_its_stable_kernels(record):
    facts = released(record, "v6.12")
    assert [facts(at_least(6, 12)), facts(at_least(6, 12, 20)), facts(at_least(6, 13))] == [True, None, False]


@pytest.mark.parametrize(("version", "expected"), [
    ("6.12.19", False), ("6.12.20", True), ("6.12.300", True),
    # Vendors count in another place, which libbpf reads.
    ("6.12.0-45", None), ("6.12-rc3", None), ("6.11.9", False),
])  # fmt: skip
def test_an_observed_kernel_has_its_own_version(record, version, expected):
    assert observed(record, version)(at_least(6, 12, 20)) is expected


def test_a_kernel_without_a_version_and_other_settings_are_not_known(record):
    assert KernelFacts(record, Kernel("BTF", None), {})(at_least(6, 12)) is None
    setting = Comparison(Computed("CONFIG_HZ"), arithmetic.GREATER, 100, 32)
    assert released(record, "v6.12")(setting) is None


def test_types_of_a_release_are_those_of_the_record(record):
    assert [released(record, name)(ARGUMENTS) for name in ("v6.18", "v6.19", "v7.3")] == [False, True, True]
    assert released(record, "v7.3")(OTHER) is None


def test_types_of_an_observed_kernel_count_more_than_the_record(record):
    assert observed(record, "7.3.4", "v7.3", outcomes={ARGUMENTS: False, OTHER: True})(ARGUMENTS) is False
    assert observed(record, "7.3.4", "v7.3", outcomes={OTHER: True})(OTHER) is True
    lacking = observed(record, "7.3.4", "v7.3", lacking=frozenset({ARGUMENTS, OTHER}))
    # A module may have the other one.
    assert (lacking(ARGUMENTS), lacking(OTHER)) == (False, None)


@pytest.mark.parametrize(("name", "expected"), [("v6.7", False), ("v6.8", True)])
def test_global_functions_are_checked_where_they_are_called_from_v6_8_on(record, name, expected):
    assert released(record, name)(GlobalsCheckedWhereCalled()) is expected
    assert KernelFacts(record, Kernel("BTF", None), {})(GlobalsCheckedWhereCalled()) is None


def test_what_the_caller_says(record):
    facts = KernelFacts(record, Kernel("BTF", None), {"bpf_one": True})
    assert [facts(KfuncFound("bpf_one")), facts(KfuncFound("bpf_two"))] == [True, None]
    assert facts.without("bpf_one")(KfuncFound("bpf_one")) is False
    assert [facts(AsBuilt("limit")), facts.with_constants_set()(AsBuilt("limit"))] == [True, None]
    assert [facts(OptionalPartsCount()), released(record, "v7.3", optional=True)(OptionalPartsCount())] == [False, True]


# -- data/core_types.yaml


def test_every_structure_of_arguments_is_in_the_record_with_its_kfunc(record):
    """Programs test for ``struct NAME_args`` to learn whether the kernel has the kfunc."""
    structures = {}
    for name, entry in record.snapshot.catalog.entries.items():
        for structure in re.findall(r"struct (\w+_args)\b", entry[1].kfunc.prototype):
            newest = record.snapshot.lifecycle(name)
            assert newest is not None
            assert newest.first_added is not None
            structures[structure] = newest.first_added.by.name
    assert len(structures) >= 2
    types = {known.name: known.came.by.name for known in record.core_types.types if not known.member}
    assert structures.items() <= types.items()


@pytest.mark.parametrize("entry", [
    {"type": "union x", "since": "v6.1"}, {"type": "struct", "since": "v6.1"}, {"type": "struct x"},
])  # fmt: skip
def test_a_broken_entry_is_refused(entry):
    with pytest.raises((ValueError, KeyError)):
        CoreTypes.from_mapping({"types": [entry]}, load_calendar())


def test_a_range_of_releases_leaves_what_is_between_open():
    calendar = load_calendar()
    entry = {"type": "struct thing", "member": "wide", "since": "v6.12..v6.16"}
    types = CoreTypes.from_mapping({"types": [entry]}, calendar)
    asked = CoreOutcome("field_exists", "struct", "thing", ("wide (int)",))
    outcomes = [types.outcome(asked, calendar[name]) for name in ("v6.12", "v6.13", "v6.15", "v6.16")]
    assert outcomes == [False, None, None, True]
    assert (
        types.outcome(CoreOutcome("field_exists", "struct", "thing", ("wide (int)", "x (int)")), calendar["v6.16"])
        is None
    )
