# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The differences of all pairs of releases, for the pages of releases and for the page where readers pick two.

::

    Snapshot --all_differences--> AllDifferences --between--> Difference, of any two releases
                                       |
                                       +--as_json--> the script of the page, which picks in the same way

The entry of a kfunc is the same for many pairs of releases.  It becomes another one only where one of the two releases
passes an event of the kfunc, or of a kfunc that replaces it.  So the entry is made once between any two such points,
and is kept with the rectangle of pairs for which it holds.  The difference of two releases is then picked, in Python
and in the browser.  What an entry says is decided in :mod:`kfuncdoc.views.difference` alone.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence

from kfuncdoc.kernels.releases import Release, ReleaseCalendar
from kfuncdoc.record.catalog import Catalog, Declaration
from kfuncdoc.record.lifecycle import replay
from kfuncdoc.record.model import DeclaredReplacement
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.difference import ChangeEntry, Difference, entries_of, sort_key
from kfuncdoc.views.kfunc import KfuncViews
from kfuncdoc.views.replacement import PHRASES, Replacement


class PositionRange(NamedTuple):
    """Positions of releases in the calendar, from *start* to *end*, both included."""

    start: int
    end: int

    def holds(self, release: Release) -> bool:
        """Whether *release* is one of these."""
        return self.start <= release.position <= self.end


class _Cell(NamedTuple):
    """A pair of ranges of releases, by the numbers of both: in one cell, the entries of a kfunc are the same."""

    row: int
    column: int


class _Block(NamedTuple):
    """The cells of neighbouring rows and columns."""

    rows: range
    columns: range


@dataclass(frozen=True)
class Rectangle:
    """The pairs of releases, from any of *firsts* to any of *lasts*, for which *entry* holds.

    It may cover pairs whose last release is before the first one; they mean nothing.
    """

    firsts: PositionRange
    lasts: PositionRange
    entry: ChangeEntry

    def holds(self, first: Release, last: Release) -> bool:
        """Whether the entry holds from *first* to *last*."""
        return self.firsts.holds(first) and self.lasts.holds(last)


@dataclass(frozen=True)
class AllDifferences:
    """What happened to kfuncs from any of *releases* to any later one."""

    #: All releases of the calendar up to that of the snapshot.
    releases: tuple[Release, ...]
    #: Sorted as the entries of a Difference; an entry is in at most one of the rectangles of one pair.
    rectangles: tuple[Rectangle, ...]
    #: The subsystems whose record does not reach the last release, with the release at which it ends.
    behind: tuple[tuple[str, Release], ...]

    def between(self, first: Release, last: Release) -> Difference:
        """Return the difference of two releases, equal to that of :func:`kfuncdoc.views.difference.difference`."""
        entries = tuple(rectangle.entry for rectangle in self.rectangles if rectangle.holds(first, last))
        return Difference(first, last, entries, tuple((name, end) for name, end in self.behind if end < last))


def all_differences(snapshot: Snapshot) -> AllDifferences:
    """Return the differences of all pairs of releases up to that of *snapshot*."""
    releases = snapshot.calendar.releases[: snapshot.release.position + 1]
    views = [KfuncViews(snapshot.at(release)) for release in releases]
    rectangles = [
        rectangle for _, declaration in snapshot.catalog.declarations for rectangle in _rectangles(declaration, views)
    ]
    rectangles.sort(key=lambda rectangle: (sort_key(rectangle.entry), rectangle.firsts, rectangle.lasts))
    return AllDifferences(releases, tuple(rectangles), tuple(snapshot.records_that_end_before(snapshot.release)))


def first_releases(calendar: ReleaseCalendar, release: Release) -> tuple[Release, ...]:
    """Return the releases from which the page of *release* gives the difference to it.

    These are the release before it, and the newest LTS release before it, which may be the same one.  The first release
    of the calendar has none.
    """
    earlier = calendar.releases[: release.position]
    long_term = [candidate for candidate in earlier if candidate.lts]
    return tuple(dict.fromkeys([*earlier[-1:], *long_term[-1:]]))


# -- one kfunc


def _rectangles(declaration: Declaration, views: Sequence[KfuncViews]) -> Iterator[Rectangle]:
    """Yield the rectangles of one kfunc; *views* has the views at every release, in order."""
    catalog, end = views[0].catalog, len(views)
    names = _kfunc_and_replacements(catalog, declaration.name)
    turning_points = {point for name in names for point in _turning_points(catalog, name)}
    firsts = _ranges(turning_points, end)
    lasts = _ranges(turning_points | _past_due_positions(declaration, catalog.calendar, end), end)
    cells_by_entry: dict[ChangeEntry, set[_Cell]] = {}
    for row, (first, _) in enumerate(firsts):
        for column, (_, last) in enumerate(lasts):
            view = views[last].view(declaration.name)
            for entry in entries_of(view, views[first].release) if view and first <= last else ():
                cells_by_entry.setdefault(entry, set()).add(_Cell(row, column))
    for entry, cells in cells_by_entry.items():
        for block in _covering(cells, firsts, lasts):
            yield Rectangle(_joined(firsts, block.rows), _joined(lasts, block.columns), entry)


def _joined(ranges: Sequence[PositionRange], numbers: range) -> PositionRange:
    """Return the neighbouring *ranges* of these *numbers* as one."""
    return PositionRange(ranges[numbers[0]].start, ranges[numbers[-1]].end)


def _kfunc_and_replacements(catalog: Catalog, name: str) -> list[str]:
    """Return *name*, the declared kfuncs that replace it, those that replace them, and so on."""
    names = [name]
    for following in names:  # the loop also visits the names that it appends
        declaration = catalog.get(following)
        names += sorted(set(_replacements(declaration)) - set(names)) if declaration else []
    return [following for following in names if catalog.get(following)]


def _replacements(declaration: Declaration) -> Iterator[str]:
    """Yield the names of the kfuncs that the events of a history name as replacements."""
    for event in declaration.kfunc.history:
        renamed_to: Optional[str] = event.get("renamed_to")
        replacements: Sequence[DeclaredReplacement] = event.get("replacement") or ()
        yield from [renamed_to] if renamed_to else []
        yield from (replacement.name for replacement in replacements if replacement.name)


def _turning_points(catalog: Catalog, name: str) -> Iterator[int]:
    """Yield the positions of the releases of the events of a kfunc, and of the first that its record does not reach."""
    subsystem, declaration = catalog.entries[name]
    assert isinstance(declaration, Declaration)
    yield from (catalog.calendar.when(event.release).by.position for event in declaration.kfunc.history)
    yield subsystem.recorded.position + 1


def _past_due_positions(declaration: Declaration, calendar: ReleaseCalendar, end: int) -> set[int]:
    """Return the positions before *end* of the releases in which an announced end is past due.

    Their entries differ: each names its release.
    """
    steps = list(replay(declaration.kfunc, calendar))
    until = [*(step.when.by.position for step in steps[1:]), end]
    plans = ((step.after.plan, position) for step, position in zip(steps, until))
    ranges = (range(plan.end.position, position) for plan, position in plans if plan and plan.end)
    return set(itertools.chain.from_iterable(ranges))


def _ranges(turning_points: Iterable[int], end: int) -> list[PositionRange]:
    """Divide the positions from 0 to before *end*: a range begins at 0 and at each of the *turning_points*."""
    starts = [0, *sorted({position for position in turning_points if 0 < position < end})]
    return [PositionRange(start, following - 1) for start, following in zip(starts, [*starts[1:], end])]


def _covering(cells: set[_Cell], firsts: Sequence[PositionRange], lasts: Sequence[PositionRange]) -> Iterator[_Block]:
    """Yield blocks that together have all of *cells*, each cell in one block.

    A block may also have cells that mean nothing: those in which the last release is always before the first one.
    """
    left = set(cells)
    while left:
        top, start = min(left)
        end = next(column for column in range(start, len(lasts) + 1) if _Cell(top, column) not in left)
        bottom = top + 1
        while bottom < len(firsts) and all(
            _Cell(bottom, column) in left or firsts[bottom].start > lasts[column].end for column in range(start, end)
        ):
            bottom += 1
        block = _Block(range(top, bottom), range(start, end))
        left -= set(itertools.starmap(_Cell, itertools.product(block.rows, block.columns)))
        yield block


# -- for the browser


def as_json(differences: AllDifferences, addresses: Mapping[str, str]) -> str:
    """Return *differences* for the script of the page; *addresses* has the address of each kfunc that has one, by name.

    A rectangle is a list of numbers: its four ends, which are positions of releases, then the parts of its entry, which
    are indexes into the lists "changes", "subsystems", "kfuncs" and "sentences".  Rectangles are in the order in which
    the page shows their entries.
    """
    changes, subsystems, kfuncs, texts, sentences = (_Numbered() for _ in range(5))

    def kfunc(name: str) -> int:
        return kfuncs.number((name, addresses.get(name)))

    def alternative(replacement: Replacement) -> tuple[Any, ...]:
        name = None if replacement.name is None else kfunc(replacement.name)
        present = replacement.present_on or (None, None)
        return name, replacement.words_after_name, *present, replacement.is_deprecated

    def numbers(entry: ChangeEntry) -> tuple[int, ...]:
        statements, alternatives = map(texts.number, entry.statements), map(alternative, entry.alternatives)
        sentence = tuple(statements), tuple(alternatives), entry.no_replacement
        change = changes.number((entry.kind.key, entry.kind.heading, entry.kind.separator))
        return change, subsystems.number(entry.subsystem), kfunc(entry.name), sentences.number(sentence)

    rectangles = [
        (*rectangle.firsts, *rectangle.lasts, *numbers(rectangle.entry)) for rectangle in differences.rectangles
    ]
    document = {
        "releases": [(release.name, release.lts) for release in differences.releases],
        "behind": [(name, release.position) for name, release in differences.behind],
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
    """Different values, numbered from 0 in the order in which they are first asked for."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        return self._numbers.setdefault(value, len(self._numbers))

    @property
    def values(self) -> list[Any]:
        return list(self._numbers)
