# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The loader: from YAML files to a catalog.

Bad data never makes it raise or hang: everything that is wrong in a file becomes a diagnostic.  A wrong declaration
becomes a stub, which has only its name.  A file that cannot be read becomes a subsystem without entries.  The data
passes these steps::

    find -> yaml_text.read -> models, entry by entry -> rules, across entries -> allowances -> Catalog
"""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import gc
import itertools
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Iterator, Mapping, Optional, Sequence, Union

from pydantic import ValidationError

from kfuncdoc.base import yaml_text
from kfuncdoc.base.diagnostics import Diagnostic, KnownNames, Rule, Severity
from kfuncdoc.base.progress import Track
from kfuncdoc.base.yaml_text import Key, KeyPath, Place, SourceFile, Unusable
from kfuncdoc.bpf.callers import AllowedCaller
from kfuncdoc.kernels.flags import FlagMeaning
from kfuncdoc.kernels.hooks import HookMap
from kfuncdoc.kernels.packaged import load_calendar, load_flags, load_hooks
from kfuncdoc.kernels.releases import ReleaseCalendar
from kfuncdoc.record import rules
from kfuncdoc.record.address import address
from kfuncdoc.record.allowances import apply_allowances
from kfuncdoc.record.catalog import Catalog, Declaration, Stub, SubsystemFile
from kfuncdoc.record.declaration_files import is_unreadable_folder, page_name, unreadable_folder
from kfuncdoc.record.form_errors import FormError, form_errors
from kfuncdoc.record.model import CallerGroups, Header, Kfunc, describe, is_name
from kfuncdoc.record.rules import RuleFinding, Subject


def load(
    files: Sequence[str],
    *,
    calendar: Optional[ReleaseCalendar] = None,
    flags: Optional[Mapping[str, FlagMeaning]] = None,
    hooks: Optional[HookMap] = None,
    track: Track = iter,
) -> Catalog:
    """Load *files*, as ``declaration_files.find`` gives them, into one catalog, with every diagnostic, sorted.

    A folder that ``find`` could not read becomes an error, and gives no subsystem.
    *track* wraps the files as they are read, to show progress.
    """
    calendar = calendar or load_calendar()
    flags = load_flags() if flags is None else flags
    hooks = hooks or load_hooks(calendar)
    with _garbage_uncollected():
        return _load(files, calendar, flags, hooks, track)


@contextlib.contextmanager
def _garbage_uncollected() -> Iterator[None]:
    """Switch Python's garbage collector off.

    Loading makes hundreds of thousands of objects, which all stay.  The collector would search them again and again,
    which took a quarter of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _load(
    files: Sequence[str],
    calendar: ReleaseCalendar,
    flags: Mapping[str, FlagMeaning],
    hooks: HookMap,
    track: Track,
) -> Catalog:
    unreadable = [unreadable_folder(path) for path in files if is_unreadable_folder(path)]
    drafts = [_draft(path, calendar) for path in track([path for path in files if not is_unreadable_folder(path)])]
    _report_subsystems_twice(drafts)
    _drop_clashes(drafts)
    _check(drafts, calendar, flags, hooks)
    for draft in drafts:
        if draft.source is not None:
            draft.diagnostics = apply_allowances(draft.source, draft.diagnostics, draft.is_incomplete)
    diagnostics = itertools.chain(unreadable, *(draft.diagnostics for draft in drafts))
    in_order = sorted(diagnostics, key=lambda diagnostic: diagnostic.sort_key)
    return Catalog(calendar, flags, hooks, tuple(draft.finished() for draft in drafts), tuple(in_order))


@dataclass
class _Draft:
    """A file that is being loaded: its entries so far, and its diagnostics."""

    path: str
    header: Header
    calendar: ReleaseCalendar
    source: Optional[SourceFile] = None
    #: Entries by their index in the file.
    entries: dict[int, Union[Declaration, Stub]] = dataclasses.field(default_factory=dict)
    #: The indexes of entries with an error: they are checked with the others, and then reduced to stubs.
    wrong: set[int] = dataclasses.field(default_factory=set)
    diagnostics: list[Diagnostic] = dataclasses.field(default_factory=list)

    def report(self, rule: Rule, place: Place, message: str, hint: str = "") -> None:
        self.diagnostics.append(Diagnostic(self.path, place.line, place.column, rule, message, hint))

    @property
    def declares_subsystem(self) -> bool:
        """Whether the file names its subsystem, in a valid form."""
        value = self.source.value if self.source else None
        return isinstance(value, dict) and value.get("subsystem") == self.header.subsystem

    def reduce_wrong_entries(self) -> None:
        """Replace the wrong entries by stubs, which have only their names."""
        for index in self.wrong & self.entries.keys():
            self.entries[index] = Stub(self.entries[index].name)

    def is_incomplete(self, line: int) -> bool:
        """Whether *line* is in an entry that is a stub or left out: not every rule has checked it."""
        last = bisect.bisect_right(self._first_lines, (line, True)) - 1
        return last >= 0 and self._first_lines[last][1]

    @cached_property
    def _first_lines(self) -> list[tuple[int, bool]]:
        """The first line of each entry, and whether the entry is a stub or left out."""
        entries = self.source.root.nodes.get("kfuncs") if self.source else None
        return sorted(
            (place.line, not (isinstance(index, int) and isinstance(self.entries.get(index), Declaration)))
            for index, place in (entries.places.items() if entries else ())
        )

    def finished(self) -> SubsystemFile:
        entries = tuple(self.entries[index] for index in sorted(self.entries))
        recorded = self.calendar[self.header.recorded]
        return SubsystemFile(self.path, page_name(self.path), self.header, recorded, entries, self.source)


# -- one file


def _draft(path: str, calendar: ReleaseCalendar) -> _Draft:
    stem = page_name(path)
    fallback = Header.model_construct(subsystem=stem, title=stem, recorded=calendar.real[-1].name)
    draft = _Draft(path, fallback, calendar)
    try:
        draft.source = yaml_text.read(path)
    except Unusable as unusable:
        draft.diagnostics.append(unusable.diagnostic)
        return draft
    for twice in draft.source.keys_twice:
        message = f"'{twice.path[-1]}' stands here again, first in line {draft.source.key_place(*twice.path).line}"
        draft.report(Rule.DUPLICATE_KEY, twice.place, message)
    if not isinstance(draft.source.value, dict):
        message = f"a declaration file is a mapping, not {describe(draft.source.value)}"
        draft.report(Rule.WRONG_TYPE, draft.source.root.place, message)
        return draft
    _read_header(draft, draft.source)
    _read_entries(draft, draft.source)
    return draft


def _read_header(draft: _Draft, source: SourceFile) -> None:
    """Validate the subsystem's own fields; a wrong one gets a value from the name of the file."""
    given = {key: value for key, value in source.value.items() if key != "kfuncs"}
    wrong: set[Key] = set()
    try:
        draft.header = Header.model_validate(given)
    except ValidationError as error:
        for form_error in form_errors(source, error, (), Header):
            draft.report(form_error.rule, form_error.place, form_error.message, form_error.hint)
            wrong.update(form_error.keys[:1])
        kept = {key: given[key] for key in given.keys() & Header.model_fields.keys() - wrong}
        draft.header = Header.model_validate({**_minimum(draft.header), **kept})
    for name in ("description", "guidelines"):
        title = rules.title_in(getattr(draft.header, name) or "")
        if title:
            hint = "use a paragraph of its own"
            draft.report(Rule.PROSE_TITLE, source.place(name), f"'{title}' is a section title", hint)
    if not draft.calendar.is_real(draft.header.recorded):
        message = f"{draft.header.recorded} is no release that exists"
        hint = f"the newest release that is known is {draft.calendar.real[-1]}"
        draft.report(Rule.RECORDED_UNKNOWN, source.place("recorded"), message, hint)
        draft.header = draft.header.model_copy(update={"recorded": draft.calendar.real[-1].name})


def _minimum(header: Header) -> dict[str, str]:
    """Return valid fields for a header that was made from the name of a file, which may have any characters."""
    stem = re.sub(r"[^A-Za-z0-9_.-]", "", header.subsystem).lstrip("_.-") or "subsystem"
    title = " ".join(header.title.encode("utf-8", "replace").decode().split()) or stem
    return {"subsystem": stem, "title": title, "recorded": header.recorded}


def _read_entries(draft: _Draft, source: SourceFile) -> None:
    entries = source.value.get("kfuncs")
    if "kfuncs" not in source.value:
        draft.report(Rule.MISSING_KEY, source.root.place, "'kfuncs' is missing")
    elif not isinstance(entries, list):
        draft.report(Rule.WRONG_TYPE, source.place("kfuncs"), f"this should be a list, not {describe(entries)}")
    elif not entries:
        draft.report(Rule.EMPTY_FILE, source.place("kfuncs"), "no kfunc is declared")
    else:
        groups = _caller_groups(draft.header, source)
        for index, entry in enumerate(entries):
            _read_entry(draft, source, index, entry, groups)
        draft.wrong.update(
            int(twice.path[1]) for twice in source.keys_twice if twice.path[0] == "kfuncs" and len(twice.path) > 1
        )
        _report_unused_groups(draft, source)


def _caller_groups(header: Header, source: SourceFile) -> CallerGroups:
    """Return the groups of callers of a file; a wrong one, which is reported, is different from all others."""
    declared = source.value.get("callers")
    names = [name for name in declared if isinstance(name, str)] if isinstance(declared, dict) else []
    return {**{name: (AllowedCaller(callbacks=(name,)),) for name in names}, **header.caller_groups}


def _report_unused_groups(draft: _Draft, source: SourceFile) -> None:
    """Report each group of callers that no kfunc of the file names."""
    unused = dict.fromkeys(draft.header.callers)
    for entry in source.value["kfuncs"]:
        for allowed in _written_callers(entry):
            for item in allowed if isinstance(allowed, list) else ():
                if isinstance(item, str):
                    unused.pop(item, None)
    for name in unused:
        place = source.key_place("callers", name)
        draft.report(Rule.CALLERS_UNUSED, place, f"no kfunc names the group of callers '{name}'")


def _written_callers(entry: Any) -> Iterator[Any]:
    """Yield every value of ``allowed`` in an entry as it is written, whatever it is."""
    if not isinstance(entry, dict):
        return
    yield entry.get("allowed")
    history = entry.get("history")
    for event in history if isinstance(history, list) else ():
        was = event.get("was") if isinstance(event, dict) else None
        if isinstance(was, dict):
            yield was.get("allowed")


def _read_entry(draft: _Draft, source: SourceFile, index: int, entry: Any, groups: CallerGroups) -> None:
    if not isinstance(entry, dict):
        message = f"a kfunc is a mapping, not {describe(entry)}"
        draft.report(Rule.WRONG_TYPE, source.place("kfuncs", index), message)
        return
    try:
        draft.entries[index] = Declaration(Kfunc.model_validate(entry, context=groups), source, index)
        return
    except ValidationError as error:
        errors = list(form_errors(source, error, ("kfuncs", index), Kfunc))
    for form_error in errors:
        draft.report(form_error.rule, form_error.place, form_error.message, form_error.hint)
    draft.wrong.add(index)
    rest = _known_part(entry, errors, groups)
    if rest is not None:
        draft.entries[index] = Declaration(rest, source, index)
    elif isinstance(entry.get("name"), str) and is_name(entry["name"]):
        draft.entries[index] = Stub(entry["name"])


def _known_part(entry: Any, errors: list[FormError], groups: CallerGroups) -> Optional[Kfunc]:
    """Return an entry without its unknown keys, to be checked with the others; None if it has other errors."""
    if any(error.rule is not Rule.UNKNOWN_KEY for error in errors):
        return None
    try:
        return Kfunc.model_validate(_without(entry, [error.keys for error in errors]), context=groups)
    except ValidationError:  # a key is missing beside an unknown key, which is probably a misspelling of it
        return None


def _without(value: Any, paths: list[KeyPath]) -> Any:
    """Return a copy of *value* without the values at *paths*."""
    if not paths:
        return value
    below: dict[Key, list[KeyPath]] = {}
    for first, *rest in paths:
        below.setdefault(first, []).append(tuple(rest))
    items = value.items() if isinstance(value, dict) else enumerate(value)
    kept = {key: _without(item, below.get(key, [])) for key, item in items if () not in below.get(key, [])}
    return kept if isinstance(value, dict) else list(kept.values())


# -- across files


def _report_subsystems_twice(drafts: list[_Draft]) -> None:
    """Report each file that has the same subsystem as an earlier file; its declarations stay in the catalog."""
    places: dict[str, str] = {}
    for draft in drafts:
        name = draft.header.subsystem
        if draft.source is None or not draft.declares_subsystem:
            continue  # the subsystem is only the name of the file
        place = draft.source.place("subsystem")
        if name in places:
            message = f"the subsystem '{name}' has a file already, {places[name]}"
            draft.report(Rule.SUBSYSTEM_TWICE, place, message, "put the kfuncs into one file, or name two subsystems")
        else:
            places[name] = f"{draft.path}:{place.line}:{place.column}"


def _drop_clashes(drafts: list[_Draft]) -> None:
    """Keep only the first declaration of each name, and only the first name of each address."""
    by_name: dict[str, tuple[_Draft, int]] = {}
    by_address: dict[str, tuple[_Draft, int]] = {}
    for draft in drafts:
        for index in sorted(draft.entries):
            name = draft.entries[index].name
            first = by_name.get(name)
            rule, what = Rule.DUPLICATE_KFUNC, f"'{name}' is declared twice"
            if first is None:
                first = by_address.get(address(name))
                if first is not None:
                    other = first[0].entries[first[1]].name
                    rule, what = Rule.ADDRESS_CLASH, f"'{name}' has the address {address(name)}, as '{other}' does"
            if first is None:
                by_name[name] = by_address[address(name)] = (draft, index)
                continue
            place = _name_place(*first)
            message = f"{what}, first in {first[0].path}:{place.line}:{place.column}"
            draft.report(rule, _name_place(draft, index), message)
            del draft.entries[index]


def _name_place(draft: _Draft, index: int) -> Place:
    return draft.source.place("kfuncs", index, "name") if draft.source else Place()


def _check(drafts: list[_Draft], calendar: ReleaseCalendar, flags: Mapping[str, FlagMeaning], hooks: HookMap) -> None:
    """Run the rules over every declaration; an entry with an error becomes a stub."""
    entries = {entry.name: entry for draft in drafts for entry in draft.entries.values()}
    histories = {
        name: rules.replayed(entry.kfunc, calendar) for name, entry in entries.items() if isinstance(entry, Declaration)
    }
    names = KnownNames(entries)
    for draft in drafts:
        recorded = calendar[draft.header.recorded]
        for index, entry in draft.entries.items():
            if not isinstance(entry, Declaration):
                continue
            for finding in rules.check(Subject(entry, recorded, calendar, flags, hooks, entries, histories, names)):
                draft.report(finding.rule, _finding_place(entry, finding), finding.message, finding.hint)
                if finding.rule.severity is Severity.ERROR:
                    draft.wrong.add(index)
    # Only after all checks, because the rules look up all other declarations as they were written.
    for draft in drafts:
        draft.reduce_wrong_entries()


def _finding_place(declaration: Declaration, finding: RuleFinding) -> Place:
    if finding.at_key:
        return declaration.source.key_place("kfuncs", declaration.index, *finding.keys)
    return declaration.place(*finding.keys)
