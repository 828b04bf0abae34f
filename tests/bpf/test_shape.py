# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Prototypes as libbpf compares them, of C and of BTF."""

from __future__ import annotations

import pytest
from btf_builder import FLOAT, FWD, TYPE_TAG, UNION, VOLATILE, Types
from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.shape import compatible, shape_of
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.lifecycle import facts_after
from kfuncdoc.record.load import load
from kfuncdoc.scan.binary.btf import Btf
from kfuncdoc.scan.errors import Unscannable


def alike(one: str, other: str) -> bool:
    return compatible(shape_of(one), shape_of(other))


@pytest.mark.parametrize(
    ("prototype", "shape"),
    [
        ("void f(void)", ("function", "void")),
        ("int f(u64 a, bool b, char c, size_t d)", ("function", *["integer"] * 5)),
        ("unsigned long long f(unsigned int a)", ("function", "integer", "integer")),
        ("struct a *f(const struct b **p)", (
            "function", ("pointer", "struct"), ("pointer", ("pointer", "struct")),
        )),
        ("union a *f(enum b e, void *p)", (
            "function", ("pointer", "union"), "enum", ("pointer", "void"),
        )),
        ("int f(int (callback)(void *map, int *key))", (
            "function", "integer",
            ("pointer", ("function", "integer", ("pointer", "void"), ("pointer", "integer"))),
        )),
        ("int f(char name[16])", ("function", "integer", ("pointer", "integer"))),
        ("double f(float x)", ("function", "other", "other")),
        ("int f(some_type_t x, ...)", ("function", "integer", None, "void")),
    ],
)  # fmt: skip
def test_shapes(prototype, shape):
    assert shape_of(prototype) == shape


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("int f(u32 x)", "s64 f(bool x)", True),
        ("int f(struct a *p)", "int f(const struct b *p)", True),
        ("int f(struct a *p)", "int f(union a *p)", False),
        ("int f(struct a *p)", "int f(void *p)", False),
        ("int f(struct a *p)", "int f(u64 p)", False),
        ("int f(enum a x)", "int f(u32 x)", False),
        ("void f(int x)", "int f(int x)", False),
        ("int f(int x)", "int f(int x, int y)", False),
        ("int f(void)", "int f(void *ctx)", False),
        ("int f(some_type_t x)", "int f(struct a *p)", True),
        ("int f(int (cb)(void *p))", "int f(int (*cb)(void *p))", True),
        ("int f(int (cb)(void *p))", "int f(int (cb)(void *p, int x))", False),
        ("double f(void)", "double f(void)", False),
    ],
)
def test_what_is_compatible(one, other, expected):
    assert alike(one, other) is expected
    assert alike(other, one) is expected


def test_every_prototype_of_the_record():
    """All have a shape, which is compatible with itself, and of which next to nothing is unknown."""
    unknown = set()
    for _, declaration in load(find([str(packaged("data"))])).declarations:
        for index in range(len(declaration.kfunc.history)):
            prototype = facts_after(declaration.kfunc, index).prototype
            assert alike(prototype, prototype)
            unknown |= {declaration.name} if "None" in repr(shape_of(prototype)) else set()
    # The type of their callbacks is a typedef.
    assert {name for name in unknown if not name.startswith("bpf_task_work_schedule_")} == set()


# -- of BTF


@pytest.mark.parametrize("order", ["little", "big"])
def test_shapes_of_btf(order):
    types = Types(order)
    number = types.int()
    thing = types.struct("thing")
    qualified = types.const(types.add(VOLATILE, what=types.add(TYPE_TAG, "rcu", types.typedef("thing_t", thing))))
    callback = types.proto(number, [("", types.ptr(0))])
    parameters = [
        ("a", types.typedef("u64", types.int("long long unsigned int", 8))),
        ("b", types.ptr(qualified)),
        ("c", types.ptr(callback)),
        ("d", types.struct("u", kind=UNION)),
        ("e", types.ptr(types.add(FWD, "opaque"))),
        ("f", types.add(FLOAT, "float", 4)),
        ("g", types.array(number, 4)),
        ("", 0),
    ]
    function = types.func("f", 0, parameters)
    assert Btf(types.blob(), "vmlinux").shape_of(function) == (
        "function", "void", "integer", ("pointer", "struct"),
        ("pointer", ("function", "integer", ("pointer", "void"))),
        "union", ("pointer", "forward"), "other", ("array", "integer"), "void",
    )  # fmt: skip


def test_an_integer_at_an_odd_bit():
    types = Types()
    odd = types.add(1, "odd", 4, (3 << 16 | 5,))
    function = types.func("f", odd)
    assert Btf(types.blob(), "vmlinux").shape_of(function) == ("function", "other")


def test_pointers_without_end():
    types = Types()
    number = types.ptr(1)
    function = types.func("f", number)
    btf = Btf(types.blob(), "vmlinux")
    assert not compatible(btf.shape_of(function), btf.shape_of(function))


def test_a_typedef_of_itself():
    types = Types()
    number = types.typedef("t", 1)
    function = types.func("f", number)
    with pytest.raises(Unscannable, match="goes round in a circle"):
        Btf(types.blob(), "vmlinux").shape_of(function)


SHAPES = st.recursive(
    st.sampled_from(["void", "integer", "struct", "union", "enum", "forward", None]),
    lambda inner: st.one_of(
        st.tuples(st.just("pointer"), inner),
        st.lists(inner, min_size=1, max_size=4).map(lambda each: ("function", *each)),
    ),
    max_leaves=8,
)


@given(SHAPES, SHAPES)
def test_compatible_is_mutual(one, other):
    assert compatible(one, one)
    assert compatible(one, other) is compatible(other, one)
