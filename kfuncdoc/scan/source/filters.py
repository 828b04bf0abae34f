# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The filters of registrations (``filter`` of ``struct btf_kfunc_id_set``), as far as they ask for struct_ops."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Mapping

from kfuncdoc.scan.source.csource import CSource, KfuncSet

_COMPARED = re.compile(r"->\s*st_ops\s*[!=]=\s*&\s*(\w+)", re.A)
#: ``if (prog->aux->st_ops == &ops && in_set) return -EACCES;``
_REFUSED = re.compile(r"->\s*st_ops\s*==\s*&\s*(\w+)\s*&&\s*(\w+)\s*\)\s*return\s*-", re.A)
_ASKS = r"btf_id_set8?_contains\s*\(\s*&\s*(\w+)"
#: ``bool in_set = btf_id_set8_contains(&set, kfunc_id);``
_IN_SET = re.compile(rf"\b(\w+)\s*=\s*{_ASKS}", re.A)
#: ``if (is_of_ops(prog) && !btf_id_set_contains(&set, kfunc_id))``
_OF_PROGRAM = re.compile(rf"\b(\w+)\s*\(\s*prog\s*\)(?:\s*&&\s*!\s*{_ASKS})?", re.A)


class Filters:
    """The filter functions of all sources: some let only programs of certain struct_ops call a kfunc."""

    def __init__(self, sources: Mapping[str, CSource], sets: Mapping[str, Mapping[str, KfuncSet]]) -> None:
        self._sources = sources
        self._sets = sets

    def struct_ops(self, source: CSource, name: str, kfunc: str) -> tuple[str, ...]:
        """Return the struct_ops whose programs the filter *name* lets call *kfunc*; none where it asks for none."""
        body = self._body(source, name)
        allowed = dict.fromkeys(_COMPARED.findall(body))
        sets = dict(_IN_SET.findall(body))
        for variable, answer in _REFUSED.findall(body):
            if kfunc in self._members.get(sets.get(answer, ""), ()):
                allowed.pop(variable, None)
        for helper, excepted in _OF_PROGRAM.findall(body):
            if kfunc not in self._members.get(excepted, ()):
                allowed.update(dict.fromkeys(_COMPARED.findall(self._body(source, helper))))
        return tuple(self._names[variable] for variable in allowed if variable in self._names)

    def _body(self, source: CSource, name: str) -> str:
        """Return the body of the function *name*, of *source* if it has one; empty where nothing has."""
        candidates = (file for file in (source, *self._sources.values()) if name in file.called)
        definitions = (file.definition(name) for file in candidates)
        return next((definition.body for definition in definitions if definition is not None), "")

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return {variable: name for source in self._sources.values() for variable, name in source.struct_ops.items()}

    @cached_property
    def _members(self) -> Mapping[str, frozenset[str]]:
        """The members of each set that a filter may search: sets of kfuncs, and those without flags."""
        members: dict[str, frozenset[str]] = {}
        for source in self._sources.values():
            members.update(source.plain_sets())
        for by_variable in self._sets.values():
            for variable, kfunc_set in by_variable.items():
                members[variable] = frozenset(entry.name for entry in kfunc_set.entries)
        return members
