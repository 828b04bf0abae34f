# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Update of declarations to a kernel: the events that make them true of it, written into their files.

::

    Catalog, Observation, release --differences--> events, fields --yaml_edit--> Update --diff or write--> files

Nothing is invented.  What only a person can say (what a new kfunc does, the replacement of one that was removed)
is left open and listed in :attr:`Update.questions`; ``check`` asks for it, too.  The date of an event is the
release if the file was recorded up to the release before it, else the range between the two.
"""

from __future__ import annotations

import difflib
import importlib
import itertools
import os
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence

from pydantic import ValidationError

from kfuncdoc.base import yaml_text
from kfuncdoc.base.diagnostics import Diagnostic, Rule, Severity, as_text
from kfuncdoc.base.files import write_whole
from kfuncdoc.base.progress import Track
from kfuncdoc.base.yaml_edit import Editor, Uneditable
from kfuncdoc.base.yaml_emit import as_block
from kfuncdoc.base.yaml_text import Unusable
from kfuncdoc.bpf.prototype import PrototypeError, parse_prototype
from kfuncdoc.kernels.observation import Kind, Observation, ObservedKfunc
from kfuncdoc.kernels.releases import Release, ReleaseCalendar
from kfuncdoc.record.catalog import Catalog, Declaration, SubsystemFile
from kfuncdoc.record.declaration_files import SUFFIX, page_name
from kfuncdoc.record.lifecycle import FACTS, Facts, State, facts_after, replay
from kfuncdoc.record.model import Header, Kfunc
from kfuncdoc.upkeep.differences import differences, home_of, is_backported, same_to_callers

#: The order of the fields of an entry, also of new ones.
_ORDER = tuple(Kfunc.model_fields)
#: The empty values of lists and mappings; that of a text is null.
_EMPTY: Mapping[str, Any] = {"flags": [], "flags_for": {}, "program_types": []}
_SPDX = re.compile(r"#\s*SPDX-License-Identifier:[^\r\n]*")


class UpdateRefused(Exception):
    """No file is changed; the message says why."""


@dataclass(frozen=True)
class UpdateNote:
    """A line for people about one file, or one kfunc in it: what was done, or what is left to do."""

    file: str
    kfunc: Optional[str]
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.kfunc}: {self.what}" if self.kfunc else f"{self.file}: {self.what}"


@dataclass(frozen=True)
class Update:
    """The new texts of files by path, and *before* the old texts of those that exist already."""

    texts: Mapping[str, str]
    before: Mapping[str, str]
    #: What was done, in the order of files and of their entries.
    events: tuple[UpdateNote, ...]
    #: What a person has to add or to look at.
    questions: tuple[UpdateNote, ...]


def update(catalog: Catalog, observation: Observation, release: Release) -> Update:
    """Return the changes that bring the files of *catalog* up to *observation*, a kernel of *release*.

    Writes no file.  Raises :exc:`UpdateRefused` where the result might not be true, or would lose something.
    """
    _refuse_unless_sound(catalog, release)
    updater = _Updater(catalog, observation, release)
    try:
        for draft in updater.drafts.values():
            for entry in draft.subsystem.entries:
                if isinstance(entry, Declaration):
                    updater.bring_up(draft, entry)
                else:
                    updater.ask(draft.path, entry.name, "its declaration has an error and was not looked at")
        updater.add_undeclared()
        return updater.finished()
    except Uneditable as uneditable:
        raise UpdateRefused(str(uneditable)) from None
    except ValidationError as error:
        # Somebody may have written the observation by hand.
        what = error.errors()[0]
        raise UpdateRefused(f"what was observed cannot be declared: {what['input']!a}: {what['msg']}") from None


def diff(changes: Update) -> str:
    """Return *changes* as one unified diff."""
    parts = []
    for path, text in changes.texts.items():
        old = _lines(changes.before[path]) if path in changes.before else []
        name = path if path in changes.before else "/dev/null"
        for line in difflib.unified_diff(old, _lines(text), name, path):
            parts.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(parts)


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def write(changes: Update, track: Track = iter) -> None:
    """Write the files of *changes* one by one, each whole or not at all; *track* wraps their paths.

    Raises :exc:`UpdateRefused`, before anything is written, where a file has changed since it was read, and
    OSError where one cannot be written.
    """
    for path in changes.texts:
        if path in changes.before:
            if _content(path).decode("utf-8", "replace") != changes.before[path]:
                raise UpdateRefused(f"{path}: the file was changed in the meantime")
        elif os.path.lexists(path):
            raise UpdateRefused(f"{path}: the file is there already")
    for path in track(list(changes.texts)):
        write_whole(path, changes.texts[path])


def _content(path: str) -> bytes:
    try:
        return yaml_text.read_bytes(path)
    except Unusable as unusable:
        raise UpdateRefused(as_text(unusable.diagnostic)) from None


# -- what is refused


def _refuse_unless_sound(catalog: Catalog, release: Release) -> None:
    calendar = catalog.calendar
    if not catalog.subsystems:
        raise UpdateRefused("there is no declaration to bring up to date")
    if not calendar.is_real(release.name):
        raise UpdateRefused(f"{release} is no release that exists; the newest that is known is {calendar.real[-1]}")
    for error in _errors(catalog):
        # A removed kfunc without a replacement waits for a person; all others can be brought up.
        if error.rule is not Rule.REPLACEMENT_MISSING:
            raise UpdateRefused(f"{as_text(error)}\nnothing is changed where a declaration has an error")
    for subsystem in catalog.subsystems:
        if subsystem.recorded > release and subsystem.source is not None:
            place = subsystem.source.place("recorded")
            message = f"the file is recorded up to {subsystem.recorded}, which is later than {release}"
            raise UpdateRefused(f"{subsystem.path}:{place.line}:{place.column}: {message}")


def _errors(catalog: Catalog) -> Iterator[Diagnostic]:
    return (diagnostic for diagnostic in catalog.diagnostics if diagnostic.severity is Severity.ERROR)


# -- the work


@dataclass
class _FileDraft:
    """One file that may change; its editor is made with its first change."""

    subsystem: SubsystemFile

    @property
    def path(self) -> str:
        return self.subsystem.path

    @cached_property
    def editor(self) -> Editor:
        try:
            importlib.import_module("ruamel.yaml")
        except ImportError:
            raise UpdateRefused("changing declarations needs ruamel.yaml; install kfuncdoc[scan]") from None
        read, content = self.subsystem.source, _content(self.path)
        assert read is not None, "a file without a source has errors"
        if yaml_text.decode(self.path, content) != read.text:
            raise UpdateRefused(f"{self.path}: the file was changed in the meantime")
        return Editor(read, content)

    @property
    def touched(self) -> bool:
        return "editor" in vars(self) and self.editor.changed


@dataclass
class _Updater:
    """One update: what its steps share."""

    catalog: Catalog
    observation: Observation
    release: Release
    events: list[UpdateNote] = field(default_factory=list)
    questions: list[UpdateNote] = field(default_factory=list)
    #: The entries of files that are still to be made, by path.
    new_files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    #: The facts of a kfunc before the release and at it, by which the new text is checked.
    wanted: dict[str, tuple[Facts, Facts]] = field(default_factory=dict)

    @cached_property
    def drafts(self) -> dict[str, _FileDraft]:
        return {subsystem.path: _FileDraft(subsystem) for subsystem in self.catalog.subsystems}

    @property
    def calendar(self) -> ReleaseCalendar:
        return self.catalog.calendar

    def tell(self, path: str, kfunc: Optional[str], what: str) -> None:
        self.events.append(UpdateNote(path, kfunc, what))

    def ask(self, path: str, kfunc: Optional[str], what: str) -> None:
        self.questions.append(UpdateNote(path, kfunc, what))

    def since(self, recorded: Release) -> str:
        """Return the date of an event that happened after *recorded*, the release of the file: a release or a range."""
        witnessed = recorded >= self.calendar.before(self.release)
        return self.release.name if witnessed else f"{recorded}..{self.release}"

    # -- one declaration

    def bring_up(self, draft: _FileDraft, declaration: Declaration) -> None:
        """Append the event that makes *declaration* true of the kernel, if it needs one, and set its fields."""
        if is_backported(declaration.kfunc, self.observation):
            what = f"left as it is: by its backports, Linux {self.observation.kernel} has a later change"
            self.ask(draft.path, declaration.name, what)
            return
        *_, last = replay(declaration.kfunc, self.calendar)
        observed = self.observation.by_name.get(declaration.name)
        if observed is not None:
            self._compare(draft, declaration, observed, present=last.after.present)
        elif last.after.present and self.observation.kind is Kind.TREE:
            self._remove(draft, declaration, last.after)
        elif last.after.present:
            what = f"not in this image; whether {self.release} has it, only its source can tell"
            self.ask(draft.path, declaration.name, what)

    def _remove(self, draft: _FileDraft, declaration: Declaration, state: State) -> None:
        event = {"release": self.since(draft.subsystem.recorded), "event": "removed"}
        draft.editor.append(event, "kfuncs", declaration.index, "history")
        self.tell(draft.path, declaration.name, "removed")
        if state.plan is None and state.superseded is None:
            what = "removed without notice: name a replacement, or why there is none"
            self.ask(draft.path, declaration.name, what)

    def _compare(self, draft: _FileDraft, declaration: Declaration, observed: ObservedKfunc, *, present: bool) -> None:
        kfunc = declaration.kfunc
        old = facts_after(kfunc, len(kfunc.history) - 1)
        new, unclear = _brought_up(old, observed, self.observation.kind)
        self._ask_about(unclear, draft.path, kfunc.name)
        changed = [name for name in FACTS if getattr(new, name) != getattr(old, name)]
        was = {name: _plain(name, getattr(old, name)) for name in changed if _is_event(name, old, new)}
        event: dict[str, Any] = {"release": self.since(draft.subsystem.recorded)}
        event["event"] = "changed" if present else "added"
        if was:
            event["was"] = was
        if was or not present:
            draft.editor.append(event, "kfuncs", declaration.index, "history")
            self.tell(draft.path, kfunc.name, _event_text(was, present))
        for name in changed:
            self._set(draft, declaration, name, _plain(name, getattr(new, name)))
            if name not in was:
                self.tell(draft.path, kfunc.name, f"{name} as in the source, which no caller notices")
        # A field that changed without an event has had its new value all the time.
        always = {name: getattr(new, name) for name in changed if name not in was}
        self.wanted[kfunc.name] = (replace(old, **always) if was or not present else new, new)
        if "prototype" in was and present:
            self.ask(draft.path, kfunc.name, "the prototype changed: say whether that is breaking")

    def _set(self, draft: _FileDraft, declaration: Declaration, name: str, value: Any) -> None:
        keys = ("kfuncs", declaration.index, name)
        # Empty flags are written, other empty fields are left out.
        if value or name == "flags":
            draft.editor.set(value, *keys, order=_ORDER)
        else:
            draft.editor.unset(value, *keys)

    # -- what is not declared

    def add_undeclared(self) -> None:
        undeclared = [kfunc for kfunc in self.observation.kfuncs if kfunc.name not in self.catalog.entries]
        # In the order of the source, where kfuncs that belong together are neighbours.
        for observed in sorted(undeclared, key=lambda kfunc: (kfunc.source or "", kfunc.line or 0, kfunc.name)):
            home = home_of(self.catalog, observed)
            path = home.path if home else self._new_path(observed)
            if _normal(observed.prototype) is None:
                self.ask(path, observed.name, "not declared, and nothing tells its prototype")
            elif path in self.drafts:
                self._add(self.drafts[path], observed)
            else:
                self._add_to_new_file(path, observed)

    def _add(self, draft: _FileDraft, observed: ObservedKfunc) -> None:
        entry = self._declared(draft.path, observed, self.since(draft.subsystem.recorded))
        draft.editor.insert(entry, _nearest(draft.subsystem, observed), "kfuncs")

    def _add_to_new_file(self, path: str, observed: ObservedKfunc) -> None:
        if path not in self.new_files:
            if os.path.lexists(path):
                raise UpdateRefused(f"{path}: the file is there and was not loaded; '{observed.name}' would go into it")
            self.tell(path, None, "made, since no file has anything near")
            self.ask(path, None, "a new file: give it a title, and say what these kfuncs are for")
        # A kfunc that no file declares may have been added since the file that was recorded first.
        recorded = min(subsystem.recorded for subsystem in self.catalog.subsystems)
        entry = self._declared(path, observed, self.since(recorded))
        self.new_files.setdefault(path, []).append(entry)

    def _declared(self, path: str, observed: ObservedKfunc, release: str) -> dict[str, Any]:
        entry = _entry(observed, release)
        self.tell(path, observed.name, "added")
        self.ask(path, observed.name, "new: say in one line what it does for a BPF program (summary)")
        facts = facts_after(Kfunc.model_validate(entry), 0)
        remaining = differences(facts, observed, self.observation.kind)
        self._ask_about([difference.field for difference in remaining if difference.visible], path, observed.name)
        return entry

    def _ask_about(self, fields: Iterable[str], path: str, kfunc: str) -> None:
        for name in fields:
            self.ask(path, kfunc, f"{name}: the kernel differs, and does not tell enough to say how")

    def _new_path(self, observed: ObservedKfunc) -> str:
        """Return the path of a file for *observed*, named after its source, else after the kfunc."""
        stem = os.path.splitext(os.path.basename(observed.source or ""))[0]
        stem = re.sub(r"^bpf_|_bpf$", "", stem)
        name = re.sub(r"[^A-Za-z0-9_.-]", "", stem).lstrip("_.-") or observed.name.strip("_")
        return os.path.join(os.path.dirname(self.catalog.subsystems[0].path), name + SUFFIX)

    def _text_of_new_file(self, path: str) -> str:
        name = page_name(path)
        header = {"subsystem": name, "title": f"{name} kfuncs", "recorded": self.release.name}
        blocks = ["\n".join([*_shared_licence(self.catalog), *as_block(header), "kfuncs:"])]
        for number, entry in enumerate(self.new_files[path]):
            lines = [f"  {'  ' if index else '- '}{line}" for index, line in enumerate(as_block(entry, 4))]
            blocks.append(("\n" if number else "") + "\n".join(lines))
        return "\n".join(blocks) + "\n"

    # -- the end

    def finished(self) -> Update:
        """Return the update, with every file recorded up to the release."""
        for draft in self.drafts.values():
            if draft.subsystem.recorded < self.release:
                draft.editor.set(self.release.name, "recorded")
                self.tell(draft.path, None, f"recorded up to {self.release}")
        touched = [draft for draft in self.drafts.values() if draft.touched]
        for error in _errors(self.catalog):
            if any(error.file == draft.path for draft in touched):
                raise UpdateRefused(f"{as_text(error)}\nnothing is changed in a file that has an error")
        texts = {draft.path: self._finished(draft) for draft in touched}
        for path in self.new_files:
            texts[path] = self._text_of_new_file(path)
            self._check(path, texts[path])
        before = {draft.path: draft.editor.before for draft in touched}
        places = {path: number for number, path in enumerate([*self.drafts, *self.new_files])}
        in_order = sorted(self.events, key=lambda remark: places[remark.file])
        return Update(texts, before, tuple(in_order), tuple(self.questions))

    def _finished(self, draft: _FileDraft) -> str:
        text = draft.editor.finished()
        self._check(draft.path, text)
        return text

    def _check(self, path: str, text: str) -> None:
        """Refuse the new text of a file unless it gives the facts that were wanted."""
        read = yaml_text.parse(path, yaml_text.decode(path, text.encode("utf-8")))
        header = Header.model_validate({name: value for name, value in read.value.items() if name != "kfuncs"})
        lengths = {entry.name: len(entry.kfunc.history) for _, entry in self.catalog.declarations}
        for entry in read.value["kfuncs"]:
            if entry["name"] not in self.wanted:
                continue
            kfunc = Kfunc.model_validate(entry, context=header.caller_groups)
            folds = (facts_after(kfunc, lengths[kfunc.name] - 1), facts_after(kfunc, len(kfunc.history) - 1))
            if not all(map(_alike, folds, self.wanted[kfunc.name])):
                raise UpdateRefused(f"{path}: '{kfunc.name}' would not be what it should be; please report this")


# -- facts


def _brought_up(old: Facts, observed: ObservedKfunc, kind: Kind) -> tuple[Facts, list[str]]:
    """Return *old* with the values of *observed*, and the names of fields that *observed* tells only in part.

    After such a field is set, it still differs: an image has the flags of each set, and does not say for which
    program types a set is registered.  These fields keep their old values; ``allowed`` always does.
    """
    new = _with(old, observed, kind)
    unclear = [difference.field for difference in differences(new, observed, kind) if difference.visible]
    return _with(old, observed, kind, without=unclear), unclear


def _with(old: Facts, observed: ObservedKfunc, kind: Kind, without: Sequence[str] = ()) -> Facts:
    fields = dict(vars(old))
    for difference in differences(old, observed, kind):
        value = difference.observed
        if difference.field == "prototype":
            value = _normal(value) or old.prototype
        if difference.is_whole and difference.field not in without:
            fields[difference.field] = value
    return Facts(**fields)


def _is_event(name: str, old: Facts, new: Facts) -> bool:
    """Whether another value of the field *name* is a change of the kernel, and not only of the record."""
    if name == "prototype":
        return not same_to_callers(old.prototype, new.prototype)
    # A source that was not recorded is no change: every kfunc has one.
    return name != "source" or old.source is not None


def _event_text(was: Mapping[str, Any], present: bool) -> str:
    what = f": {', '.join(was)}" if was else ""
    return f"changed{what}" if present else f"added again{what}"


def _plain(name: str, value: Any) -> Any:
    """Return the fact *name* as it is written in YAML."""
    if isinstance(value, Mapping):
        return {key: list(flags) for key, flags in value.items()}
    return list(value) if name in _EMPTY else value


def _alike(one: Facts, other: Facts) -> bool:
    return all(_unordered(name, getattr(one, name)) == _unordered(name, getattr(other, name)) for name in FACTS)


def _unordered(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: frozenset(flags) for key, flags in value.items()}
    return frozenset(value) if name in _EMPTY else value


def _normal(prototype: Optional[str]) -> Optional[str]:
    """Return *prototype* as declarations spell it; None if it is None, or no prototype."""
    try:
        return str(parse_prototype(prototype or ""))
    except PrototypeError:
        return None


# -- new entries


def _entry(observed: ObservedKfunc, release: str) -> dict[str, Any]:
    """Return the declaration of a new kfunc, with what was observed and nothing else."""
    fields = {
        "prototype": _normal(observed.prototype),
        "flags": list(observed.flags or ()),
        "flags_for": {key: list(flags) for key, flags in (observed.flags_for or {}).items()},
        "program_types": list(observed.program_types or ()),
        "source": observed.source,
        "module": observed.module,
        "depends_on": observed.depends_on,
    }
    entry: dict[str, Any] = {"name": observed.name, **{name: value for name, value in fields.items() if value}}
    return {**entry, "history": [{"release": release, "event": "added"}]}


def _nearest(subsystem: SubsystemFile, observed: ObservedKfunc) -> int:
    """Return the index of the entry behind which *observed* goes: the last of those with the nearest names."""
    candidates = [(_common_start(entry.name, observed.name), entry.index) for entry in subsystem.declarations]
    return max(candidates)[1] if candidates else len(subsystem.entries) - 1


def _common_start(one: str, other: str) -> int:
    """Return the number of words with which both names begin."""
    pairs = zip(one.strip("_").split("_"), other.strip("_").split("_"))
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _shared_licence(catalog: Catalog) -> list[str]:
    """Return the line that says the licence, where all files of *catalog* have the same."""
    lines = {
        match[0].rstrip() if (match := _SPDX.match(subsystem.source.text)) else ""
        for subsystem in catalog.subsystems
        if subsystem.source is not None
    }
    return [line for line in lines if line] if len(lines) == 1 else []
