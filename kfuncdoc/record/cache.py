# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A cache of the loaded packaged record, so that commands start faster.

::

    data/*.yaml, the code that reads them --digest--> CACHE/record-DIGEST.pickle --> Catalog

The digest covers the content and the path of every file of ``data/``, the code of the packages that make the catalog,
and the versions of Python and pydantic.  If any of these changes, the file has another name, so no entry is ever out of
date.  A file is not used if it cannot be read, is damaged, or could have been written by another user.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import pickle
import stat
import sys
import tempfile
from pathlib import Path
from typing import Callable, Iterator, Optional, Sequence

from pydantic import VERSION as PYDANTIC

from kfuncdoc.base.resources import packaged
from kfuncdoc.record.catalog import Catalog

#: The packages whose code decides what a catalog is.
_PACKAGES = ("base", "bpf", "kernels", "record")
#: How many entries are kept, the newest ones: there is one for each version of kfuncdoc and Python.
_MOST_ENTRIES = 4
_NAME = "record-*.pickle"


def cached(files: Sequence[str], load: Callable[[], Catalog]) -> Catalog:
    """Return the catalog of the packaged *files* from the cache; if it is not there, call *load* and keep the result.

    The cache is ``kfuncdoc`` in ``XDG_CACHE_HOME``, by default in ``~/.cache``.  Nothing is kept if this folder
    cannot be made.
    """
    entry = _entry(files)
    catalog = _read(entry) if entry else None
    if catalog is None:
        catalog = load()
        if entry:
            _write(entry, catalog)
    return catalog


def _entry(files: Sequence[str]) -> Optional[Path]:
    """Return the file for the catalog of *files*; None if nothing can be kept."""
    # Without user numbers, as on Windows, nobody can tell who wrote a file.
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(home) or not hasattr(os, "geteuid"):
        return None
    digest = hashlib.sha256(f"{sys.version} {PYDANTIC}".encode())
    code = Path(__file__).resolve().parents[1]
    sources = [path for package in _PACKAGES for path in sorted((code / package).glob("*.py"))]
    try:
        for path in [*sorted(packaged("data").glob("*.yaml")), *sources, *map(Path, files)]:
            content = path.read_bytes()
            digest.update(f"\0{path}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
            digest.update(content)
    except OSError:
        return None
    return Path(home, "kfuncdoc", f"record-{digest.hexdigest()[:32]}.pickle")


def _read(entry: Path) -> Optional[Catalog]:
    """Return the catalog in the file *entry*; None if there is none, or it cannot be trusted."""
    try:
        if not (_is_ours(os.stat(entry.parent)) and _is_ours(os.lstat(entry))):
            return None
        with open(entry, "rb") as stream, _garbage_left_alone():
            catalog = pickle.load(stream)  # noqa: S301 - only this user can have written it
    except Exception:  # pickle raises errors of all kinds for damaged files
        return None
    return catalog if isinstance(catalog, Catalog) else None


def _is_ours(status: os.stat_result) -> bool:
    """Whether only this user can write the file or folder with *status*: reading a pickle can run any code."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _write(entry: Path, catalog: Catalog) -> None:
    """Write *catalog* to *entry*, whole or not at all, and remove the oldest entries."""
    with contextlib.suppress(OSError):
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(os.stat(entry.parent)):
            return
        descriptor, temporary = tempfile.mkstemp(dir=entry.parent)
        try:
            with open(descriptor, "wb") as stream:
                pickle.dump(catalog, stream, protocol=pickle.HIGHEST_PROTOCOL)
            os.replace(temporary, entry)
        except BaseException:
            os.unlink(temporary)
            raise
        by_age = sorted(entry.parent.glob(_NAME), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in by_age[_MOST_ENTRIES:]:
            path.unlink()


@contextlib.contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Stop garbage collection: all objects that are made now are used until the command ends."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()
