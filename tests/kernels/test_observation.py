# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Observations: what is concluded from sets, and the file that keeps them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc.kernels.observation import (
    Kind,
    Observation,
    ObservationUnusable,
    ObservedKfunc,
    Registration,
    Remark,
    as_json,
    as_text,
    from_json,
)

TRACING, XDP, SYSCALL = "BPF_PROG_TYPE_TRACING", "BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_SYSCALL"


def kfunc(*registrations: Registration, **fields) -> ObservedKfunc:
    return ObservedKfunc("bpf_one", registrations=registrations, **fields)


def test_the_flags_are_those_of_most_program_types():
    both = kfunc(Registration("one", ("KF_ACQUIRE",), (TRACING,)), Registration("two", ("KF_RCU",), (XDP, SYSCALL)))
    assert both.flags == ("KF_RCU",)
    assert both.flags_for == {TRACING: ("KF_ACQUIRE",)}
    assert both.program_types == (TRACING, XDP, SYSCALL)


def test_a_program_type_is_told_once():
    assert kfunc(Registration("one", (), (XDP, TRACING)), Registration("two", (), (XDP,))).program_types == (
        XDP,
        TRACING,
    )


def test_a_set_that_is_registered_for_nothing_decides_nothing():
    filtered = kfunc(Registration("cpu_only", (), ()), Registration("one", ("KF_RCU",), (XDP,)))
    assert filtered.flags == ("KF_RCU",)
    assert filtered.flags_for == {}


def test_what_an_image_cannot_tell_is_none():
    assert (kfunc().flags, kfunc().flags_for, kfunc().program_types) == (None, None, None)
    image = kfunc(Registration(None, ("KF_RCU",)))
    assert (image.flags, image.flags_for, image.program_types) == (("KF_RCU",), None, None)


@pytest.mark.parametrize(
    ("kernel", "release", "point"),
    [("7.3.4", "v7.3", 4), ("6.12.107+deb13-amd64", "v6.12", 107), ("7.3", "v7.3", 0), ("7.4.0-rc2", "v7.4", 0)],
)
def test_a_kernel_belongs_to_a_release(kernel, release, point):
    observation = Observation(Kind.IMAGE, kernel)
    assert (observation.release, observation.point) == (release, point)


def test_a_kernel_that_does_not_tell_belongs_to_none():
    assert (Observation(Kind.IMAGE).release, Observation(Kind.IMAGE, "next").release) == (None, None)


FULL = Observation(
    Kind.TREE,
    "7.3.4",
    (
        ObservedKfunc(
            "bpf_one",
            "int bpf_one(void)",
            (Registration("set", ("KF_RCU",), (TRACING,), "some_filter", ("Qdisc_ops",)), Registration("bare", (), ())),
            "net/one.c",
            12,
            "NET && INET",
            "one",
            True,
            ("samples/one.bpf.c",),
        ),
        ObservedKfunc("bpf_two", depends_on="", module=""),
    ),
    {TRACING: "tracing"},
    (Remark("net/one.c", 3, "to be removed in v7.5", "bpf_one"),),
    (Remark("net/two.c", 4, "what is this?"),),
)


def test_the_file_has_a_line_for_each_kfunc():
    assert as_json(FULL).splitlines()[1:] == [
        '{"name": "bpf_one", "prototype": "int bpf_one(void)", "registrations": [{"set": "set", "flags": ["KF_RCU"], '
        '"program_types": ["BPF_PROG_TYPE_TRACING"], "filter": "some_filter", "struct_ops": ["Qdisc_ops"]}, '
        '{"set": "bare", "program_types": []}], "source": "net/one.c", "line": 12, "depends_on": "NET && INET", '
        '"module": "one", "documented": true, "callers": ["samples/one.bpf.c"]},',
        '{"name": "bpf_two", "depends_on": "", "module": ""}',
        "]}",
    ]


def test_the_compact_file_lacks_what_is_not_compared():
    compact = from_json(as_json(FULL, compact=True))
    assert (compact.announcements, compact.remarks) == ((), ())
    assert [(each.line, each.documented, each.callers) for each in compact.kfuncs] == [(None, None, ())] * 2
    assert [each.prototype for each in compact.kfuncs] == ["int bpf_one(void)", None]
    assert compact.hooks == FULL.hooks


NAMES = st.text("abc_", min_size=1, max_size=4)
WORDS = st.lists(NAMES, max_size=3).map(tuple)
REGISTRATIONS = st.builds(Registration, st.none() | NAMES, WORDS, st.none() | WORDS, st.none() | NAMES, WORDS)
KFUNCS = st.builds(
    ObservedKfunc,
    NAMES, st.none() | NAMES, st.lists(REGISTRATIONS, max_size=2).map(tuple), st.none() | NAMES,
    st.none() | st.integers(1, 9), st.none() | st.just("") | NAMES, st.none() | st.just("") | NAMES,
    st.none() | st.booleans(), WORDS,
)  # fmt: skip


@given(st.builds(Observation, st.sampled_from(Kind), st.none() | NAMES, st.lists(KFUNCS, max_size=3).map(tuple)))
def test_what_is_written_is_read_back(observation):
    assert from_json(as_json(observation)) == observation


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Invalid JSON"),
        ("[]", "Input should be"),
        ('{"format": 2, "kind": "tree"}', "format: Input should be 1"),
        ('{"kind": "moon"}', "kind: Input should be 'tree' or 'image'"),
        ('{"kind": "tree", "kfuncs": [{"name": 3}]}', "kfuncs.0.name: Input should be a valid string"),
        ('{"kind": "tree", "kfuncs": [{}]}', "kfuncs.0"),
        ("[" * 100000, "Invalid JSON"),
    ],
)
def test_a_file_that_is_no_observation_is_refused(text, told):
    with pytest.raises(ObservationUnusable) as caught:
        from_json(text)
    assert str(caught.value).startswith("this is no observation of a kernel: ")
    assert told in str(caught.value)


def test_text_for_a_terminal():
    assert as_text(FULL) == (
        "int bpf_one(void);\n"
        "    set: KF_RCU: BPF_PROG_TYPE_TRACING; filter some_filter\n"
        "    bare: no flags\n"
        "    net/one.c:12; module one; NET && INET\n"
        "    called by samples/one.bpf.c\n"
        "\n"
        "bpf_two\n"
        "\n"
        "Announced in comments:\n"
        "net/one.c:3: bpf_one: to be removed in v7.5\n"
        "\n"
        "2 kfuncs in Linux 7.3.4, source tree\n"
    )
