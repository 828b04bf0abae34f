# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The declarations of one build, loaded once and only when something asks.

A *request* is whatever a document takes from the declarations: ``(kind, arguments)``, answered by a
text.  That a session answers nothing else is what makes freshness exact, see ``freshness``.  This
module imports the loader and the renderer only when they are needed: a build in which nothing
changed needs neither.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Sequence

from sphinx.errors import ConfigError, ExtensionError

from kfuncdoc import __version__
from kfuncdoc.base.resources import packaged
from kfuncdoc.base.walk import walk
from kfuncdoc.kernels.reference import ReferenceUnknown, reference_date, reference_release, release_of_version
from kfuncdoc.record.address import address
from kfuncdoc.record.declaration_files import EXPORT, FEED, SCHEMA, find
from kfuncdoc.sphinxext.options import PROJECT, Options

if TYPE_CHECKING:
    from kfuncdoc.kernels.releases import Release, ReleaseCalendar
    from kfuncdoc.pages.renderer import Renderer
    from kfuncdoc.record.catalog import Catalog

Request = tuple[str, tuple[object, ...]]

_MARK = re.compile("\ue000[^\ue000\ue001]*\ue001")
#: The loader refuses files that are larger than 4 MB (source.LARGEST_FILE), so the rest of one changes nothing.
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
    """What one build knows: the options, the declaration documents, and from them all answers.

    *documents* are the paths of the declaration files that have pages, by document name; *overviews*
    are the documents about all declarations, with the subject of each, see ``declaration_files.overviews``;
    *contents* are the names of the pages that there are in the folder of pages.
    """

    def __init__(
        self,
        options: Options,
        documents: Mapping[str, str],
        overviews: Mapping[str, str],
        contents: Sequence[str],
    ) -> None:
        self.options = options
        self.documents = dict(documents)
        self.overviews = dict(overviews)
        self.contents = tuple(contents)
        self.date = date_of(options)
        self._answers: dict[Request, str] = {}

    @property
    def published(self) -> tuple[str, ...]:
        """The files for machines that a build of HTML has in the folder of the pages: none where it has no pages."""
        if self.options.pages is None or not self.documents:
            return ()
        return (*((EXPORT, SCHEMA) if self.options.export else ()), *((FEED,) if self.options.feed else ()))

    # -- loading

    @property
    def loaded(self) -> bool:
        """Whether something has asked for the declarations."""
        return "catalog" in vars(self)

    @cached_property
    def catalog(self) -> Catalog:
        """The declarations of the source directory and of ``kfuncdoc_data``."""
        from kfuncdoc.record.load import load

        return load(list(self._files()))

    def release(self) -> None:
        """Let go of the declarations, but not of the answers: Sphinx needs the memory to write pages.

        Should something ask after all, they are loaded again.
        """
        if "renderer" in vars(self):
            # These refer to each other, and it would take Python's collector long to find that out.
            for part in (self.renderer.pages, self.renderer):
                vars(part).clear()
        for name in ("renderer", "catalog", "_with_pages"):
            vars(self).pop(name, None)

    def _files(self) -> Iterator[str]:
        """Yield the declaration files, each once: the documents first, as they have pages."""
        seen = set()
        for path in (*self.documents.values(), *find(self.options.data)):
            real = os.path.realpath(path)
            if real not in seen:
                seen.add(real)
                yield path

    @cached_property
    def renderer(self) -> Renderer:
        """The renderer of the catalog, at the release and date of the options."""
        from kfuncdoc.pages.renderer import Renderer

        catalog = self.catalog
        release = release_of(self.options, catalog.calendar, self.date)
        return Renderer(
            catalog, release, self.date, templates=self.options.templates, linked=self.linked,
            chosen=self.options.overviews, contents=self.contents, published=self.published,
            written=frozenset(self.overviews.values()),
        )  # fmt: skip

    @cached_property
    def _with_pages(self) -> frozenset[str]:
        """The kfuncs that a document declares."""
        paths = set(self.documents.values())
        return frozenset(name for name, (subsystem, _) in self.catalog.entries.items() if subsystem.path in paths)

    def linked(self, name: str) -> bool:
        """Whether some page shows the kfunc *name*; none does that is to come after the release."""
        if name not in self._with_pages:
            return False
        view = self.renderer.pages.view(name)
        return view is None or view.stability != "not yet"

    # -- answers

    def answer(self, request: Request) -> str:
        """Return the text that a request gives now: rst with marks, but of ``address`` a word, of facts JSON.

        A kfunc that is not declared gives the empty string.
        """
        if request not in self._answers:
            from kfuncdoc.pages.renderer import TemplateFailed

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
        leads = "index" in self.contents and docname == self.options.toctree
        return f"{self.options.pages}index" if leads else ""

    def _table(self, *selection: Any) -> str:
        from kfuncdoc.pages.renderer import Selection

        return self.renderer.table(Selection(*selection))

    def _changes(self, first: str, last: str, sections: bool) -> str:
        after, up_to = (self.catalog.calendar[name] if name else None for name in (first, last))
        return self.renderer.changes(after, up_to, sections=sections)

    def _facts(self, *names: str) -> str:
        from kfuncdoc.pages.table_facts import table_facts

        return table_facts(self.renderer.pages, names)

    def _time(self, *names: str) -> str:
        from kfuncdoc.pages.time_facts import time_facts

        return time_facts(self.renderer.pages, names)

    def _comparison(self) -> str:
        from kfuncdoc.views.any_two import as_json

        return as_json(self.renderer.compared, self.places)

    def _note(self, name: str, named: bool) -> str:
        told = self.options.notes and name in self.catalog.entries
        return self.renderer.note(name, named=named) if told else ""

    def _lifecycle(self, name: str) -> str:
        return self.renderer.lifecycle(name) if self.catalog.get(name) else ""

    def _address(self, name: str) -> str:
        if name not in self.catalog.entries:
            return ""
        return address(name) if self.linked(name) else name

    def _page(self, docname: str) -> str:
        if docname in self.overviews:
            return self.renderer.overview(self.overviews[docname])
        path = self.documents.get(docname)
        return next((self.renderer.subsystem(file) for file in self.catalog.subsystems if file.path == path), "")

    @property
    def addresses(self) -> dict[str, str]:
        """The address of each kfunc that a page shows."""
        return {name: address(name) for name in sorted(self._with_pages) if self.linked(name)}

    @property
    def places(self) -> dict[str, str]:
        """Where each kfunc that a page shows is: ``DOCUMENT#LABEL``."""
        documents = {path: docname for docname, path in self.documents.items()}
        files = {name: self.catalog.entries[name][0].path for name in self.addresses}
        return {name: f"{documents[path]}#{address(name)}" for name, path in files.items()}

    def file_of(self, docname: str) -> str:
        """Return the path of the file to name where something is wrong in the page *docname*."""
        from kfuncdoc.pages.renderer import template_of

        return self.documents.get(docname) or str(packaged("templates") / template_of(self.overviews[docname]))

    # -- what the answers depend on

    @cached_property
    def fingerprint(self) -> str:
        """A digest of everything that answers depend on, made without loading any of it.

        It is made once, before anything is loaded: what changes on the disk while the build goes on
        is for the next build to find.
        """
        state = hashlib.blake2b(digest_size=16)
        pages = sorted({**self.documents, **self.overviews}.items())
        for part in (__version__, str(self.date), self.options, pages, self.contents):
            state.update(repr(part).encode())
        for path in self._inputs():
            state.update(path.encode("utf-8", "surrogateescape"))
            state.update(_content(path))
        return state.hexdigest()

    def _inputs(self) -> Iterator[str]:
        yield from sorted(self.documents.values())
        yield from find(self.options.data)
        for path in (packaged("data"), packaged("templates"), *self.options.templates):
            yield from _files_below(str(path))


def _files_below(path: str) -> Iterator[str]:
    """Yield every file below *path*, through links too: a template may include a file of any name."""
    if not os.path.isdir(path):
        yield path
        return
    for folder in walk(path, follow_links=True):
        yield folder.path  # a folder that cannot be read has other content than one that can
        yield from (os.path.join(folder.path, name) for name in folder.files)


def _content(path: str) -> bytes:
    """Return a digest of a file; one that cannot be read, or is none, has that as its content."""
    try:
        # Without waiting: a pipe in place of a file must not hold up the build.
        with open(path, "rb", opener=_without_waiting) as stream:
            return hashlib.blake2b(stream.read(_MOST_BYTES), digest_size=16).digest()
    except OSError as error:
        return str(error.errno).encode()


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def digest(answer: str) -> str:
    """Return what is stored of an answer; marks are not in it, so that a line more elsewhere changes nothing."""
    return hashlib.blake2b(f"{__version__}\n{_MARK.sub('', answer)}".encode(), digest_size=12).hexdigest()
