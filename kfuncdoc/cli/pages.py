# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands that write pages and the files published beside them: render, overlay, export and feed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Mapping, Optional

from kfuncdoc.cli import arguments
from kfuncdoc.cli.command import CLEAN, FINDINGS, Command, Refused, argument, reason, refuse
from kfuncdoc.cli.inputs import existing, load_catalog, refuse_errors, release_at, sound_catalog
from kfuncdoc.cli.output import put, tell

if TYPE_CHECKING:
    import datetime

    from kfuncdoc.record.catalog import Catalog
    from kfuncdoc.views.kfunc import KfuncViews


@dataclass(frozen=True)
class RenderCommand(Command):
    word = "render"
    summary = "Write the pages as plain reStructuredText."

    data: tuple[str, ...] = arguments.data()
    output: str = argument("-o", "--output", metavar="DIR", required=True, help="the folder to write to")
    templates: tuple[str, ...] = argument(
        "--templates", metavar="DIR", action="append", default=[],
        help="a folder of templates that replace the packaged ones",
    )  # fmt: skip
    all: bool = argument(
        "--all", action="store_true", help="also the pages of releases and of program types, which are many"
    )
    release: Optional[str] = arguments.release()
    date: datetime.date = arguments.date()

    def run(self) -> int:
        from kfuncdoc.pages import page_files

        texts = self._texts()
        try:
            result = page_files.write(texts, self.output)
        except OSError as error:
            refuse(f"cannot write {error.filename or self.output}: {reason(error)}")
        if result.refused:
            paths = [os.path.join(self.output, name) for name in result.refused]
            foreign = [f"kfuncdoc: {path} was not written by kfuncdoc, or was changed since" for path in paths]
            raise Refused([*foreign, "kfuncdoc: nothing was written"], FINDINGS)
        counts = {"written": result.written, "unchanged": result.unchanged, "pruned": result.pruned}
        tell(", ".join(f"{len(names)} {what}" for what, names in counts.items()))
        return CLEAN

    def _texts(self) -> Mapping[str, str]:
        """Return the text of each page, by the name of its file."""
        from kfuncdoc.pages import page_files
        from kfuncdoc.pages.renderer import Renderer
        from kfuncdoc.pages.site_map import BASIC_OVERVIEWS, OVERVIEWS, by_page, site_of
        from kfuncdoc.pages.templates import TemplateFailed
        from kfuncdoc.record.snapshot import Snapshot

        catalog = load_catalog(self.data)
        release = release_at(self.release, catalog.calendar, self.date)
        _, clashes = by_page(subsystem.path for subsystem in catalog.subsystems)
        refuse_errors([*catalog.diagnostics, *clashes])
        for folder in self.templates:
            if not os.path.isdir(folder):
                refuse(f"there is no folder of templates '{folder}'")
        site = site_of(catalog, release, OVERVIEWS if self.all else BASIC_OVERVIEWS)
        snapshot = Snapshot(catalog, release, self.date)
        try:
            return page_files.pages(Renderer(snapshot, site=site, templates=self.templates))
        except TemplateFailed as error:
            refuse(f"template {error}")


@dataclass(frozen=True)
class OverlayCommand(Command):
    word = "overlay"
    summary = "Write a Sphinx configuration that adds the pages to the docs of a kernel tree."

    folder: str = argument(metavar="DIR", help="the folder to write conf.py to, outside of the tree")
    tree: str = argument("--tree", metavar="TREE", default=".", help="the kernel tree (default: this folder)")
    data: tuple[str, ...] = arguments.data()

    def run(self) -> int:
        from kfuncdoc.cli import overlay

        existing(self.data)
        data = [os.path.abspath(path) for path in self.data] or ["packaged"]
        put(f"{overlay.write(self.folder, self.tree, data)}\n")
        return CLEAN


@dataclass(frozen=True)
class ExportCommand(Command):
    word = "export"
    summary = "Write the record as JSON."

    data: tuple[str, ...] = arguments.data()
    output: Optional[str] = arguments.output()
    release: Optional[str] = arguments.release()
    date: datetime.date = arguments.date()

    def run(self) -> int:
        from kfuncdoc.pages.export import export

        put(export(_views(sound_catalog(self.data), self.release, self.date)), self.output)
        return CLEAN


@dataclass(frozen=True)
class FeedCommand(Command):
    word = "feed"
    summary = "Write what happened as an Atom feed."

    data: tuple[str, ...] = arguments.data()
    base_url: str = argument(
        "--base-url", metavar="URL", default="",
        help="the address of the HTML pages (default: beside the feed)",
    )  # fmt: skip
    output: Optional[str] = arguments.output()
    release: Optional[str] = arguments.release()
    date: datetime.date = arguments.date()

    def run(self) -> int:
        from kfuncdoc.pages.feed import below, feed
        from kfuncdoc.pages.site_map import FEED
        from kfuncdoc.record.address import address

        catalog = sound_catalog(self.data)

        def url_of(path: str) -> str:
            return below(self.base_url, path)

        def url_of_kfunc(name: str) -> str:
            return url_of(f"{catalog.entries[name][0].page}.html#{address(name)}")

        views = _views(catalog, self.release, self.date)
        try:
            text = feed(views, where=url_of_kfunc, home=url_of("index.html"), own=url_of(FEED))
        except ImportError:
            refuse("feeds need feedgen, which comes with kfuncdoc[feed]: pip install '.[feed]' in a clone")
        put(text, self.output)
        return CLEAN


def _views(catalog: Catalog, release: Optional[str], date: datetime.date) -> KfuncViews:
    """Return the kfuncs of *catalog* at *release*, by default the newest one that is out on *date*."""
    from kfuncdoc.record.snapshot import Snapshot
    from kfuncdoc.views.kfunc import KfuncViews

    return KfuncViews(Snapshot(catalog, release_at(release, catalog.calendar, date), date))
