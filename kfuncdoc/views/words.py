# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Words for releases, deprecations and removals that ``diff``, the feed, audits and C code share.

The templates of pages have words of their own.
"""

from __future__ import annotations

from typing import Optional

from kfuncdoc.kernels.releases import When
from kfuncdoc.record.lifecycle import Lifecycle, Plan


def when_in_words(when: When) -> str:
    """Return the release of an event, with what is uncertain about it: ``v6.12 or before``."""
    if when.after:
        return f"{when.by} at the latest, after {when.after}"
    return f"{when.by} or before" if when.uncertain else str(when.by)


def plan_in_words(plan: Plan) -> str:
    """Return since when a deprecation is open, and what it announces for which release."""
    to = "another prototype" if plan.kind == "change" else "removal"
    if plan.end is None:
        when = "no release is announced"
    else:
        when = f"announced for {plan.governing.said}"
        if plan.governing.renumbered:
            when += f", which is {plan.end}"
    return f"deprecated since {when_in_words(plan.since)}: {to}, {when}"


def announcement_in_words(lifecycle: Lifecycle) -> str:
    """Return what is announced of a deprecated kfunc, and whether that is past due."""
    assert lifecycle.plan is not None
    late = f", past due in {lifecycle.release}" if lifecycle.past_due else ""
    return plan_in_words(lifecycle.plan) + late


def removal_in_words(removed: When, plan: Optional[Plan], superseded: Optional[When]) -> str:
    """Return since when a kfunc is gone, and what announced that: an open *plan*, or a successor *superseded*."""
    if plan is not None:
        notice = f"deprecated since {when_in_words(plan.since)}"
    else:
        notice = f"superseded since {when_in_words(superseded)}" if superseded else "without notice"
    return f"gone from {when_in_words(removed)}, {notice}"
