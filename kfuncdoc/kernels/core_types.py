# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Types of the kernel that programs test for (CO-RE) because kfuncs came with them, with their first release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional, Sequence

from kfuncdoc.bpf.conditions import CoreOutcome
from kfuncdoc.kernels.releases import Release, ReleaseCalendar, When


@dataclass(frozen=True)
class CoreType:
    """A type, member or enumerator, and when it *came*; it is part of the kernel itself and not of a module."""

    #: ``struct`` or ``enum``.
    keyword: str
    name: str
    came: When
    member: Optional[str] = None
    enumerator: Optional[str] = None


class CoreTypes:
    """The types of ``data/core_types.yaml``."""

    def __init__(self, types: Sequence[CoreType]) -> None:
        self.types = tuple(types)
        self._by_question: dict[tuple[str, str, str, Optional[str]], CoreType] = {}
        for known in self.types:
            question = "type_exists"
            if known.member is not None:
                question = "field_exists"
            elif known.enumerator is not None:
                question = "enum_value_exists"
            self._by_question[question, known.keyword, known.name, known.member or known.enumerator] = known

    @classmethod
    def from_mapping(cls, content: Mapping[str, Sequence[Mapping[str, str]]], calendar: ReleaseCalendar) -> CoreTypes:
        """Make it from the content of ``data/core_types.yaml``; raises ValueError, KeyError or UnknownRelease."""
        types = []
        for entry in content["types"]:
            keyword, _, name = entry["type"].partition(" ")
            if keyword not in ("struct", "enum") or not name or not {"type", "since"} <= entry.keys():
                raise ValueError(f"'{entry['type']}' is no structure or enumeration")
            types.append(
                CoreType(keyword, name, calendar.when(entry["since"]), entry.get("member"), entry.get("enumerator"))
            )
        return cls(types)

    def knows(self, asked: CoreOutcome) -> bool:
        """Whether the type that is *asked* for is here."""
        return self._find(asked) is not None

    def outcome(self, asked: CoreOutcome, release: Release) -> Optional[bool]:
        """Whether kernels of *release* have what is *asked* for; None if that is not known."""
        known = self._find(asked)
        if known is None:
            return None
        if release >= known.came.by:
            return True
        # Within a range of releases, it is not known in which one it came.
        is_before = not known.came.uncertain or (known.came.after is not None and release <= known.came.after)
        return False if is_before else None

    def _find(self, asked: CoreOutcome) -> Optional[CoreType]:
        if len(asked.path) > 1:
            return None
        part = asked.path[0].partition(" (")[0] if asked.path else None
        return self._by_question.get((asked.question, asked.keyword, asked.name, part))
