# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Words that reports share; pages have templates for theirs."""

from __future__ import annotations

from kfuncdoc.lifecycle import Lifecycle
from kfuncdoc.prose import as_words
from kfuncdoc.releases import When
from kfuncdoc.views import Replacement


def when_in_words(when: When) -> str:
    """Return the release of an event, with what is not certain about it."""
    if when.after:
        return f"{when.by} at the latest, after {when.after}"
    return f"{when.by} or before" if when.uncertain else str(when.by)


def announced(lifecycle: Lifecycle) -> str:
    """Return what is announced of a kfunc that is deprecated."""
    plan = lifecycle.plan
    assert plan is not None
    to = "another prototype" if plan.kind == "change" else "removal"
    if plan.end is None:
        when = "no release is announced"
    else:
        when = f"announced for {plan.governing.said}"
        if plan.governing.renumbered:
            when += f", which is {plan.end}"
        if lifecycle.past_due:
            when += f", past due in {lifecycle.release}"
    return f"deprecated since {plan.since.by}: {to}, {when}"


def replacement_in_words(replacement: Replacement) -> str:
    """Return what to call, or to do, instead, with the case that it is for."""
    words = replacement.name or (as_words(replacement.other.text) if replacement.other else "")
    return f"{words.rstrip('.')} ({as_words(replacement.when.text)})" if replacement.when else words
