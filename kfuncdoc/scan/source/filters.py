# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The filters of sets of kfuncs, which narrow a registration to some struct_ops."""

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
    """The filters of sets: functions that narrow a registration, by the struct_ops of the program among others."""

    def __init__(self, sources: Mapping[str, CSource], sets: Mapping[str, Mapping[str, KfuncSet]]) -> None:
        self._sources = sources
        self._sets = sets

    def struct_ops(self, source: CSource, name: str, kfunc: str) -> tuple[str, ...]:
        """Return the struct_ops from which the filter *name* lets *kfunc* be called; none where it asks for none."""
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
        definitions = (each.definition(name) for each in (source, *self._sources.values()) if name in each.called)
        return next((each.body for each in definitions if each is not None), "")

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return {variable: name for source in self._sources.values() for variable, name in source.struct_ops.items()}

    @cached_property
    def _members(self) -> Mapping[str, frozenset[str]]:
        """What is in each set that a filter may ask: sets of kfuncs, and plain ones."""
        members: dict[str, frozenset[str]] = {}
        for source in self._sources.values():
            members.update(source.plain_sets())
        for by_variable in self._sets.values():
            for variable, each in by_variable.items():
                members[variable] = frozenset(entry.name for entry in each.entries)
        return members
