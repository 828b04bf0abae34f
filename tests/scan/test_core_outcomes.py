# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""CO-RE questions: what a relocation asks, and what libbpf answers with the types of a kernel."""

from __future__ import annotations

from typing import Optional

import pytest
from btf_builder import STRUCT, UNION, Types

from kfuncdoc.bpf.conditions import CoreOutcome
from kfuncdoc.scan.binary.btf import ENUM, ENUM64, FWD, Btf
from kfuncdoc.scan.binary.core_outcomes import asked_by, has_candidate, outcome
from kfuncdoc.scan.binary.image import find_functions

FIELD, TYPE, VALUE, MATCHES = 2, 8, 10, 12


def enumeration(types: Types, name: str, *names: str, kind: int = ENUM) -> int:
    size = 2 if kind == ENUM else 3
    words = [word for value in names for word in (types.string(value), *[0] * (size - 1))]
    return types.add(kind, name, 4, tuple(words), len(names))


def program_types() -> tuple[Btf, dict[str, int]]:
    """Return types of a program, and their numbers."""
    types = Types("little")
    integer = types.int()
    numbers = {"thing": 0, "plain": integer}
    deep = types.struct("", (("deep", integer),), kind=UNION)
    inner = types.struct("inner", (("far", integer), ("", deep)))
    numbers["thing"] = types.struct(
        "thing___ours",
        (("first", integer), ("inner", inner), ("", deep), ("list", types.array(integer, 4)), ("to", types.ptr(inner))),
    )
    numbers["value"] = enumeration(types, "kind", "KIND_A", "KIND_B___new")
    numbers["alias"] = types.typedef("alias", numbers["thing"])
    numbers["callback"] = types.typedef("callback", types.ptr(types.proto(0, [])))
    numbers["only declared"] = types.add(FWD, "thing")
    numbers["anonymous"] = types.struct("", (("first", integer),))
    return Btf(types.blob(), "prog.bpf.o"), numbers


@pytest.mark.parametrize(("what", "kind", "access", "expected"), [
    ("thing", TYPE, "0", CoreOutcome("type_exists", "struct", "thing")),
    ("thing", MATCHES, "0", CoreOutcome("type_matches", "struct", "thing")),
    ("only declared", TYPE, "0", CoreOutcome("type_exists", "forward", "thing")),
    ("alias", TYPE, "0", CoreOutcome("type_exists", "typedef", "alias", ("struct",))),
    ("value", VALUE, "1", CoreOutcome("enum_value_exists", "enum", "kind", ("KIND_B",))),
    ("thing", FIELD, "0:0", CoreOutcome("field_exists", "struct", "thing", ("first (int)",))),
    ("thing", FIELD, "0:1:0", CoreOutcome("field_exists", "struct", "thing", ("inner (composite)", "far (int)"))),
    ("thing", FIELD, "0:2:0", CoreOutcome("field_exists", "struct", "thing", ("deep (int)",))),
    ("thing", FIELD, "0:3", CoreOutcome("field_exists", "struct", "thing", ("list (array of int)",))),
    ("thing", FIELD, "0:4", CoreOutcome("field_exists", "struct", "thing", ("to (pointer)",))),
    ("alias", FIELD, "0:0", CoreOutcome("field_exists", "typedef", "alias", ("first (int)",))),
    # What libbpf answers in more ways, or not at all.
    ("thing", FIELD, "0:3:1", None), ("thing", FIELD, "1:0", None), ("thing", FIELD, "0", None),
    ("thing", FIELD, "0:9", None), ("thing", FIELD, "0:2", None), ("thing", FIELD, "", None),
    ("thing", FIELD, "0:x", None), ("value", VALUE, "2", None), ("value", VALUE, "0:1", None),
    ("callback", TYPE, "0", None), ("anonymous", TYPE, "0", None), ("plain", TYPE, "0", None),
    ("thing", 0, "0:0", None), ("thing", 9, "0", None),
])  # fmt: skip
def test_what_a_relocation_asks(what, kind, access, expected):
    btf, numbers = program_types()
    assert asked_by(btf, kind, numbers[what], access) == expected


def kernel_types() -> Types:
    types = Types("little")
    integer = types.int("long", 8)
    deep = types.struct("", (("deep", types.const(integer)),))
    types.struct("thing", (
        ("first", types.ptr(integer)), ("", deep), ("list", types.array(integer, 2)),
        ("kind", enumeration(types, "k2")),
    ))  # fmt: skip
    enumeration(types, "kind", "KIND_A", kind=ENUM64)
    types.typedef("alias", integer)
    types.add(UNION, "both")
    types.add(FWD, "later")
    return types


@pytest.mark.parametrize(("asked", "expected"), [
    (CoreOutcome("type_exists", "struct", "thing"), True),
    (CoreOutcome("type_exists", "union", "thing"), None),
    (CoreOutcome("type_exists", "forward", "thing"), None),
    (CoreOutcome("type_exists", "struct", "later"), None),
    (CoreOutcome("type_exists", "typedef", "alias", ("int",)), True),
    (CoreOutcome("type_exists", "typedef", "alias", ("struct",)), False),
    (CoreOutcome("type_exists", "union", "both"), True),
    (CoreOutcome("type_matches", "struct", "thing"), None),
    (CoreOutcome("enum_value_exists", "enum", "kind", ("KIND_A",)), True),
    (CoreOutcome("enum_value_exists", "enum", "kind", ("KIND_B",)), False),
    (CoreOutcome("enum_value_exists", "enum", "other", ("KIND_A",)), None),
    (CoreOutcome("field_exists", "struct", "thing", ("deep (int)",)), True),
    (CoreOutcome("field_exists", "struct", "thing", ("far (int)",)), False),
    # Members of other kinds are other members to libbpf.
    (CoreOutcome("field_exists", "struct", "thing", ("first (int)",)), False),
    (CoreOutcome("field_exists", "struct", "thing", ("first (pointer)",)), True),
    (CoreOutcome("field_exists", "struct", "thing", ("list (array of int)",)), True),
    (CoreOutcome("field_exists", "struct", "thing", ("list (int)",)), False),
    (CoreOutcome("field_exists", "struct", "thing", ("kind (enum)",)), True),
    (CoreOutcome("field_exists", "struct", "thing", ("kind (enum k2)",)), True),
    (CoreOutcome("field_exists", "struct", "thing", ("kind (enum k3)",)), False),
    (CoreOutcome("field_exists", "struct", "thing", ("deep (int)", "more (int)")), False),
])  # fmt: skip
def test_what_libbpf_answers(asked, expected: Optional[bool], tmp_path):
    blob = kernel_types().blob()
    btf = Btf(blob, "vmlinux")
    assert outcome(btf, asked) is expected
    assert has_candidate(btf, asked) is (expected is not None or asked.question == "type_matches")
    path = tmp_path / "vmlinux"
    path.write_bytes(blob)
    functions = find_functions([str(path)], (), [asked])
    assert functions.outcomes == ({} if expected is None else {asked: expected})
    assert functions.lacking == (frozenset() if has_candidate(btf, asked) else {asked})


def test_types_of_one_name_in_a_base():
    """Split BTF has the strings of its base."""
    base = kernel_types()
    split = Types("little", base)
    split.struct("thing")
    both = Btf(split.blob(), "module", Btf(base.blob(), "vmlinux"))
    assert [both.kind(number) for number in both.named("thing")] == [STRUCT]
