# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Selections: which kfuncs a table shows, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from kfuncdoc.kernels.releases import When
from kfuncdoc.pages.columns import DEFAULT_COLUMNS
from kfuncdoc.record.stability import BADGES, PAST_DUE, SUPERSEDED
from kfuncdoc.views.kfunc import KfuncView, KfuncViews

#: The orders of a table.
ORDERS = ("name", "declared", "added", "urgency", "removed")

#: The values of a selection by stability; ``superseded`` means a kfunc that is present and has a successor.
STABILITIES = tuple(badge for badge in BADGES if badge != PAST_DUE)


@dataclass(frozen=True)
class Selection:
    """Which kfuncs a table shows, with which columns and in which order; None means no restriction."""

    stability: Optional[tuple[str, ...]] = None
    past_due: bool = False
    subsystem: Optional[tuple[str, ...]] = None
    added: Optional[str] = None
    deprecated: Optional[str] = None
    removed: Optional[str] = None
    program_type: Optional[str] = None
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    order: str = "name"


def select(pages: KfuncViews, selection: Selection) -> tuple[KfuncView, ...]:
    """Return the kfuncs that *selection* selects, in its order."""
    chosen = [view for view in pages.kfuncs if _is_selected(view, selection)]
    if selection.order == "name":
        chosen.sort(key=lambda view: view.name.lstrip("_"))
    elif selection.order == "added":
        chosen.sort(key=lambda view: (-_position(view.lifecycle.added), view.name))
    elif selection.order == "urgency":
        chosen.sort(key=_urgency)
    elif selection.order == "removed":
        chosen.sort(key=lambda view: (-_position(view.lifecycle.removed), view.name))
    return tuple(chosen)


def _is_selected(view: KfuncView, selection: Selection) -> bool:
    lifecycle = view.lifecycle
    states = {view.stability} | ({SUPERSEDED} if view.superseded else set())
    since = {
        "added": [stretch.added for stretch in lifecycle.state.stretches],
        "deprecated": [view.plan.since] if view.plan else [],
        "removed": [stretch.removed for stretch in lifecycle.state.stretches if stretch.removed],
    }
    return (
        (selection.stability is None or bool(states & set(selection.stability)))
        and (not selection.past_due or lifecycle.past_due)
        and (selection.subsystem is None or view.subsystem.header.subsystem in selection.subsystem)
        and (selection.program_type is None or view.may_call(selection.program_type))
        and all(
            getattr(selection, name) in (None, *(when.by.name for when in happened)) for name, happened in since.items()
        )
    )


def _position(when: Optional[When]) -> int:
    return when.by.position if when is not None else 0


def _urgency(view: KfuncView) -> tuple[bool, int, int, str]:
    """The key that sorts deprecated kfuncs: the longest past due first, then by remaining time, undecided last."""
    end = view.end
    remaining = view.lifecycle.remaining_releases
    return (remaining is None, remaining or 0, end.position if end else 0, view.name)
