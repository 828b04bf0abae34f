# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What libbpf reads from the names of sections: program type, attach type, LSM hook, and whether programs may sleep."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc.bpf.program_types import PROGRAM_TYPES
from kfuncdoc.bpf.sections import _SECTIONS, NO_ATTACH_TYPE, ProgramSection, program_section


class Definition(NamedTuple):
    """One definition of libbpf, as ``libbpf_sections.txt`` lists it."""

    name: str
    program_type: str
    attach_type: str
    sleeps: str

    @property
    def takes_attach_point(self) -> bool:
        return self.name.endswith("+")

    def facts(self, optional: bool = False, attach_point: Optional[str] = None) -> ProgramSection:
        attach_type: Optional[str] = NO_ATTACH_TYPE if self.attach_type == "-" else self.attach_type
        if self.program_type in ("EXT", "STRUCT_OPS"):
            attach_type = None  # the program that is replaced decides, or the member
        hook = attach_point if self.program_type == "LSM" else None
        return ProgramSection(
            f"BPF_PROG_TYPE_{self.program_type}", self.sleeps == "sleeps", optional, attach_type, hook
        )


LINES = (Path(__file__).parent / "libbpf_sections.txt").read_text(encoding="utf-8").splitlines()
DEFINITIONS = [Definition(*line.split()) for line in LINES if not line.startswith("#")]
WITH_ATTACH_POINT = [definition for definition in DEFINITIONS if definition.takes_attach_point]


def test_all_definitions_of_libbpf_are_there():
    assert len(DEFINITIONS) == 116
    names = " ".join(names for by_attach_type in _SECTIONS.values() for names in by_attach_type.values()).split()
    # A name with ".s" stands for two sections.
    assert len(names) + sum(name.rstrip("+").endswith(".s") for name in names) == len(DEFINITIONS)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.name)
def test_a_section_of_each_definition(definition):
    name = definition.name.rstrip("+")
    assert program_section(name) == definition.facts()
    assert program_section(f"?{name}") == definition.facts(optional=True)


@given(st.sampled_from(WITH_ATTACH_POINT), st.text(min_size=1), st.booleans())
def test_an_attach_point_changes_nothing_but_the_lsm_hook(definition, attach_point, optional):
    name = f"{'?' * optional}{definition.name[:-1]}/{attach_point}"
    assert program_section(name) == definition.facts(optional, attach_point)


@given(st.text())
def test_any_text_has_facts_and_an_attach_type_only_with_a_program_type(name):
    facts = program_section(name)
    assert facts.optional == name.startswith("?")
    if facts.program_type is None:
        assert (facts.sleepable, facts.attach_type, facts.lsm_hook) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "program_type", "sleepable"),
    [
        ("tp/syscalls/sys_enter_kill", "TRACEPOINT", False),
        ("uprobe.multi.s//proc/self/exe:main", "KPROBE", True),
        # Other loaders, and libbpf before 1.0, compare only the beginning.
        ("tc/anything", "SCHED_CLS", False),
    ],
)
def test_names_with_more_than_one_part(name, program_type, sleepable):
    assert program_section(name)[:3] == (f"BPF_PROG_TYPE_{program_type}", sleepable, False)


@pytest.mark.parametrize(
    ("name", "hook"),
    [
        ("lsm/file_open", "file_open"),
        ("lsm.s/file_open", "file_open"),
        ("?lsm_cgroup/socket_bind", "socket_bind"),
        ("lsm", None),
        ("lsm/", None),
        ("fentry/file_open", None),
    ],
)
def test_lsm_hooks(name, hook):
    assert program_section(name).lsm_hook == hook


@pytest.mark.parametrize("name", [".text", "maps", "xdp_prog", "kprobes/x", "", "cgroup", "cgroup/nothing"])
def test_what_says_nothing(name):
    assert program_section(name) == (None, None, False, None, None)


def test_all_are_program_types():
    assert {f"BPF_PROG_TYPE_{short}" for short in _SECTIONS} <= set(PROGRAM_TYPES)
