# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which changes callers notice, decided in one place."""

from __future__ import annotations

from typing import Any

import pytest

from kfuncdoc.record.model import Added, Changed
from kfuncdoc.views.notice import flags_for_callers, is_move_only, is_noticed, shown_fields


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
