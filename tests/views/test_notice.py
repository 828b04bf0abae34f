# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which changes callers notice, decided in one place."""

from __future__ import annotations

from typing import Any

import pytest

from kfuncdoc.record.lifecycle import Facts
from kfuncdoc.record.model import Added, Changed
from kfuncdoc.views.notice import flags_for_callers, is_move_only, is_noticed, only_limits_callers, shown_fields

FACTS = Facts("void f(void)", ("KF_RCU",), {}, ("BPF_PROG_TYPE_XDP",), None, "verifier", "a.c", None, None, "Only XDP.")


def changed(**fields: Any) -> Changed:
    return Changed.model_validate({"release": "v7.0", "event": "changed", **fields})


@pytest.mark.parametrize(
    ("event", "noticed", "move_only"),
    [
        (Added.model_validate({"release": "v7.0", "event": "added"}), True, False),
        (changed(breaking=True, was={"source": "b.c"}), True, False),
        (changed(avoid_before=True, behaviour="It no longer fails."), True, False),
        (changed(was={"source": "b.c"}), False, True),
        (changed(was={"source": "b.c"}, note="With its set."), False, False),
        (changed(was={"source": "b.c"}, behaviour="It is quicker."), False, False),
        (changed(was={"source": "b.c", "module": "m"}), False, False),
        (changed(was={"flags": ["KF_RCU"]}), False, False),
    ],
)
def test_what_is_noticed_and_what_only_moved(event, noticed, move_only):
    assert (is_noticed(event), is_move_only(event)) == (noticed, move_only)


def test_fields_and_flags_that_are_shown():
    assert shown_fields(changed(was={"source": "b.c", "module": "m"})) == {"module": "m"}
    assert flags_for_callers(("KF_RCU", "KF_IMPLICIT_ARGS", "KF_ACQUIRE")) == ["KF_RCU", "KF_ACQUIRE"]


@pytest.mark.parametrize(
    ("was", "flags", "expected"),
    [
        ({"filter": None}, ("KF_RCU",), True),
        ({"allowed": None}, ("KF_RCU",), True),
        ({"enforced_by": "run-time"}, ("KF_RCU",), True),
        ({"program_types": [], "flags": ["KF_RCU"], "source": "b.c"}, ("KF_RCU", "KF_IMPLICIT_ARGS"), True),
        ({"flags": []}, ("KF_RCU",), False),
        ({"prototype": "void f(int x)"}, ("KF_RCU",), False),
    ],
)
def test_a_change_that_only_limits_who_may_call(was, flags, expected):
    facts = Facts(**{**vars(FACTS), "flags": flags})
    event = changed(was=was)
    assert only_limits_callers(event, facts) is expected
    assert not only_limits_callers(event, Facts(**{**vars(facts), "filter": None}))
