# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Addresses of kfuncs: permanent, one a name, and kept by docutils as they are."""

from __future__ import annotations

import re

import pytest
from docutils.nodes import make_id
from hypothesis import assume, given
from hypothesis import strategies as st

from kfuncdoc.record.address import address, plain_address, program_type_address, program_type_page, struct_ops_address

#: Short names over few letters, so that names alike are tried often.
NAMES = st.one_of(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,40}", fullmatch=True),
    st.text(alphabet="ab_u2", min_size=1, max_size=8).filter(lambda name: not name[0].isdigit()),
)


@pytest.mark.parametrize(
    ("name", "expected", "plain"),
    [
        ("bpf_task_acquire", "kfunc-bpf-task-acquire", "kfunc-bpf-task-acquire"),
        ("f", "kfunc-f", "kfunc-f"),
        ("KEEP_case", "kfunc-keep-case", "kfunc-keep-case"),
        ("_f", "kfunc-u1-f", "kfunc-f"),
        ("f_", "kfunc-f-u1", "kfunc-f"),
        ("__scx_bpf_select_cpu_and", "kfunc-u2-scx-bpf-select-cpu-and", "kfunc-scx-bpf-select-cpu-and"),
        ("scx_bpf_dsq_insert___v2", "kfunc-scx-bpf-dsq-insert-u3-v2", "kfunc-scx-bpf-dsq-insert-v2"),
        ("__a__b__", "kfunc-u2-a-u2-b-u2", "kfunc-a-b"),
        ("___", "kfunc-u3", "kfunc"),
    ],
)
def test_underscores_that_docutils_would_lose_are_spelled_out(name, expected, plain):
    assert address(name) == expected
    assert plain_address(name) == plain


@given(NAMES)
def test_docutils_keeps_an_address_as_the_id(name):
    assert make_id(address(name)) == address(name)


@given(NAMES)
def test_the_plain_address_is_what_docutils_makes_of_the_name(name):
    assert plain_address(name) == make_id(f"kfunc-{name}")


def imitates(name: str) -> bool:
    """Whether *name* has a part, such as the ``u2`` of ``f_u2``, that an address would spell underscores by."""
    return re.search(r"(?:^|_)u[0-9]+(?:_|$)", name, re.IGNORECASE) is not None


@given(NAMES, NAMES)
def test_two_names_share_an_address_only_by_letter_case_or_imitation(one, other):
    assume(one.lower() != other.lower())
    assume(not imitates(one) and not imitates(other))
    assert address(one) != address(other)


@pytest.mark.parametrize(("one", "other"), [("f_U", "F_u"), ("__f", "u2_f"), ("f__g", "f_u2_g")])
def test_the_clashes_that_there_are(one, other):
    """The rule address-clash reports them."""
    assert address(one) == address(other)


@pytest.mark.parametrize(
    ("program_type", "page"),
    [
        ("BPF_PROG_TYPE_XDP", "program-type-xdp"),
        ("BPF_PROG_TYPE_LWT_SEG6LOCAL", "program-type-lwt-seg6local"),
        ("BPF_PROG_TYPE_UNSPEC", "program-type-any"),
    ],
)
def test_a_program_type_has_a_page_and_its_address(program_type, page):
    assert program_type_page(program_type) == page
    assert program_type_address(program_type) == f"kfuncs-{page}" == make_id(f"kfuncs-{page}")


def test_struct_ops_have_addresses():
    assert struct_ops_address("tcp_congestion_ops") == "kfuncs-struct-ops-tcp-congestion-ops"
    assert struct_ops_address("Qdisc_ops") == "kfuncs-struct-ops-qdisc-ops"
    assert struct_ops_address("_a__b") == "kfuncs-struct-ops-u1-a-u2-b"
    assert struct_ops_address(None) == "kfuncs-any-struct-ops"
    assert struct_ops_address("any") != struct_ops_address(None)
