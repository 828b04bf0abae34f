# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whatever passes as a prototype can be declared in a header and called in a guard."""

from __future__ import annotations

import pytest
from declared import CALENDAR, TODAY, catalog_of, entry, subsystem
from hypothesis import HealthCheck, example, given, settings
from prototypes import prototypes

from kfuncdoc.compat.guards import GuardedCall, guard
from kfuncdoc.compat.header import header
from kfuncdoc.compat.kernels import KernelRecord
from kfuncdoc.record.variants import Variant


@pytest.mark.fuzz
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prototypes("bpf_one"), prototypes("bpf_one"))
@example("int bpf_one(int (*cb)(int (*inner)(a, b)))", "int bpf_one(int [3], ...)")
@example("int bpf_one(void)", "int bpf_one(c_t __arena (*)[4], c_t *__arena (*x)[4])")
def test_header_and_guard_take_any_prototype(tmp_path, before, now):
    changed = f"release: v6.18, event: changed, behaviour: It differs., was: {{prototype: '{before}'}}"
    text = entry("bpf_one", "release: v6.6, event: added", changed, prototype=f"'{now}'", flags="[KF_ARENA_ARG1]")
    record = KernelRecord.whole(catalog_of(tmp_path, demo=subsystem(text)), TODAY)
    assert "bpf_one" in header(record, record.kernels)
    choices = [GuardedCall(Variant("bpf_one", prototype, CALENDAR["v6.18"]), "v6.18") for prototype in (now, before)]
    assert "compat_bpf_one(" in guard("bpf_one", choices)
