# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which changes of a kfunc its callers notice: the one place that decides it, for pages, ``diff``, feed and audit.

::

    an event ``changed`` of a history --is_noticed, is_move_only, shown_fields--> what is said of it, and where

Callers notice a change if it is declared ``breaking``, which the record defines as: libbpf or the verifier refuses an
unmodified program, or the program behaves differently.  They also have to know it if the kfunc should not be called
before the change (``avoid_before``).
"""

from __future__ import annotations

from typing import Any, Iterable

from kfuncdoc.record.lifecycle import Facts, undone
from kfuncdoc.record.model import Changed, Event
from kfuncdoc.views.allowed import FILTER_FIELDS, filter_in_words

#: The flags that speak to the verifier alone: a program is written the same with and without them.
#: ``KF_IMPLICIT_ARGS``: the verifier passes arguments that programs do not, see ``Documentation/bpf/kfuncs.rst``.
_VERIFIER_FLAGS = frozenset({"KF_IMPLICIT_ARGS"})

#: The field that says where the kernel's source defines the kfunc.  No caller notices that it moves.
_SOURCE = "source"

#: The fields that say which programs may call.  A change of these alone takes the kfunc from some callers, and asks
#: nothing more of the others.
_FIELDS_OF_CALLERS = FILTER_FIELDS | {"program_types", "flags", _SOURCE}


def is_noticed(event: Event) -> bool:
    """Whether someone who calls the kfunc wants to know of *event*; of every event but some changes, they do."""
    return not isinstance(event, Changed) or event.breaking or event.avoid_before


def is_move_only(event: Event) -> bool:
    """Whether *event* says only that the source moved.  Such an event is not shown."""
    if not isinstance(event, Changed) or is_noticed(event) or event.note or event.behaviour:
        return False
    return set(undone(event)) == {_SOURCE}


def shown_fields(event: Event) -> dict[str, Any]:
    """Return the fields that *event* changed, with their values before it, without the place of the source."""
    return {name: value for name, value in undone(event).items() if name != _SOURCE}


def flags_for_callers(flags: Iterable[str]) -> list[str]:
    """Return *flags*, in order, without those that speak to the verifier alone."""
    return [flag for flag in flags if flag not in _VERIFIER_FLAGS]


def only_limits_callers(event: Event, after: Facts) -> bool:
    """Whether *event*, after which *after* holds, did nothing but limit who may call, and a filter says to whom."""
    before = undone(event)
    added = set(flags_for_callers(after.flags)) - set(before.get("flags", after.flags))
    return bool(filter_in_words(after)) and set(before) <= _FIELDS_OF_CALLERS and not added
