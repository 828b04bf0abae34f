# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The declarations of one build.  They are loaded once, and only if something needs them.

A document gets everything from the declarations by *requests*: ``(kind, arguments)``.  The answer is a text.  Because
there is no other way, :mod:`kfuncdoc.sphinxext.freshness` knows exactly which documents are outdated.  This module
imports the loader and the renderer only when they are needed; a build without changes needs neither.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Optional

from sphinx.errors import ConfigError, ExtensionError

from kfuncdoc import __version__
from kfuncdoc.base.resources import packaged
from kfuncdoc.base.walk import walk
from kfuncdoc.kernels.reference import ReferenceUnknown, reference_date, reference_release, release_of_version
from kfuncdoc.pages.site_map import SiteMap
from kfuncdoc.record.address import address
from kfuncdoc.record.declaration_files import find
from kfuncdoc.sphinxext.options import PROJECT, Options

if TYPE_CHECKING:
    from kfuncdoc.kernels.releases import Release, ReleaseCalendar
    from kfuncdoc.pages.renderer import Renderer
    from kfuncdoc.record.catalog import Catalog

Request = tuple[str, tuple[object, ...]]

_MARK = re.compile("\ue000[^\ue000\ue001]*\ue001")
#: The loader refuses larger files (yaml_text.LARGEST_FILE, 4 MB), so the bytes after these change nothing.
_MOST_BYTES = 4_000_001


def date_of(options: Options) -> datetime.date:
    """Return the day as of which the pages of a build speak."""
    try:
        return reference_date(options.date, os.environ)
    except ReferenceUnknown as error:
        raise ConfigError(str(error)) from None


def release_of(options: Options, calendar: ReleaseCalendar, date: datetime.date) -> Release:
    """Return the release as of which the pages of a build speak."""
    try:
        if options.release == PROJECT:
            return release_of_version(options.version, calendar)
        return reference_release(options.release, calendar, date)
    except ReferenceUnknown as error:
        raise ConfigError(f"kfuncdoc_release: {error}") from None


class Session:
    """The options and the declaration documents of one build, and the answers to its requests.

    *site* has the documents that are pages of declarations.
    """

    def __init__(self, options: Options, site: SiteMap) -> None:
        self.options = options
        self.site = site
        self.date = date_of(options)
        self._answers: dict[Request, str] = {}
        self._catalog: Optional[Catalog] = None
        self._renderer: Optional[Renderer] = None

    # -- loading

    @property
    def loaded(self) -> bool:
        """Whether the declarations are loaded."""
        return self._catalog is not None

    @property
    def catalog(self) -> Catalog:
        """The declarations of the source directory and of ``kfuncdoc_data``."""
        if self._catalog is None:
            from kfuncdoc.record.load import load

            self._catalog = load(list(self._files()))
        return self._catalog

    @property
    def renderer(self) -> Renderer:
        """The renderer of the catalog, at the release and date of the options."""
        if self._renderer is None:
            from kfuncdoc.pages.renderer import Renderer
            from kfuncdoc.record.snapshot import Snapshot

            release = release_of(self.options, self.catalog.calendar, self.date)
            templates = self.options.templates
            self._renderer = Renderer(Snapshot(self.catalog, release, self.date), site=self.site, templates=templates)
        return self._renderer

    def release(self) -> None:
        """Drop the declarations, but keep the answers: Sphinx needs the memory to write pages.

        If something needs the declarations afterwards, they are loaded again.
        """
        self._catalog = self._renderer = None

    def _files(self) -> Iterator[str]:
        """Yield the declaration files, each once: documents come first, because they have pages."""
        seen = set()
        for path in (*self.site.declarations.values(), *find(self.options.data)):
            real = os.path.realpath(path)
            if real not in seen:
                seen.add(real)
                yield path

    # -- answers

    def answer(self, request: Request) -> str:
        """Return the answer to a request: rst with marks, but a word for ``address``, and JSON for facts.

        The answer for a kfunc that is not declared is the empty string.
        """
        if request not in self._answers:
            from kfuncdoc.pages.templates import TemplateFailed

            try:
                self._answers[request] = self._answered(*request)
            except TemplateFailed as error:
                raise ExtensionError(f"kfuncdoc template {error}") from error
        return self._answers[request]

    def _answered(self, kind: str, arguments: tuple[object, ...]) -> str:
        answers: Mapping[str, Callable[..., str]] = {
            "page": self._page, "toctree": self._toctree, "table": self._table, "summary": self.renderer.summary,
            "changes": self._changes, "facts": self._facts, "time": self._time, "comparison": self._comparison,
            "note": self._note, "lifecycle": self._lifecycle, "address": self._address,
        }  # fmt: skip
        return answers[kind](*arguments)

    def _toctree(self, docname: str) -> str:
        index = f"{self.site.folder}index"
        return index if index in self.site.pages and docname == self.options.toctree else ""

    def _table(self, *selection: Any) -> str:
        from kfuncdoc.pages.selection import Selection

        return self.renderer.table(Selection(*selection))

    def _changes(self, first: str, last: str, sections: bool) -> str:
        after, up_to = (self.catalog.calendar[name] if name else None for name in (first, last))
        return self.renderer.changes(after, up_to, sections=sections)

    def _facts(self, *names: str) -> str:
        from kfuncdoc.pages.script_facts import table_facts

        return table_facts(self.renderer.pages, names)

    def _time(self, *names: str) -> str:
        from kfuncdoc.pages.script_facts import time_facts

        return time_facts(self.renderer.pages, names)

    def _comparison(self) -> str:
        from kfuncdoc.views.any_two import as_json

        return as_json(self.renderer.compared, self.places)

    def _note(self, name: str, named: bool) -> str:
        has_note = self.options.notes and name in self.catalog.entries
        return self.renderer.note(name, named=named) if has_note else ""

    def _lifecycle(self, name: str) -> str:
        return self.renderer.lifecycle(name) if self.catalog.get(name) else ""

    def _address(self, name: str) -> str:
        if name not in self.catalog.entries:
            return ""
        return address(name) if self.renderer.has_section(name) else name

    def _page(self, docname: str) -> str:
        page = self.site.generated.get(docname)
        # A file with two paths, because of a symbolic link, is loaded once.
        is_loaded = page is not None and page.subject in {file.path for file in self.catalog.subsystems}
        return self.renderer.page(page) if page and (page.kind != "subsystem" or is_loaded) else ""

    @property
    def addresses(self) -> dict[str, str]:
        """The address of each kfunc that a page shows."""
        return {name: address(name) for name in sorted(self.catalog.entries) if self.renderer.has_section(name)}

    @property
    def places(self) -> dict[str, str]:
        """The place of each kfunc that a page shows: ``DOCUMENT#LABEL``."""
        return {name: f"{self.renderer.section_of(name)}#{label}" for name, label in self.addresses.items()}

    def file_of(self, docname: str) -> str:
        """Return the path of the file that warnings about the page *docname* name."""
        page = self.site.generated[docname]
        return page.subject if page.kind == "subsystem" else str(packaged("templates") / page.template)

    # -- the inputs of the answers

    @cached_property
    def fingerprint(self) -> str:
        """A digest of all inputs of the answers, computed without loading declarations.

        It is computed once, before anything is loaded, so that the next build notices files that change during this
        one.
        """
        state = hashlib.blake2b(digest_size=16)
        for part in (__version__, str(self.date), self.options, self.site):
            state.update(repr(part).encode())
        for path in self._inputs():
            state.update(path.encode("utf-8", "surrogateescape"))
            state.update(_content(path))
        return state.hexdigest()

    def _inputs(self) -> Iterator[str]:
        yield from sorted(self.site.declarations.values())
        yield from find(self.options.data)
        for path in (packaged("data"), packaged("templates"), *self.options.templates):
            yield from _files_below(str(path))


def _files_below(path: str) -> Iterator[str]:
    """Yield every file below *path*, also through links: a template may include a file of any name."""
    if not os.path.isdir(path):
        yield path
        return
    for folder in walk(path, follow_links=True):
        yield folder.path  # so that a folder that cannot be read differs from one that can
        yield from (os.path.join(folder.path, name) for name in folder.files)


def _content(path: str) -> bytes:
    """Return a digest of a file; a path that cannot be read, or is no file, has a digest of its own."""
    try:
        # It is opened without waiting, because the build must not wait for a pipe.
        with open(path, "rb", opener=_without_waiting) as stream:
            return hashlib.blake2b(stream.read(_MOST_BYTES), digest_size=16).digest()
    except OSError as error:
        return str(error.errno).encode()


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def digest(answer: str) -> str:
    """Return the digest of an answer without its marks, so that it does not change when only line numbers change."""
    return hashlib.blake2b(f"{__version__}\n{_MARK.sub('', answer)}".encode(), digest_size=12).hexdigest()
