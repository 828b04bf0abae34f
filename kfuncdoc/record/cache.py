# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The packaged record as it was loaded before, so that a command that only looks something up starts quickly.

::

    data/*.yaml, the code that reads them --digest--> CACHE/record-DIGEST.pickle --> Catalog

The digest covers the content and the path of every file of ``data/``, the code of the packages that make the catalog,
and the versions of Python and pydantic.  Whatever changes, the name of the file is another one, so no entry is ever out
of date.  A file that cannot be read, is damaged, or could have been written by somebody else is as good as none.
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
#: The entries that are kept, the newest: one for each version of kfuncdoc and Python that is used in turn.
_MOST_ENTRIES = 4
_NAME = "record-*.pickle"


def cached(files: Sequence[str], load: Callable[[], Catalog]) -> Catalog:
    """Return the catalog of the packaged *files* from the cache, else what *load* returns, and keep that.

    The cache is ``kfuncdoc`` in ``XDG_CACHE_HOME``, by default in ``~/.cache``.  Nothing is kept where there is no such
    folder and none can be made.
    """
    entry = _entry(files)
    catalog = _read(entry) if entry else None
    if catalog is None:
        catalog = load()
        if entry:
            _write(entry, catalog)
    return catalog


def _entry(files: Sequence[str]) -> Optional[Path]:
    """Return the file for the catalog of *files*; None where nothing can be kept."""
    # Systems without users of this kind do not tell who wrote a file.
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
    """Return the catalog in the file *entry*; None where there is none that can be trusted."""
    try:
        if not (_is_ours(os.stat(entry.parent)) and _is_ours(os.lstat(entry))):
            return None
        with open(entry, "rb") as stream, _garbage_left_alone():
            catalog = pickle.load(stream)  # noqa: S301 - only this user can have written it
    except Exception:  # pickle lets errors of all kinds out of damaged files
        return None
    return catalog if isinstance(catalog, Catalog) else None


def _is_ours(status: os.stat_result) -> bool:
    """Whether only this user can have written what has *status*: reading a pickle can run any code."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _write(entry: Path, catalog: Catalog) -> None:
    """Keep *catalog*, whole or not at all, and remove the oldest entries."""
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
    """Keep Python from looking for garbage in what is made now, all of which stays as long as the command runs."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()
