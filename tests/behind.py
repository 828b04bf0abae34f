# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Conditions of calls, written shortly: ``behind_tests("bpf_found", "bpf_missed")``."""

from __future__ import annotations

from kfuncdoc.bpf.conditions import ALWAYS, Condition, ConditionTable, Fact, KfuncFound


def behind_tests(found: str = "", missed: str = "") -> Condition:
    """Return the condition of a call behind tests that found some kfuncs and missed others, by names with spaces."""
    return behind(*map(KfuncFound, found.split()), lacking=tuple(map(KfuncFound, missed.split())))


def behind(*facts: Fact, lacking: tuple[Fact, ...] = ()) -> Condition:
    """Return the condition that a kernel has *facts*, and none of those *lacking*."""
    table, condition = ConditionTable(), ALWAYS
    for fact in facts:
        condition = table.both(condition, table.of(fact))
    for fact in lacking:
        condition = table.both(condition, table.negated(table.of(fact)))
    return condition
