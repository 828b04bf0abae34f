# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Any two releases of the record compared, all at once: for the pages of releases, and for the page where readers pick.

::

    Catalog, last release --comparison--> Comparison --between--> Difference, of any two releases
                                              |
                                              +--as_json--> the script of the page, which picks, too

What is told of a kfunc is the same for many pairs of releases: it becomes another where one of the two passes an event
of the kfunc or of what replaces it.  So a kfunc is compared once between any two such points, and what is told of it
is kept with the rectangle of pairs for which it holds.  To compare two releases is then to pick, in Python and in the
browser, and nobody but :mod:`kfuncdoc.views.difference` knows what is told.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence

from kfuncdoc.kernels.releases import Release, ReleaseCalendar
from kfuncdoc.record.catalog import Catalog, Declaration
from kfuncdoc.record.lifecycle import replay
from kfuncdoc.record.model import DeclaredReplacement
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.difference import Difference, Entry, entries_of, order
from kfuncdoc.views.kfunc import KfuncViews
from kfuncdoc.views.replacement import PHRASES, Replacement


@dataclass(frozen=True)
class Rectangle:
    """What is told from any release of *first* to any of *last*: positions of releases, the ends included.

    Only the pairs in it of which the second release is not before the first one mean something.
    """

    first: tuple[int, int]
    last: tuple[int, int]
    entry: Entry

    def holds(self, first: Release, last: Release) -> bool:
        return self.first[0] <= first.position <= self.first[1] and self.last[0] <= last.position <= self.last[1]


@dataclass(frozen=True)
class Comparison:
    """What happened from any of *releases* to any later one."""

    #: All of the calendar up to the one as of which the pages speak.
    releases: tuple[Release, ...]
    #: In the order of the entries of a Difference; for one pair each entry is in one of them at most.
    rectangles: tuple[Rectangle, ...]
    #: The subsystems whose record does not reach the last release, and how far it goes.
    behind: tuple[tuple[str, Release], ...]

    def between(self, first: Release, last: Release) -> Difference:
        """Return what :func:`kfuncdoc.views.difference.difference` would."""
        entries = tuple(each.entry for each in self.rectangles if each.holds(first, last))
        return Difference(first, last, entries, tuple((name, known) for name, known in self.behind if known < last))


def comparison(snapshot: Snapshot) -> Comparison:
    """Compare any two releases up to that of *snapshot*."""
    releases = snapshot.calendar.releases[: snapshot.release.position + 1]
    views = [KfuncViews(snapshot.at(release)) for release in releases]
    rectangles = [
        rectangle for _, declaration in snapshot.catalog.declarations for rectangle in _compared(declaration, views)
    ]
    rectangles.sort(key=lambda rectangle: (order(rectangle.entry), rectangle.first, rectangle.last))
    return Comparison(releases, tuple(rectangles), tuple(snapshot.records_that_end_before(snapshot.release)))


def compared_with(calendar: ReleaseCalendar, release: Release) -> tuple[Release, ...]:
    """Return the releases with which the page of *release* compares it: the one before, and the last LTS one before.

    That may be one and the same, and before the first release of the calendar there is none.
    """
    earlier = calendar.releases[: release.position]
    return tuple(dict.fromkeys([*earlier[-1:], *[each for each in earlier if each.lts][-1:]]))


# -- one kfunc

#: Positions of releases, from the first to the last of them, between which nothing changes.
_Stretch = tuple[int, int]


def _compared(declaration: Declaration, views: Sequence[KfuncViews]) -> Iterator[Rectangle]:
    """Yield what is told of one kfunc; *views* are those of every release."""
    catalog, end = views[0].catalog, len(views)
    turning = {point for name in _concerned(catalog, declaration.name) for point in _turning_points(catalog, name)}
    firsts = _stretches(turning, end)
    lasts = _stretches(turning | _overdue(declaration, catalog.calendar, end), end)
    told: dict[Entry, set[tuple[int, int]]] = {}
    for row, (first, _) in enumerate(firsts):
        for column, (_, last) in enumerate(lasts):
            view = views[last].view(declaration.name)
            for entry in entries_of(view, views[first].release) if view and first <= last else ():
                told.setdefault(entry, set()).add((row, column))
    for entry, cells in told.items():
        for rows, columns in _covering(cells, firsts, lasts):
            yield Rectangle(_ends(firsts, rows), _ends(lasts, columns), entry)


def _ends(stretches: Sequence[_Stretch], numbers: range) -> _Stretch:
    return stretches[numbers[0]][0], stretches[numbers[-1]][1]


def _concerned(catalog: Catalog, name: str) -> list[str]:
    """Return *name*, and the declared kfuncs that replace it, and those that replace them, and so on."""
    found = [name]
    for each in found:  # which grows meanwhile
        declaration = catalog.get(each)
        found += sorted(set(_replacements(declaration)) - set(found)) if declaration else []
    return [each for each in found if catalog.get(each)]


def _replacements(declaration: Declaration) -> Iterator[str]:
    """Yield the kfuncs that any event names to be called instead."""
    for event in declaration.kfunc.history:
        renamed_to: Optional[str] = event.get("renamed_to")
        others: Sequence[DeclaredReplacement] = event.get("replacement") or ()
        yield from [renamed_to] if renamed_to else []
        yield from (other.name for other in others if other.name)


def _turning_points(catalog: Catalog, name: str) -> Iterator[int]:
    """Yield the positions of the releases in which a kfunc is no longer as in the one before, or no longer known."""
    subsystem, declaration = catalog.entries[name]
    assert isinstance(declaration, Declaration)
    yield from (catalog.calendar.when(event.release).by.position for event in declaration.kfunc.history)
    yield subsystem.recorded.position + 1


def _overdue(declaration: Declaration, calendar: ReleaseCalendar, end: int) -> set[int]:
    """Return the positions before *end* of the releases in which an announced end is past: each is told by its name."""
    steps = list(replay(declaration.kfunc, calendar))
    until = [*(step.when.by.position for step in steps[1:]), end]
    plans = ((step.after.plan, position) for step, position in zip(steps, until))
    return {each for plan, position in plans if plan and plan.end for each in range(plan.end.position, position)}


def _stretches(turning: Iterable[int], end: int) -> list[_Stretch]:
    """Divide the positions from 0 to before *end* at the *turning* points, each of which begins a stretch."""
    starts = [0, *sorted({position for position in turning if 0 < position < end})]
    return [(start, following - 1) for start, following in zip(starts, [*starts[1:], end])]


def _covering(
    cells: set[tuple[int, int]], firsts: Sequence[_Stretch], lasts: Sequence[_Stretch]
) -> Iterator[tuple[range, range]]:
    """Yield rows and columns that together are all of *cells*, each once.

    They may hold besides what means nothing: cells in which the second release would always be before the first.
    """
    left = set(cells)
    while left:
        top, start = min(left)
        end = next(column for column in range(start, len(lasts) + 1) if (top, column) not in left)
        bottom = top + 1
        while bottom < len(firsts) and all(
            (bottom, column) in left or firsts[bottom][0] > lasts[column][1] for column in range(start, end)
        ):
            bottom += 1
        left -= set(itertools.product(range(top, bottom), range(start, end)))
        yield range(top, bottom), range(start, end)


# -- for the browser


def as_json(compared: Comparison, addresses: Mapping[str, str]) -> str:
    """Return *compared* for the script of the page, with the address of each kfunc by name, as far as it has one.

    A rectangle is the numbers of its four ends, and those of what its entry has, in the lists that are named so.  Ends
    are positions of releases, and rectangles stand in the order in which they are told.
    """
    changes, subsystems, kfuncs, texts, sentences = (_Numbered() for _ in range(5))

    def kfunc(name: str) -> int:
        return kfuncs.number((name, addresses.get(name)))

    def instead(replacement: Replacement) -> tuple[Any, ...]:
        name = None if replacement.name is None else kfunc(replacement.name)
        present = replacement.present_on or (None, None)
        return name, replacement.words_after_name, *present, replacement.deprecated

    def numbers(entry: Entry) -> tuple[int, ...]:
        told = tuple(map(texts.number, entry.told)), tuple(map(instead, entry.instead)), entry.no_replacement
        change = changes.number((entry.change.key, entry.change.heading, entry.change.separator))
        return change, subsystems.number(entry.subsystem), kfunc(entry.name), sentences.number(told)

    rectangles = [(*each.first, *each.last, *numbers(each.entry)) for each in compared.rectangles]
    document = {
        "releases": [(release.name, release.lts) for release in compared.releases],
        "behind": [(name, release.position) for name, release in compared.behind],
        "changes": changes.values,
        "subsystems": subsystems.values,
        "kfuncs": kfuncs.values,
        "texts": texts.values,
        "sentences": sentences.values,
        "rectangles": rectangles,
        "phrases": PHRASES,
    }
    return json.dumps(document, separators=(",", ":")) + "\n"


class _Numbered:
    """Values, each once, in the order in which they were first asked for."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        return self._numbers.setdefault(value, len(self._numbers))

    @property
    def values(self) -> list[Any]:
        return list(self._numbers)
