# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Source trees: every kfunc that a kernel's sources register, whatever the configuration.

::

    all C files --a search for bytes--> those about kfuncs --csource--> sets, calls, definitions
                                                                            |
                  Makefiles, Kconfig --build_rules--> condition, module     +--> Observation

The search reads 37,000 files, and takes nearly all of the time.  It finds no definition without the mark
``__bpf_kfunc`` (v6.1 has no marks): such a definition is looked for from the directory of the registration
outwards.  Headers are read for their macros only.  A set in a header leads to a remark where a C file registers
it; a registration in a header is not seen.  v6.1, v6.12, v7.2 and v7.3 have neither.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Callable, Iterable, Iterator, Mapping, Optional, TypeVar

from kfuncdoc.base.progress import Track
from kfuncdoc.bpf.prototype import Prototype
from kfuncdoc.kernels.observation import Kind, Observation, ObservedKfunc, Registration, Remark
from kfuncdoc.kernels.selftests import is_selftest
from kfuncdoc.scan.errors import Unscannable, is_folder
from kfuncdoc.scan.source.announcements import announced, announced_kfunc
from kfuncdoc.scan.source.build_rules import BuildRules
from kfuncdoc.scan.source.condition import TRUE, Condition, conjunction, disjunction, spelled
from kfuncdoc.scan.source.csource import CSource, Definition, KfuncIdSet, KfuncSet, RegistrationCall, SetEntry
from kfuncdoc.scan.source.files import SourceFiles, find_build_file
from kfuncdoc.scan.source.filters import Filters
from kfuncdoc.scan.source.headers import HeaderFiles

#: Part of ``__bpf_kfunc``, ``struct btf_kfunc_id_set`` and ``register_btf_kfunc_id_set()``.
_NEEDLE = "f_kfunc"
#: The folders of the kernel's own BPF programs, which call kfuncs.
_SCHEDULERS, _SAMPLES = "tools/sched_ext", "samples"
#: Before v6.0, sets had other macros, and callbacks of the program types registered kfuncs.
_FIRST_READ = (6, 0)

#: A parameter that the verifier fills in.  BPF programs pass what comes before the first one
#: (``tools/bpf/resolve_btfids/main.c``).
_IMPLICIT = re.compile(
    r"(?:(?:const|volatile)\s+)*struct\s+(?:bpf_prog_aux|btf_struct_meta)\s*(?:const\s*)?\*\s*\w*", re.A
)
_VERSION = re.compile(r"^(VERSION|PATCHLEVEL|SUBLEVEL)[ \t]*=[ \t]*(\d{1,4})[ \t]*$", re.M | re.A)
#: Sorts a flag whose bit is not known behind all others.
_NO_BIT = 32
_FLAG_BIT = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(KF_\w+)[ \t]+\(?1U?[ \t]*<<[ \t]*(\d{1,2})\)?", re.M | re.A)


def scan_tree(path: str, *, track: Track = iter) -> Observation:
    """Return the kfuncs that the kernel tree at *path* registers.  Raises :exc:`Unscannable`.

    *track* wraps the names of the files to read, to show progress.
    """
    kernel = _kernel_version(path)
    try:
        return _TreeScan(path, kernel, track).observation()
    except RecursionError:
        raise Unscannable(path, "this is nested deeper than any kernel") from None


def _kernel_version(path: str) -> str:
    """Return the version in the Makefile of the tree at *path*, as in ``7.3.4``."""
    if not is_folder(path):
        raise Unscannable(path, "there is no such folder")
    makefile = (find_build_file(path, "Makefile") or b"").decode("utf-8", "replace")
    numbers = {name: int(number) for name, number in _VERSION.findall(makefile)}
    if "VERSION" not in numbers or "PATCHLEVEL" not in numbers:
        raise Unscannable(path, "this is no source tree of a kernel: it has no Makefile that tells the version")
    release = (numbers["VERSION"], numbers["PATCHLEVEL"])
    if release < _FIRST_READ:
        message = "a kernel before v6.0 registers kfuncs in another way, which is not read"
        raise Unscannable(path, f"this is v{release[0]}.{release[1]}: {message}")
    return f"{release[0]}.{release[1]}.{numbers.get('SUBLEVEL', 0)}"


@dataclass(frozen=True)
class _Membership:
    """One kfunc in one registered set."""

    source: CSource
    set: KfuncSet
    entry: SetEntry
    id_set: KfuncIdSet
    program_types: tuple[str, ...]
    #: When one of the calls that register the set is built.
    called: Condition


@dataclass
class _ScannedKfunc:
    """The registrations and definitions of one name."""

    memberships: list[_Membership] = field(default_factory=list)
    #: Each definition with its file: several where architectures have their own.
    definitions: list[tuple[CSource, Definition]] = field(default_factory=list)

    @property
    def source(self) -> Optional[CSource]:
        """The file of the first definition, which stands for all."""
        return self.definitions[0][0] if self.definitions else None

    @property
    def definition(self) -> Optional[Definition]:
        """The first definition."""
        return self.definitions[0][1] if self.definitions else None


_Named = TypeVar("_Named")
#: By the path of a file, and the name of a variable in it.
_Variables = Mapping[str, Mapping[str, _Named]]


class _TreeScan:
    """One scan of a source tree: what its steps share."""

    def __init__(self, root: str, kernel: str, track: Track) -> None:
        self._root = root
        self._kernel = kernel
        self._remarks: set[Remark] = set()
        #: The flags without a known bit that a remark has told of.
        self._reported_flags: set[str] = set()
        self._files = SourceFiles(root)
        about_kfuncs = self._files.holding([_NEEDLE], track(self._files.sources))
        self._sources = {path: CSource(path, content) for path, content in about_kfuncs}
        self._headers = HeaderFiles(self._files)
        self._build_rules = BuildRules(self._files)
        self._sets = {
            path: {kfunc_set.variable: kfunc_set for kfunc_set in source.read_sets(self._headers.macros_for(source))}
            for path, source in self._sources.items()
        }
        self._filters = Filters(self._sources, self._sets)

    def observation(self) -> Observation:
        """Return what the tree has."""
        scanned = {name: kfunc for name, kfunc in sorted(self._registered().items()) if not is_selftest(name)}
        self._define(scanned)
        callers = self._callers(scanned)
        kfuncs = [
            self._observed(name, kfunc, tuple(callers.get(name, ())))
            for name, kfunc in scanned.items()
            if not is_selftest(name, kfunc.source.path if kfunc.source is not None else None)
        ]
        announcements = tuple(self._announcements(scanned))
        for source in self._sources.values():
            for unclear in source.unclear:
                self._remark(source, unclear.offset, unclear.text)
        btf = self._sources.get("kernel/bpf/btf.c")
        return Observation(
            kind=Kind.TREE,
            kernel=self._kernel,
            kfuncs=tuple(kfuncs),
            hooks=btf.hooks() if btf is not None else {},
            announcements=tuple(sorted(announcements, key=_place_of_remark)),
            remarks=tuple(sorted({*self._remarks, *self._build_rules.remarks}, key=_place_of_remark)),
        )

    def _remark(self, source: CSource, offset: int, text: str, kfunc: Optional[str] = None) -> None:
        if not is_selftest(kfunc or "", source.path):
            self._remarks.add(Remark(source.path, source.line(offset), text, kfunc))

    # -- registrations

    def _registered(self) -> dict[str, _ScannedKfunc]:
        """Return every name that is in a set registered for a program type."""
        id_sets = {
            path: _grouped(source.id_sets(), lambda id_set: id_set.variable) for path, source in self._sources.items()
        }
        scanned: dict[str, _ScannedKfunc] = {}
        used: set[tuple[str, str]] = set()
        for path, source in self._sources.items():
            for variable, calls in _grouped(source.calls(), lambda call: call.id_set).items():
                # A name that no file defines gets a remark below, as it has no set.
                unknown = (path, [KfuncIdSet(variable, None, None, TRUE)])
                path_of_id_set, id_sets_of_name = _resolved(id_sets, path, variable) or unknown
                for id_set in id_sets_of_name:
                    members = _resolved(self._sets, path_of_id_set, id_set.set) if id_set.set else None
                    if members is None:
                        self._remark(source, calls[0].offset, f"the set that {variable} registers is not found")
                        continue
                    used.add((members[0], members[1].variable))
                    built = self._build_rules.rule(path).condition
                    for membership in _memberships(self._sources[members[0]], members[1], id_set, calls, built):
                        scanned.setdefault(membership.entry.name, _ScannedKfunc()).memberships.append(membership)
        self._report_unregistered(scanned, used)
        return scanned

    def _report_unregistered(self, scanned: Mapping[str, _ScannedKfunc], registered: set[tuple[str, str]]) -> None:
        """Remark on the names that are in no set that is *registered*; those are named by file and variable."""
        for path, by_variable in self._sets.items():
            for variable, kfunc_set in by_variable.items():
                if (path, variable) in registered:
                    continue
                for entry in (entry for entry in kfunc_set.entries if entry.name not in scanned):
                    text = f"{entry.name} is in no set but {variable}, which nothing registers"
                    self._remark(self._sources[path], entry.offset, text, entry.name)

    # -- definitions

    def _define(self, scanned: Mapping[str, _ScannedKfunc]) -> None:
        """Find the definitions of each name: in the file of its registration, where it is marked, or anywhere."""
        marked: dict[str, list[CSource]] = {}
        for source in self._sources.values():
            for name in source.marked:
                marked.setdefault(name, []).append(source)
        for name, kfunc in scanned.items():
            beside = [membership.source for membership in kfunc.memberships]
            for source in (*beside, *marked.get(name, ())):
                _take(kfunc, name, source)
        missing = {name for name, kfunc in scanned.items() if not kfunc.definitions}
        self._search(scanned, missing)
        for name in sorted(missing):
            membership = scanned[name].memberships[0]
            text = f"{name} is registered, and no definition of it is found"
            self._remark(membership.source, membership.entry.offset, text, name)
        for name, kfunc in scanned.items():
            for source, definition in kfunc.definitions:
                if definition.prototype is None:
                    self._remark(source, definition.offset, f"the prototype of {name} cannot be read", name)
                elif definition.prototype != kfunc.definitions[0][1].prototype:
                    first = kfunc.definitions[0][0].path
                    self._remark(source, definition.offset, f"{name} has another prototype in {first}", name)

    def _search(self, scanned: Mapping[str, _ScannedKfunc], missing: set[str]) -> None:
        """Look for definitions of what is *missing* from the directories of registrations outwards."""
        missing -= {name for source in self._sources.values() for name in _take_missing(scanned, missing, source)}
        directories = {
            posixpath.dirname(membership.source.path) for name in missing for membership in scanned[name].memberships
        }
        looked = set(self._sources)
        while missing:
            below = tuple(f"{directory}/" if directory else "" for directory in directories)
            paths = [path for path in self._files.sources if path.startswith(below) and path not in looked]
            looked.update(paths)
            defined: set[str] = set()
            for path, content in self._files.holding(sorted(missing), paths):
                source = CSource(path, content)
                defined_here = _take_missing(scanned, missing, source)
                if defined_here:
                    self._sources[path] = source
                    defined |= defined_here
            missing -= defined
            if "" in directories:
                return
            directories = {posixpath.dirname(directory) for directory in directories}

    # -- one kfunc

    def _observed(self, name: str, scanned: _ScannedKfunc, callers: tuple[str, ...]) -> ObservedKfunc:
        registrations = tuple(dict.fromkeys(self._registration(name, membership) for membership in scanned.memberships))
        source, definition = scanned.source, scanned.definition
        if source is None or definition is None:
            return ObservedKfunc(name, None, registrations, depends_on=self._depends_on(scanned), callers=callers)
        prototype = definition.prototype
        if prototype is not None and any("KF_IMPLICIT_ARGS" in registration.flags for registration in registrations):
            prototype = _as_called(prototype)
        return ObservedKfunc(
            name=name,
            prototype=None if prototype is None else str(prototype),
            registrations=registrations,
            source=source.path,
            line=source.line(definition.offset),
            depends_on=self._depends_on(scanned),
            module=self._build_rules.module(source.path),
            documented=self._is_documented(source, definition),
            callers=callers,
        )

    def _registration(self, name: str, membership: _Membership) -> Registration:
        entry = membership.entry
        for flag in entry.flags:
            if flag not in self._bits and flag not in self._reported_flags:
                self._reported_flags.add(flag)
                self._remark(membership.source, entry.offset, f"include/linux/btf.h does not tell the bit of {flag}")
        flags = sorted(dict.fromkeys(entry.flags), key=lambda flag: self._bits.get(flag, _NO_BIT))
        struct_ops: tuple[str, ...] = ()
        if membership.id_set.filter and "BPF_PROG_TYPE_STRUCT_OPS" in membership.program_types:
            struct_ops = self._filters.struct_ops(membership.source, membership.id_set.filter, name)
        return Registration(
            set=membership.set.variable,
            flags=tuple(flags),
            program_types=membership.program_types,
            filter=membership.id_set.filter,
            struct_ops=struct_ops,
        )

    @cached_property
    def _bits(self) -> Mapping[str, int]:
        header = (self._files.find("include/linux/btf.h") or b"").decode("latin-1")
        return {name: int(bit) for name, bit in _FLAG_BIT.findall(header)}

    def _is_documented(self, source: CSource, definition: Definition) -> bool:
        if definition.name in source.kernel_doc:
            return True
        above = source.comment_above(definition)
        other = next((name for name, comment in source.kernel_doc.items() if comment == above), None)
        if other is not None:
            text = f"the kernel-doc above {definition.name} says that it describes {other}"
            self._remark(source, definition.offset, text, definition.name)
        return False

    def _depends_on(self, scanned: _ScannedKfunc) -> str:
        """Return when the kernel has the kfunc, as a Kconfig expression: it is built and registered."""
        registered = disjunction(
            *(
                conjunction(
                    self._build_rules.rule(membership.source.path).condition,
                    membership.entry.condition,
                    membership.id_set.condition,
                    membership.called,
                )
                for membership in scanned.memberships
            )
        )
        places = [
            conjunction(self._build_rules.rule(source.path).condition, definition.condition)
            for source, definition in scanned.definitions
        ]
        defined = disjunction(*places) if places else TRUE
        return spelled(self._build_rules.kconfig.reduced(conjunction(defined, registered)))

    # -- the rest of the tree

    def _announcements(self, scanned: Mapping[str, _ScannedKfunc]) -> Iterator[Remark]:
        """Yield the comments that announce a deprecation or removal, above kfuncs and in headers of the schedulers."""
        for name, kfunc in scanned.items():
            if kfunc.source is None or kfunc.definition is None:
                continue
            comment = kfunc.source.comment_above(kfunc.definition)
            text = announced(comment) if comment is not None else ""
            if comment is not None and text:
                yield Remark(kfunc.source.path, kfunc.source.line(comment.start), text, name)
        for path in self._files.below(_SCHEDULERS, ".h"):
            header = CSource(path, self._files.read(path))
            for comment in header.comments:
                text = announced(comment)
                subject = announced_kfunc(text, comment.text, scanned)
                if text and subject is not None:
                    yield Remark(path, header.line(comment.start), text, subject)

    def _callers(self, names: Iterable[str]) -> dict[str, list[str]]:
        names = frozenset(names)
        callers: dict[str, list[str]] = {}
        for folder in (_SAMPLES, _SCHEDULERS):
            for path in self._files.below(folder, ".bpf.c"):
                for name in CSource(path, self._files.read(path)).called & names:
                    callers.setdefault(name, []).append(path)
        return callers


def _place_of_remark(remark: Remark) -> tuple[str, int, str, str]:
    return remark.file, remark.line, remark.kfunc or "", remark.text


def _grouped(items: Iterable[_Named], name_of: Callable[[_Named], str]) -> dict[str, list[_Named]]:
    """Return *items* by their names, in the order of the file."""
    by_name: dict[str, list[_Named]] = {}
    for item in items:
        by_name.setdefault(name_of(item), []).append(item)
    return by_name


def _resolved(variables: _Variables[_Named], path: str, name: str) -> Optional[tuple[str, _Named]]:
    """Return the variable *name* and its file: *path* if it has one, else the only other file that does."""
    if name in variables[path]:
        return path, variables[path][name]
    elsewhere = [(other, by_name[name]) for other, by_name in variables.items() if name in by_name]
    return elsewhere[0] if len(elsewhere) == 1 else None


def _memberships(
    source: CSource, members: KfuncSet, id_set: KfuncIdSet, calls: list[RegistrationCall], built: Condition
) -> Iterator[_Membership]:
    """Yield the kfuncs of the set *members* of *source*; none where *calls* register it for fmod_ret programs only.

    *calls* may be in another file, which is built on the condition *built*.
    """
    types = tuple(dict.fromkeys(call.program_type for call in calls if call.program_type is not None))
    either = disjunction(*(call.condition for call in calls if call.program_type is not None))
    called = conjunction(built, either)
    for entry in members.entries if types else ():
        yield _Membership(source, members, entry, id_set, types, called)


def _take(kfunc: _ScannedKfunc, name: str, source: CSource) -> bool:
    """Add the definition of *name* in *source* to *kfunc*; return whether there is one that can be of that kfunc."""
    definition = source.definition(name) if all(known is not source for known, _ in kfunc.definitions) else None
    if definition is None:
        return False
    beside = any(membership.source is source for membership in kfunc.memberships)
    if definition.static and not beside and name not in source.marked:
        # A static function of that name in another file is another function.
        return False
    kfunc.definitions.append((source, definition))
    return True


def _take_missing(scanned: Mapping[str, _ScannedKfunc], missing: set[str], source: CSource) -> set[str]:
    """Add the *missing* definitions that *source* has to *scanned*, and return their names."""
    return {name for name in source.called & missing if _take(scanned[name], name, source)}


def _as_called(prototype: Prototype) -> Prototype:
    """Return *prototype* as BPF programs call it, without the parameters that the verifier fills in."""
    kept = []
    for parameter in prototype.parameters:
        if _IMPLICIT.fullmatch(parameter):
            break
        kept.append(parameter)
    return Prototype(prototype.returns, prototype.name, tuple(kept) or ("void",))
