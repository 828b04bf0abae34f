# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The record for machines: one JSON document, versioned, sorted and deterministic.

::

    KfuncViews --exported--> Export --export--> JSON text

The models below are the format: the export is made of them, and ``kfuncdoc schema export`` prints their JSON Schema.
Within one ``format``, no field is removed or gets another meaning.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, Optional, Sequence

from pydantic import BaseModel, ConfigDict, Field

from kfuncdoc.bpf.callers import AllowedCaller
from kfuncdoc.kernels.releases import When
from kfuncdoc.record.lifecycle import Plan
from kfuncdoc.record.stability import Stability
from kfuncdoc.views.kfunc import KfuncView, KfuncViews
from kfuncdoc.views.replacement import Replacements

FORMAT = 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dated(_Record):
    """A release and the day by which it was out."""

    release: str = Field(description="The release; of a range the last, by which it had happened.")
    date: str = Field(description="Its day, ISO 8601.")
    uncertain: bool = Field(description="Whether the release is that of a range: it may have been an earlier one.")
    after: Optional[str] = Field(None, description="The release in which it had not happened yet, where that is known.")


class ExportedReplacement(_Record):
    """One thing to call instead."""

    name: Optional[str] = Field(None, description="A kfunc.")
    other: Optional[str] = Field(None, description="What is no kfunc, in words (reStructuredText).")
    when: Optional[str] = Field(None, description="In which case (reStructuredText).")


class Deprecation(_Record):
    """An open deprecation."""

    since: str = Field(description="The release of the announcement.")
    since_date: str = Field(description="The day of that release.")
    kind: Literal["removal", "change", "undecided"] = Field(description="What is to happen.")
    removal: Optional[str] = Field(description="The release in which it is to happen, as the calendar has it.")
    removal_announced: Optional[str] = Field(description="The release as it was announced.")
    past_due: bool = Field(description="Whether that release is reached.")
    remaining_releases: Optional[int] = Field(description="How many releases from now; null where undecided.")
    expected: Optional[tuple[str, str]] = Field(description="The first and the last day on which it may come.")
    becomes: Optional[str] = Field(description="The prototype after a change.")
    reason: Optional[str] = Field(description="Why (reStructuredText).")
    said_in: Optional[str] = Field(description="Where the kernel says it.")


class ExportedCaller(_Record):
    """One kind of program that a filter lets call a kfunc; an empty list, and null, limit nothing."""

    program_type: Optional[str] = Field(description="Its program type.")
    except_program_types: tuple[str, ...] = Field(description="The program types that it has not.")
    attach_types: tuple[str, ...] = Field(description="Its attach type is one of these.")
    struct_ops: tuple[str, ...] = Field(description="It is a callback of one of these structures.")
    callbacks: tuple[str, ...] = Field(description="It is one of these members of the structures.")
    lsm_hooks: tuple[str, ...] = Field(description="It is on one of these LSM hooks, without ``bpf_lsm_``.")
    except_lsm_hooks: tuple[str, ...] = Field(description="It is on no one of these LSM hooks.")


class ExportedKfunc(_Record):
    """One kfunc as of the release."""

    name: str = Field(description="The name that BPF programs call.")
    subsystem: str = Field(description="The short name of its subsystem.")
    summary: Optional[str] = Field(description="What it does (reStructuredText).")
    prototype: str = Field(description="As BPF programs call it.")
    flags: tuple[str, ...] = Field(description="The flags it is registered with.")
    program_types: tuple[str, ...] = Field(description="What it is registered for; any, where BPF_PROG_TYPE_UNSPEC.")
    allowed: Optional[tuple[ExportedCaller, ...]] = Field(
        description="The programs that its filter lets call it; null if it has no filter, empty if none may call it."
    )
    enforced_by: Literal["verifier", "run-time"] = Field(
        description="Who refuses the others: the verifier, or the kernel at run time, when the call is made."
    )
    filter: Optional[str] = Field(description="What else its filter asks for (reStructuredText).")
    stability: Literal["not yet", "present", "deprecated", "removed"] = Field(description="Its state.")
    recorded: str = Field(description="The release as of which this entry speaks.")
    first_added: Optional[Dated] = Field(description="When the name first came.")
    added: Optional[Dated] = Field(description="When its present or last stretch began.")
    removed: Optional[Dated] = Field(description="The first release without it.")
    deprecated: Optional[Deprecation] = Field(description="The deprecation that is open.")
    renamed_to: Optional[str] = Field(description="The same function under its new name.")
    replacement: tuple[ExportedReplacement, ...] = Field(description="What to call instead.")
    no_replacement: Optional[str] = Field(description="Why nothing replaces it (reStructuredText).")
    superseded_by: tuple[ExportedReplacement, ...] = Field(description="A successor, where no end is announced.")
    history: tuple[dict[str, Any], ...] = Field(description="The events up to the release, as declared.")


class Export(_Record):
    """The whole record."""

    format: Literal[1] = Field(description="The version of this format.")
    release: str = Field(description="The release as of which the record speaks.")
    date: str = Field(description="The day as of which it speaks, ISO 8601.")
    kfuncs: tuple[ExportedKfunc, ...] = Field(description="Every kfunc, sorted by name.")


def export(views: KfuncViews) -> str:
    """Return the export of *views* as JSON text; the same input gives the same bytes."""
    return exported(views).model_dump_json(indent=2) + "\n"


def exported(views: KfuncViews) -> Export:
    """Return the models of the export: every kfunc of *views*, sorted by name."""
    known = (views.view(name) for name in sorted(views.catalog.entries))
    kfuncs = tuple(_kfunc(view) for view in known if view is not None)
    return Export(format=FORMAT, release=views.release.name, date=views.date.isoformat(), kfuncs=kfuncs)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the export."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Export.model_json_schema(mode="serialization")}


def _kfunc(view: KfuncView) -> ExportedKfunc:
    lifecycle = view.lifecycle
    replacements = Replacements() if view.superseded else view.replacement
    renamed_to = next((replacement.name for replacement in replacements.said if replacement.is_renamed), None)
    return ExportedKfunc(
        name=view.name,
        subsystem=view.subsystem.header.subsystem,
        summary=view.kfunc.summary,
        prototype=view.facts.prototype,
        flags=view.facts.flags,
        program_types=view.facts.program_types,
        allowed=_callers(view.facts.allowed),
        enforced_by=view.facts.enforced_by,
        filter=view.facts.filter,
        stability=lifecycle.stability.value,
        recorded=lifecycle.release.name,
        first_added=_dated(lifecycle.first_added),
        added=_dated(lifecycle.added),
        removed=_dated(lifecycle.removed),
        deprecated=_deprecation(view, view.plan) if view.plan and lifecycle.stability is Stability.DEPRECATED else None,
        renamed_to=renamed_to,
        replacement=_exported(replacements),
        no_replacement=replacements.no_replacement.text if replacements.no_replacement else None,
        superseded_by=_exported(view.replacement) if view.superseded else (),
        history=tuple(
            step.event.model_dump(exclude_unset=True, exclude_none=False, mode="json") for step in lifecycle.steps
        ),
    )


def _callers(allowed: Optional[Sequence[AllowedCaller]]) -> Optional[tuple[ExportedCaller, ...]]:
    if allowed is None:
        return None
    return tuple(ExportedCaller(**dataclasses.asdict(caller)) for caller in allowed)


def _dated(when: Optional[When]) -> Optional[Dated]:
    if when is None:
        return None
    return Dated(
        release=when.by.name,
        date=when.by.date.isoformat(),
        uncertain=when.uncertain,
        after=when.after.name if when.after else None,
    )


def _deprecation(view: KfuncView, plan: Plan) -> Deprecation:
    end = plan.end
    return Deprecation(
        since=plan.since.by.name,
        since_date=plan.since.by.date.isoformat(),
        kind="undecided" if end is None else plan.kind,
        removal=end.name if end else None,
        removal_announced=plan.governing.said if end else None,
        past_due=view.lifecycle.past_due,
        remaining_releases=view.lifecycle.remaining_releases,
        expected=(end.earliest.isoformat(), end.date.isoformat()) if end else None,
        becomes=plan.becomes,
        reason=plan.reason,
        said_in=plan.said_in,
    )


def _exported(replacements: Replacements) -> tuple[ExportedReplacement, ...]:
    """Return the replacements as declared, without a new name, which has the field ``renamed_to``."""
    return tuple(
        ExportedReplacement(
            name=replacement.name,
            other=replacement.other.text if replacement.other else None,
            when=replacement.case.text if replacement.case else None,
        )
        for replacement in replacements.said
        if not replacement.is_renamed
    )
