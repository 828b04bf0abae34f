# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The rules that need more than the form of one value: the calendar, the history, other records.

Each rule is a small function that yields :class:`RuleFinding`; a few rules that search for the same share a function.
:func:`check` runs all of them over one declaration.  No rule reads a clock: a rule that depends on time, such as
``past-due``, uses the release up to which the file is recorded, so that a check gives the same findings on any day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Iterator, Mapping, Optional, Union

from kfuncdoc.base.diagnostics import KnownNames, Rule, nearest
from kfuncdoc.base.yaml_text import Key, KeyPath
from kfuncdoc.bpf.program_types import PROGRAM_TYPES
from kfuncdoc.bpf.prototype import parse_prototype
from kfuncdoc.kernels.flags import FlagMeaning
from kfuncdoc.kernels.hooks import HookMap
from kfuncdoc.kernels.releases import Release, ReleaseCalendar, UnknownRelease
from kfuncdoc.record import model
from kfuncdoc.record.catalog import Declaration, Stub
from kfuncdoc.record.lifecycle import FACTS, Facts, Plan, Step, Stretch, facts_after, facts_at, replay, undone
from kfuncdoc.record.model import Kfunc


@dataclass(frozen=True)
class RuleFinding:
    """One thing that a rule found.  *keys* lead from the entry to the value, or to its key if *at_key*."""

    rule: Rule
    keys: KeyPath
    message: str
    hint: str = ""
    at_key: bool = False


@dataclass(frozen=True)
class Subject:
    """One declaration to check, with everything that the rules need to look up."""

    declaration: Declaration
    recorded: Release
    calendar: ReleaseCalendar
    flags: Mapping[str, FlagMeaning]
    hooks: HookMap
    entries: Mapping[str, Union[Declaration, Stub]]
    #: The replayed histories of all declarations whose releases are all known.
    histories: Mapping[str, tuple[Step, ...]]
    #: The names of all declarations.
    names: KnownNames

    @property
    def kfunc(self) -> Kfunc:
        return self.declaration.kfunc

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.histories.get(self.kfunc.name, ())

    def plan_at(self, name: str, release: Release) -> Optional[Plan]:
        """Return the deprecation of *name* that is open at *release*."""
        happened = [step for step in self.histories.get(name, ()) if step.when.by <= release]
        return happened[-1].after.plan if happened else None


RuleFunction = Callable[[Subject], Iterator[RuleFinding]]


def check(subject: Subject) -> Iterator[RuleFinding]:
    """Run every rule over one declaration; the rules on its history only if all its releases are known."""
    for rule in FORM_RULES:
        yield from rule(subject)
    if subject.steps:
        for rule in HISTORY_RULES:
            yield from rule(subject)


def replayed(kfunc: Kfunc, calendar: ReleaseCalendar) -> tuple[Step, ...]:
    """Return the replayed history of *kfunc*; empty if it names an unknown release."""
    try:
        return tuple(replay(kfunc, calendar))
    except UnknownRelease:
        return ()


# -- names


def prototype_name(subject: Subject) -> Iterator[RuleFinding]:
    prototypes: list[tuple[KeyPath, Optional[str]]] = [(("prototype",), subject.kfunc.prototype)]
    for index, event in enumerate(subject.kfunc.history):
        was = event.get("was")
        prototypes.append((("history", index, "was", "prototype"), was.prototype if was else None))
        prototypes.append((("history", index, "becomes"), event.get("becomes")))
    for keys, text in prototypes:
        declared = parse_prototype(text).name if text else subject.kfunc.name
        if declared != subject.kfunc.name:
            message = f"the prototype declares '{declared}', not '{subject.kfunc.name}'"
            yield RuleFinding(Rule.PROTOTYPE_NAME, keys, message)


def flag_unknown(subject: Subject) -> Iterator[RuleFinding]:
    for keys, flag in _named(subject.kfunc, "flags"):
        if flag not in subject.flags:
            message = f"'{flag}' is no flag that is known"
            yield RuleFinding(Rule.FLAG_UNKNOWN, keys, message, nearest(flag, subject.flags))


def program_type_unknown(subject: Subject) -> Iterator[RuleFinding]:
    for keys, name in _named(subject.kfunc, "program_types"):
        if name not in PROGRAM_TYPES:
            message = f"'{name}' is no program type that is known"
            yield RuleFinding(Rule.PROGRAM_TYPE_UNKNOWN, keys, message, nearest(name, PROGRAM_TYPES))


def _named(kfunc: Kfunc, field: str) -> Iterator[tuple[KeyPath, str]]:
    """Yield every item of *field*, also of its former values, with its keys."""
    records: list[tuple[KeyPath, Union[Kfunc, model.Was]]] = [((), kfunc)]
    for index, event in enumerate(kfunc.history):
        was = event.get("was")
        if was is not None:
            records.append((("history", index, "was"), was))
    for keys, record in records:
        for number, name in enumerate(getattr(record, field) or ()):
            yield (*keys, field, number), name
        for program_type, flags in (record.flags_for or {}).items():
            if field == "program_types":
                yield (*keys, "flags_for", program_type), program_type
            else:
                for number, name in enumerate(flags):
                    yield (*keys, "flags_for", program_type, number), name


# -- callers


def callers_unregistered(subject: Subject) -> Iterator[RuleFinding]:
    for keys, facts in _with_callers(subject.kfunc):
        for caller in facts.allowed or ():
            name, registered = caller.program_type, facts.program_types
            if name and registered and not subject.hooks.may_call(registered, name, subject.recorded):
                message = f"allowed names {name}, and the kfunc is not registered for it"
                yield RuleFinding(Rule.CALLERS_UNREGISTERED, (*keys, "allowed"), message)


def enforced_by_alone(subject: Subject) -> Iterator[RuleFinding]:
    for keys, facts in _with_callers(subject.kfunc):
        if facts.enforced_by != "verifier" and facts.allowed is None:
            message = "enforced_by says who refuses the callers that allowed leaves out, and there is no allowed"
            yield RuleFinding(Rule.CALLERS_CONFLICT, (*keys, "enforced_by"), message, "add allowed")


def _with_callers(kfunc: Kfunc) -> Iterator[tuple[KeyPath, Facts]]:
    """Yield the facts of today, and those before each event that changed the callers, with the keys of each."""
    yield (), facts_after(kfunc, len(kfunc.history) - 1)
    for index, event in enumerate(kfunc.history):
        if undone(event).keys() & {"allowed", "enforced_by"}:
            yield ("history", index, "was"), facts_after(kfunc, index - 1)


# -- releases


def release_unknown(subject: Subject) -> Iterator[RuleFinding]:
    for index, event in enumerate(subject.kfunc.history):
        for name in filter(None, event.release.split("..")):
            if not subject.calendar.is_real(name):
                yield RuleFinding(
                    Rule.RELEASE_UNKNOWN,
                    ("history", index, "release"),
                    f"{name} is no release in which something happened",
                    _what_is_known(name, subject.calendar),
                )
        for keys, name in _announced(event):
            try:
                subject.calendar[name]
            except UnknownRelease:
                message = f"{name} is no release, neither past nor among the next {len(_projected(subject.calendar))}"
                yield RuleFinding(Rule.RELEASE_UNKNOWN, ("history", index, *keys), message)


def _announced(event: model.Event) -> Iterator[tuple[KeyPath, str]]:
    if not isinstance(event, model.Deprecated):
        return
    records: list[tuple[KeyPath, Union[model.Deprecated, model.AlsoSaid]]] = [((), event)]
    records += [(("also_said", number), other) for number, other in enumerate(event.also_said or ())]
    for keys, record in records:
        for kind in ("removal", "change"):
            name = getattr(record, kind)
            if name is not None and name != "undecided":
                yield (*keys, kind), name


def _projected(calendar: ReleaseCalendar) -> tuple[Release, ...]:
    return calendar.releases[len(calendar.real) :]


def _what_is_known(name: str, calendar: ReleaseCalendar) -> str:
    if name in calendar.renumbered:
        return f"{name} became {calendar.renumbered[name]}"
    return f"the newest release that is known is {calendar.real[-1]}"


def range_order(subject: Subject) -> Iterator[RuleFinding]:
    for index, event in enumerate(subject.kfunc.history):
        when = subject.calendar.when(event.release)
        if when.after is not None and when.after >= when.by:
            message = f"{when.after} does not come before {when.by}"
            yield RuleFinding(Rule.RANGE_ORDER, ("history", index, "release"), message)


def recorded_behind(subject: Subject) -> Iterator[RuleFinding]:
    for step in subject.steps:
        if step.when.by > subject.recorded and not step.when.by.projected:
            message = f"this happened in {step.when.by}, and the file is recorded up to {subject.recorded}"
            hint = f"write recorded: {step.when.by} once the file is compared"
            yield RuleFinding(Rule.RECORDED_BEHIND, ("history", step.index, "release"), message, hint)


# -- history


def history_start(subject: Subject) -> Iterator[RuleFinding]:
    first = subject.kfunc.history[0]
    if not isinstance(first, model.Added):
        message = f"a history begins with added, not with {first.event}"
        yield RuleFinding(Rule.HISTORY_START, ("history", 0, "event"), message)


def history_order(subject: Subject) -> Iterator[RuleFinding]:
    for before, step in zip(subject.steps, subject.steps[1:]):
        if step.when.by < before.when.by:
            message = f"{step.when.by} stands after {before.when.by}"
            yield RuleFinding(Rule.HISTORY_ORDER, ("history", step.index, "release"), message)


def event_impossible(subject: Subject) -> Iterator[RuleFinding]:
    for step in subject.steps[1:]:
        kind, before = step.event.event, step.before
        if isinstance(step.event, model.Added):
            wrong = "added, but it is there already" if before.present else ""
        elif not before.present:
            wrong = f"{kind}, but it is not in the kernel then"
        else:
            wrong = "withdrawn, but nothing is deprecated" if kind == "withdrawn" and before.plan is None else ""
        if wrong:
            yield RuleFinding(Rule.EVENT_IMPOSSIBLE, ("history", step.index, "event"), wrong)


def event_empty(subject: Subject) -> Iterator[RuleFinding]:
    for index, event in enumerate(subject.kfunc.history):
        if isinstance(event, model.Changed) and not undone(event) and event.behaviour is None:
            hint = "add was, or behaviour in words"
            yield RuleFinding(Rule.EVENT_EMPTY, ("history", index, "event"), "changed does not say what", hint)


def was_same(subject: Subject) -> Iterator[RuleFinding]:
    now = {name: getattr(subject.kfunc, name) for name in FACTS}
    for index in range(len(subject.kfunc.history) - 1, -1, -1):
        before = undone(subject.kfunc.history[index])
        for name, value in before.items():
            if value == now[name]:
                message = f"{name} is the same after this event"
                yield RuleFinding(Rule.WAS_SAME, ("history", index, "was", name), message)
        now.update(before)


def deprecation_incomplete(subject: Subject) -> Iterator[RuleFinding]:
    """Check the first event of a plan only: a restatement need not repeat its fields."""
    for step in subject.steps:
        event, keys = step.event, ("history", step.index, "event")
        if not isinstance(event, model.Deprecated) or step.before.plan is not None:
            continue
        if event.reason is None:
            yield RuleFinding(Rule.REASON_MISSING, keys, "the deprecation does not say why", "add reason")
        if event.said_in is None:
            hint = "add said_in; where the kernel does not announce it, the event is superseded"
            yield RuleFinding(Rule.SAID_IN_MISSING, keys, "the deprecation does not say where it is announced", hint)
        if event.removal is None and event.change is None:
            hint = "add removal or change with a release, or undecided"
            yield RuleFinding(Rule.END_MISSING, keys, "the deprecation does not say what is to happen", hint)


def end_conflict(subject: Subject) -> Iterator[RuleFinding]:
    for step in subject.steps:
        event = step.event
        if not isinstance(event, model.Deprecated):
            continue
        if event.removal is not None and event.change is not None:
            message = "removal and change cannot both be the end"
            yield RuleFinding(Rule.END_CONFLICT, ("history", step.index, "change"), message, at_key=True)
        plan = step.after.plan
        if event.becomes is not None and plan is not None and plan.kind != "change":
            message = "becomes belongs to a change, and this is a removal"
            yield RuleFinding(Rule.END_CONFLICT, ("history", step.index, "becomes"), message, at_key=True)
        for number, other in enumerate(event.also_said or ()):
            if (other.removal is None) == (other.change is None):
                message = "this should have either removal or change"
                yield RuleFinding(Rule.END_CONFLICT, ("history", step.index, "also_said", number), message)


def end_not_after_deprecation(subject: Subject) -> Iterator[RuleFinding]:
    for step in subject.steps:
        for keys, name in _announced(step.event):
            if subject.calendar[name] <= step.when.by:
                message = f"{name} does not come after {step.when.by}, the release of the deprecation"
                yield RuleFinding(Rule.END_NOT_AFTER_DEPRECATION, ("history", step.index, *keys), message)


def past_due(subject: Subject) -> Iterator[RuleFinding]:
    plan = subject.plan_at(subject.kfunc.name, subject.recorded)
    if plan is not None and plan.end is not None and plan.end <= subject.recorded:
        said = plan.governing
        announced = f"{said.said} (that is {said.release})" if said.renumbered else said.said
        message = f"the {plan.kind} was announced for {announced}, and in {subject.recorded} it has not happened"
        index = plan.origin.get(plan.kind, subject.steps[-1].index)
        yield RuleFinding(Rule.PAST_DUE, ("history", index, plan.kind), message)


# -- replacement


def replacement_missing(subject: Subject) -> Iterator[RuleFinding]:
    for step in subject.steps:
        needed = (
            (isinstance(step.event, model.Deprecated) and step.before.plan is None)
            or (isinstance(step.event, model.Removed) and step.before.plan is None and step.before.superseded is None)
            or isinstance(step.event, model.Superseded)
        )
        if needed and not _replacement_fields(step.event):
            only = isinstance(step.event, model.Superseded)
            hint = "add replacement" if only else "add renamed_to, replacement, or no_replacement with the reason"
            message = f"{step.event.event} does not say what to call instead"
            yield RuleFinding(Rule.REPLACEMENT_MISSING, ("history", step.index, "event"), message, hint)


def replacement_conflict(subject: Subject) -> Iterator[RuleFinding]:
    for index, event in enumerate(subject.kfunc.history):
        given = _replacement_fields(event)
        if len(given) > 1:
            message = f"{' and '.join(given)} exclude each other"
            yield RuleFinding(Rule.REPLACEMENT_CONFLICT, ("history", index, given[1]), message, at_key=True)


def _replacement_fields(event: model.Event) -> list[str]:
    return [name for name in ("renamed_to", "replacement", "no_replacement") if event.get(name)]


def _replacements(event: model.Event) -> Iterator[tuple[KeyPath, str]]:
    """Yield the kfuncs that *event* names as replacements, with their keys."""
    renamed_to = event.get("renamed_to")
    if renamed_to is not None:
        yield ("renamed_to",), renamed_to
    for number, replacement in enumerate(event.get("replacement") or ()):
        if replacement.name is not None:
            yield ("replacement", number), replacement.name


def replacement_unknown(subject: Subject) -> Iterator[RuleFinding]:
    for index, event in enumerate(subject.kfunc.history):
        for keys, name in _replacements(event):
            if name == subject.kfunc.name:
                message = f"'{name}' cannot replace itself"
                yield RuleFinding(Rule.REPLACEMENT_SELF, ("history", index, *keys), message)
            elif name not in subject.entries:
                hint = subject.names.hint(name) or "what is no kfunc is written {other: ...}"
                message = f"replacement '{name}' is not declared"
                yield RuleFinding(Rule.REPLACEMENT_UNKNOWN, ("history", index, *keys), message, hint)


def replacement_absent(subject: Subject) -> Iterator[RuleFinding]:
    for step in subject.steps:
        for keys, name in _replacements(step.event):
            stretches = _stretches(subject, name) if name != subject.kfunc.name else ()
            if stretches and not any(stretch.holds(step.when.by) for stretch in stretches):
                message = f"replacement '{name}' is not in the kernel at {step.when.by}"
                hint = f"it came in {stretches[0].added.by}" if stretches[0].added.by > step.when.by else ""
                yield RuleFinding(Rule.REPLACEMENT_ABSENT, ("history", step.index, *keys), message, hint)


def replacement_no_overlap(subject: Subject) -> Iterator[RuleFinding]:
    own = _stretches(subject, subject.kfunc.name)
    for step in subject.steps:
        for keys, name in _replacements(step.event):
            others = _stretches(subject, name)
            together = (
                release
                for release in subject.calendar.real
                if any(stretch.holds(release) for stretch in own) and any(other.holds(release) for other in others)
            )
            if own and others and next(together, None) is None:
                message = f"no kernel has both '{subject.kfunc.name}' and '{name}'"
                yield RuleFinding(Rule.REPLACEMENT_NO_OVERLAP, ("history", step.index, *keys), message)


def _stretches(subject: Subject, name: str) -> tuple[Stretch, ...]:
    steps = subject.histories.get(name, ())
    return steps[-1].after.stretches if steps else ()


def replacement_cycle(subject: Subject) -> Iterator[RuleFinding]:
    circles: dict[Release, list[str]] = {}
    for step in subject.steps:
        if not isinstance(step.event, model.Deprecated):
            continue
        release = step.when.by
        if release not in circles:
            circles[release] = _circle(subject, subject.kfunc.name, release)
        circle = circles[release]
        if circle:
            keys = next((keys for keys, name in _replacements(step.event) if name == circle[1]), ("event",))
            message = f"the replacements go in a circle: {' -> '.join(circle)}"
            yield RuleFinding(Rule.REPLACEMENT_CYCLE, ("history", step.index, *keys), message)


#: The most kfuncs that are searched for a circle, so that a hostile file does not take quadratic time.
_LONGEST_CHAIN = 30


def _circle(subject: Subject, start: str, release: Release) -> list[str]:
    """Return the kfuncs of a circle of replacements, from *start* back to it, along open removals; else nothing."""
    paths, seen = [[start]], {start}
    while paths and len(seen) < _LONGEST_CHAIN:
        path = paths.pop()
        for name in _announced_replacements(subject, path[-1], release):
            if name == start:
                return [*path, name]
            if name not in seen:
                seen.add(name)
                paths.append([*path, name])
    return []


def _announced_replacements(subject: Subject, name: str, release: Release) -> list[str]:
    """Return the replacements of *name* if its removal is announced; none for an announced change: the kfunc stays."""
    plan = subject.plan_at(name, release)
    if plan is None or plan.kind == "change":
        return []
    return [*filter(None, [plan.renamed_to]), *(other.name for other in plan.replacement if other.name)]


def replacement_deprecated(subject: Subject) -> Iterator[RuleFinding]:
    if not subject.steps[-1].after.present:
        return
    plan, superseded = subject.plan_at(subject.kfunc.name, subject.recorded), subject.steps[-1].after.superseded
    if plan is not None:
        index = plan.origin.get("replacement", 0)
    elif superseded is not None:
        index = superseded
    else:
        return
    for keys, name in _replacements(subject.kfunc.history[index]):
        path = [name]
        onward = _announced_replacements(subject, name, subject.recorded)
        while onward and onward[0] not in path and len(path) < _LONGEST_CHAIN:
            path.append(onward[0])
            onward = _announced_replacements(subject, path[-1], subject.recorded)
        if len(path) > 1 and subject.kfunc.name not in path:
            message = f"replacement '{name}' is itself to be removed"
            hint = "" if onward else f"name '{path[-1]}' instead"
            yield RuleFinding(Rule.REPLACEMENT_DEPRECATED, ("history", index, *keys), message, hint)


def rename_prototype(subject: Subject) -> Iterator[RuleFinding]:
    for step in subject.steps:
        name = step.event.get("renamed_to")
        successor = subject.entries.get(name) if name else None
        if not isinstance(successor, Declaration) or not subject.histories.get(successor.name):
            continue
        last = subject.calendar.before(step.when.by) if isinstance(step.event, model.Removed) else step.when.by
        old = parse_prototype(facts_at(subject.kfunc, subject.calendar, last).prototype)
        new = parse_prototype(facts_at(successor.kfunc, subject.calendar, step.when.by).prototype)
        if (old.returns, old.parameters) != (new.returns, new.parameters):
            message = f"'{name}' has another prototype: {new}"
            yield RuleFinding(Rule.RENAME_PROTOTYPE, ("history", step.index, "renamed_to"), message)


# -- prose


def summary_missing(subject: Subject) -> Iterator[RuleFinding]:
    if subject.kfunc.summary is None:
        yield RuleFinding(Rule.SUMMARY_MISSING, ("name",), f"'{subject.kfunc.name}' has no summary")


def prose_title(subject: Subject) -> Iterator[RuleFinding]:
    for keys, text in prose_of(subject.kfunc):
        title = title_in(text)
        if title:
            yield RuleFinding(Rule.PROSE_TITLE, keys, f"'{title}' is a section title", "use a paragraph of its own")


def prose_of(kfunc: Kfunc) -> Iterator[tuple[KeyPath, str]]:
    """Yield every text of *kfunc* that is reStructuredText, with its keys."""
    yield from _prose_fields(kfunc, ("description", "filter"))
    for number, backport in enumerate(kfunc.backports):
        yield from _prose_fields(backport, ("note",), "backports", number)
    for index, event in enumerate(kfunc.history):
        yield from _prose_fields(event, ("note", "behaviour", "reason", "no_replacement"), "history", index)
        for number, replacement in enumerate(event.get("replacement") or ()):
            yield from _prose_fields(replacement, ("other", "when"), "history", index, "replacement", number)


def _prose_fields(record: model.DeclarationModel, names: tuple[str, ...], *keys: Key) -> Iterator[tuple[KeyPath, str]]:
    for name in names:
        text = record.get(name)
        if text is not None:
            yield (*keys, name), text


_UNDERLINE = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*")


def title_in(text: str) -> str:
    """Return the first section title that docutils would find in *text*, or the empty string.

    A title is a line without indentation, after a blank line, and above a line of one repeated punctuation mark that is
    at least as long.
    """
    lines = ["", *text.split("\n"), ""]
    for before, line, after in zip(lines, lines[1:], lines[2:]):
        title = line.strip()
        if line[:1].isspace() or not title or not _UNDERLINE.fullmatch(after) or _UNDERLINE.fullmatch(line):
            continue
        overlined = bool(_UNDERLINE.fullmatch(before)) and before.strip() == after.strip()
        if (not before.strip() or overlined) and len(after.rstrip()) >= len(title):
            return title
    return ""


FORM_RULES: tuple[RuleFunction, ...] = (
    prototype_name,
    flag_unknown,
    program_type_unknown,
    callers_unregistered,
    enforced_by_alone,
    release_unknown,
    event_empty,
    was_same,
    replacement_conflict,
    replacement_unknown,
    summary_missing,
    prose_title,
)
HISTORY_RULES: tuple[RuleFunction, ...] = (
    range_order,
    recorded_behind,
    history_start,
    history_order,
    event_impossible,
    deprecation_incomplete,
    end_conflict,
    end_not_after_deprecation,
    past_due,
    replacement_missing,
    replacement_absent,
    replacement_no_overlap,
    replacement_cycle,
    replacement_deprecated,
    rename_prototype,
)
