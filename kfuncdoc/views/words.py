# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Words that reports share; pages have templates for theirs."""

from __future__ import annotations

from typing import Optional

from kfuncdoc.kernels.releases import When
from kfuncdoc.record.lifecycle import Lifecycle, Plan


def when_in_words(when: When) -> str:
    """Return the release of an event, with what is not certain about it."""
    if when.after:
        return f"{when.by} at the latest, after {when.after}"
    return f"{when.by} or before" if when.uncertain else str(when.by)


def planned(plan: Plan) -> str:
    """Return what a deprecation announces."""
    to = "another prototype" if plan.kind == "change" else "removal"
    if plan.end is None:
        when = "no release is announced"
    else:
        when = f"announced for {plan.governing.said}"
        if plan.governing.renumbered:
            when += f", which is {plan.end}"
    return f"deprecated since {when_in_words(plan.since)}: {to}, {when}"


def announced(lifecycle: Lifecycle) -> str:
    """Return what is announced of a kfunc that is deprecated."""
    assert lifecycle.plan is not None
    late = f", past due in {lifecycle.release}" if lifecycle.past_due else ""
    return planned(lifecycle.plan) + late


def gone_in_words(removed: When, plan: Optional[Plan], superseded: Optional[When]) -> str:
    """Return since when a kfunc is gone, and what had announced it: the *plan* that was open, or a successor."""
    if plan is not None:
        notice = f"deprecated since {when_in_words(plan.since)}"
    else:
        notice = f"superseded since {when_in_words(superseded)}" if superseded else "without notice"
    return f"gone from {when_in_words(removed)}, {notice}"
