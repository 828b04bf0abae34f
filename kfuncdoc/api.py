# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The public Python API, as ``import kfuncdoc`` offers it; see ``docs/reference/api.rst``.

::

    load --> Catalog --snapshot, diff, audit_objects--> Snapshot, Difference, Report

Each function takes a release by the name of its git tag, ``v6.12``, and a day as a :class:`datetime.date` or as the
text ``2026-11-28``.  It imports the modules that it needs when it is called.
"""

from __future__ import annotations

import datetime
import os
from typing import Any, Iterable, Optional, Sequence, Union

from kfuncdoc.audit.engine import AuditRequest
from kfuncdoc.audit.engine import run as run_audit
from kfuncdoc.audit.findings import Report, Unreadable
from kfuncdoc.base.progress import Track
from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.objects import BpfObject
from kfuncdoc.compat.kernels import KernelRecord
from kfuncdoc.kernels.reference import reference_date, reference_release
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.difference import Difference, difference

PathOrText = Union[str, "os.PathLike[str]"]
Day = Union[str, datetime.date, None]


def load(*paths: PathOrText) -> Catalog:
    """Return the catalog of the declarations in *paths*, files or folders; by default the packaged record.

    A mistake in a declaration raises nothing: ``catalog.diagnostics`` reports it, and the declaration is left out.
    Raises :exc:`FileNotFoundError` if one of *paths* does not exist.
    """
    from kfuncdoc.record.load import load as load_files

    names = [os.fspath(path) for path in paths] or [str(packaged("data"))]
    for name in names:
        if not os.path.lexists(name):
            raise FileNotFoundError(f"there is no file or folder '{name}'")
    return load_files(find(names))


def snapshot(catalog: Catalog, release: Optional[str] = None, date: Day = None) -> Snapshot:
    """Return *catalog* at *release*, seen on *date*.

    By default *date* is ``SOURCE_DATE_EPOCH``, else today (UTC), and *release* is the newest one that is out on that
    day.  Raises :exc:`ReferenceUnknown`, a ValueError, if one of them cannot be used.
    """
    day = reference_date(_text(date), os.environ)
    return Snapshot(catalog, reference_release(release, catalog.calendar, day), day)


def diff(catalog: Catalog, first: str, last: str) -> Difference:
    """Return what happened to kfuncs after the release *first*, up to *last*, on whatever day it is asked.

    Raises :exc:`KernelUnknown`, a ValueError, where the record does not reach a release,
    or *last* comes before *first*.
    """
    from kfuncdoc.audit.asked_kernels import recorded_range

    # What happened up to a release does not depend on the day on which it is told: any day will do.
    record = KernelRecord.whole(catalog, catalog.calendar.real[-1].date)
    start, end = recorded_range(record, first, last)
    return difference(record.snapshot.at(end), start)


def read_objects(
    paths: Union[PathOrText, Iterable[PathOrText]], track: Track = iter
) -> tuple[list[BpfObject], list[Unreadable]]:
    """Return the BPF objects at *paths*, a path or several, and those that cannot be read.

    A path is an object, a library of objects (``.a``), a program or skeleton header with objects in it, a folder with
    any of these, or ``-`` for standard input.  *track* wraps the paths as they are read, to show progress.  Raises
    :exc:`ImportError` where ``kfuncdoc[scan]`` is not installed.
    """
    from kfuncdoc.scan.binary.objects import find_objects, read_each
    from kfuncdoc.scan.errors import Unscannable

    files, unreadable_folders = find_objects(list(map(os.fspath, _several(paths))))
    objects: list[BpfObject] = []
    unreadable = [Unreadable(path, message) for path, message in unreadable_folders]
    for path in track(files):
        for read in read_each(path):
            if isinstance(read, Unscannable):
                unreadable.append(Unreadable(read.path, read.message))
            else:
                objects.append(read)
    return objects, unreadable


def audit_objects(
    paths: Union[PathOrText, Iterable[PathOrText]],
    *,
    catalog: Optional[Catalog] = None,
    kernels: Union[str, Sequence[str]] = (),
    first: Optional[str] = None,
    last: Optional[str] = None,
    long_term: bool = False,
    date: Day = None,
    loader: str = "libbpf",
    optional: bool = False,
) -> Report:
    """Return what the record says of the BPF objects at *paths*, a path or several, on the kernels asked for.

    The kernels asked for are the releases *kernels*, one or several, those from *first* to *last*, and the maintained
    long-term ones if *long_term*.  Without any of these, each object is audited on all recorded releases from the first
    one that has every kfunc that the object needs.  With *optional*, optional programs (``SEC("?...")``) count, and
    functions that no program calls: libbpf loads neither.  An object that cannot be read raises nothing: it is in
    ``report.unreadable``.  Raises :exc:`KernelUnknown`, a ValueError, where the record does not reach a kernel, and
    :exc:`ImportError` where ``kfuncdoc[scan]`` is not installed.

    *loader* is the library that loads the objects, ``libbpf`` or ``cilium``.  Raises :exc:`ValueError` for another one.
    """
    from kfuncdoc.audit.asked_kernels import asked_for
    from kfuncdoc.audit.loaders import LOADERS

    if loader not in LOADERS:
        raise ValueError(f"there is no loader '{loader}': known are {', '.join(LOADERS)}")
    record = KernelRecord.whole(load() if catalog is None else catalog, reference_date(_text(date), os.environ))
    asked = asked_for(record, first=first, last=last, names=_several(kernels), long_term=long_term)
    objects, unreadable = read_objects(paths)
    return run_audit(AuditRequest(objects, record, asked, unreadable, loader=LOADERS[loader], optional=optional))


def export(snapshot: Snapshot) -> dict[str, Any]:
    """Return every kfunc of *snapshot* as ``kfuncdoc export`` writes it: mappings, lists, text and numbers."""
    from kfuncdoc.pages.export import exported
    from kfuncdoc.views.kfunc import KfuncViews

    return exported(KfuncViews(snapshot)).model_dump(mode="json")


def _text(date: Day) -> Optional[str]:
    return date.isoformat() if isinstance(date, datetime.date) else date


def _several(given: Any) -> Sequence[Any]:
    """Return what is *given* as a sequence: a text or a path is one, and not its letters."""
    return [given] if isinstance(given, (str, os.PathLike)) else list(given)
