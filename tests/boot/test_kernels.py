# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real kernels, the oldest and the newest at hand, say of our own programs what the comments in these say.

``KFUNCDOC_BOOT`` names the folder with what ``make boot`` has built, ``KFUNCDOC_KERNELS`` a folder of kernels.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from boot import agreement
from boot.__main__ import chosen_kernels, measure, options_of
from boot.agreement import Pair, read_known
from boot.images import find_kernels
from boot.machine import HERE
from boot.outcomes import Answer

pytestmark = pytest.mark.kernel


def folder(variable: str) -> Path:
    name = os.environ.get(variable)
    if not name:
        pytest.skip("nothing to boot: name folders in KFUNCDOC_BOOT and KFUNCDOC_KERNELS, or run `make boot`")
    return Path(name).resolve()


@pytest.fixture(scope="module")
def pairs() -> Sequence[Pair]:
    built, kernels = folder("KFUNCDOC_BOOT"), folder("KFUNCDOC_KERNELS")
    options = options_of(
        [str(kernels), str(built / "programs"), "--loader", str(built / "loader"), "--results", str(built / "results"),
         "--ends"]
    )  # fmt: skip
    return measure(options, chosen_kernels(options))


def test_audits_agree_with_the_kernels_but_for_what_is_known(pairs):
    known = read_known(HERE / "known.yaml")
    assert agreement.disagreements(agreement.wrong(pairs, known), known) == ""


def test_the_kernels_say_what_the_programs_are_there_to_show(pairs):
    versions = {kernel.name: kernel.version for kernel in find_kernels(folder("KFUNCDOC_KERNELS"))}
    assert len({pair.kernel for pair in pairs}) == min(len(versions), 2)
    has_modules = {kernel.name: "nf_conntrack" in kernel.modules for kernel in find_kernels(folder("KFUNCDOC_KERNELS"))}
    for pair in pairs:
        # bpf_strlen() came with v6.17.
        loads = {
            "lsm_hold": True,
            "tracing_hold": False,
            "by_version": True,
            "by_constant": True,
            "calls_function": True,
            "on_request": versions[pair.kernel] >= (6, 17),
            "always": True,
            "without_section": False,
            "may_sleep": True,
            "may_not_sleep": False,
            "of_module": has_modules[pair.kernel],
        }
        if pair.program in loads:
            expected = Answer.ACCEPTED if loads[pair.program] else Answer.REFUSED
            assert (pair.program, pair.kernel, pair.reply.answer) == (pair.program, pair.kernel, expected), pair.reply
