# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The options of conf.py.  Each is declared once, for registration, checks and the reference."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
from dataclasses import dataclass
from typing import Any, Callable, Optional

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

from kfuncdoc.base.diagnostics import not_among
from kfuncdoc.base.resources import packaged
from kfuncdoc.kernels.reference import ReferenceUnknown, reference_date
from kfuncdoc.kernels.releases import RELEASE
from kfuncdoc.pages.site_map import EXPORT, FEED, OVERVIEWS, SCHEMA
from kfuncdoc.record.declaration_files import SUFFIX

#: The short name of the declarations that come with kfuncdoc, in ``kfuncdoc_data``.
PACKAGED = "packaged"
#: The value of ``kfuncdoc_release`` that means the release of the project's own ``version``.
PROJECT = "project"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ConfigError(f"should be text, not {value!r}")
    return value


def _path(value: Any) -> str:
    return os.fspath(value) if isinstance(value, os.PathLike) else _text(value)


def _release(value: Any) -> str:
    text = _text(value)
    if text not in ("", PROJECT) and not RELEASE.fullmatch(text):
        number = re.fullmatch(r"v?(\d+)\.(\d+).*", text)
        hint = f"; write v{number[1]}.{number[2]}" if number else "; write it as a git tag, v6.10"
        raise ConfigError(f"'{text}' is no release{hint}")
    return text


def _date(value: Any) -> str:
    text = str(value) if hasattr(value, "isoformat") else _text(value)
    if text:
        try:
            reference_date(text, {})
        except ReferenceUnknown as error:
            raise ConfigError(str(error)) from None
    return text


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, (str, os.PathLike)) for item in value):
        raise ConfigError(f"should be a list of paths, not {value!r}")
    return tuple(os.fspath(item) for item in value)


def _overviews(value: Any) -> tuple[str, ...]:
    texts = (value.replace(",", " ").split()) if isinstance(value, str) else list(_texts(value))
    for name in texts:
        if name not in OVERVIEWS:
            raise ConfigError(not_among(name, OVERVIEWS))
    return ("index", *(name for name in OVERVIEWS[1:] if name in texts))


def _boolean(value: Any) -> bool:
    # The command line has texts only: -D kfuncdoc_links=0
    words = {"0": False, "false": False, "no": False, "off": False, "1": True, "true": True, "yes": True, "on": True}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    if value not in (False, True):
        raise ConfigError(f"should be True or False, not {value!r}")
    return bool(value)


def _feed(value: Any) -> bool:
    is_on = _boolean(value)
    if is_on and importlib.util.find_spec("feedgen") is None:
        raise ConfigError("feeds need feedgen, which comes with kfuncdoc[feed]: pip install '.[feed]' in a clone")
    return is_on


def _option(check: Callable[[Any], Any], default: Any, words: str) -> Any:
    return dataclasses.field(metadata={"check": check, "default": default, "help": words})


@dataclass(frozen=True)
class Options:
    """The checked options of conf.py; paths are absolute.  In conf.py each name has the prefix ``kfuncdoc_``."""

    data: tuple[str, ...] = _option(
        _texts,
        [],
        "Declarations from outside the source directory: files or folders, relative to conf.py. "
        f"``{PACKAGED!r}`` means those that come with kfuncdoc.",
    )
    pages: Optional[str] = _option(
        _path,
        "kfuncs",
        "The folder in which the declarations of ``kfuncdoc_data`` have their pages, relative to the source "
        "directory: each file one, and those of ``kfuncdoc_overviews`` about all. ``index`` "
        "leads to the others and belongs in a toctree. A document that stands there goes before the page of its "
        "name. Without pages, ``''``, the declarations only serve tables, references and notes. The folder may be "
        "an absolute path: a build that does not include it has no pages.",
    )
    overviews: tuple[str, ...] = _option(
        _overviews,
        list(OVERVIEWS),
        "Which pages about all declarations there are, besides ``index``: ``deprecated``, ``removed`` and ``changes``; "
        "``compare``, from one release to another, with a page for each release; and ``program-types``, what programs "
        "may call, with a page for each type.",
    )
    toctree: str = _option(
        _path,
        "",
        "A document whose first toctree gets the pages as its last entry, for a project whose documents cannot be "
        "edited. Relative to the source directory, or an absolute path, with or without a suffix.",
    )
    release: str = _option(
        _release,
        "",
        "The kernel release as of which pages speak. Default: the newest one out on the date. "
        f"``{PROJECT!r}`` means the one that the ``version`` of the project names, as it does in a kernel tree: "
        "of ``7.3.4`` that is v7.3, of one that is not out yet the newest before it.",
    )
    date: str = _option(
        _date, "", "The day as of which pages speak, as ``2026-09-01``. Default: ``SOURCE_DATE_EPOCH``, else today."
    )
    templates: tuple[str, ...] = _option(
        _texts, [], "Folders of templates, relative to conf.py, that go before kfuncdoc's own, by name."
    )
    notes: bool = _option(
        _boolean,
        True,
        "Whether the entry of a C function, be it ``c:function`` or kernel-doc, gets a note where it is a declared "
        "kfunc: a deprecation with what is left and the replacement, a removal, changes that broke callers, that it "
        "is new in the release; and the link to its record.",
    )
    links: bool = _option(
        _boolean,
        True,
        "Whether ``name()`` in running text, where it names a declared kfunc and no C function that is documented, "
        "becomes a link to its record.",
    )
    export: bool = _option(
        _boolean,
        True,
        "Whether builds of HTML write the record as ``kfuncs.json``, and ``kfuncs.schema.json``, into the folder of "
        "``kfuncdoc_pages``, and link them from the pages.",
    )
    feed: bool = _option(
        _feed,
        False,
        "Whether they write an Atom feed there, too, ``kfuncs.atom``: what was removed, changed in a way that callers "
        "notice, or deprecated. It has absolute links where ``html_baseurl`` says where the site is. Needs "
        "``kfuncdoc[feed]``.",
    )
    #: The ``version`` of the project, if the release follows it; this is not an option.
    version: str = dataclasses.field(default="", metadata={})

    @property
    def published(self) -> tuple[str, ...]:
        """The names of the published files of an HTML build; none if it has no folder of pages."""
        if self.pages is None:
            return ()
        return (*((EXPORT, SCHEMA) if self.export else ()), *((FEED,) if self.feed else ()))


#: The options, without the fields that are worked out from them.
OPTIONS = tuple(field for field in dataclasses.fields(Options) if field.metadata)


def register(app: Sphinx) -> None:
    """Declare the options to Sphinx.

    A changed option does not make Sphinx read all documents again, because the digests of requests tell exactly which
    ones are outdated.  The options check their types themselves: they allow a date instead of a text and a tuple
    instead of a list, and have clearer messages.
    """
    for option in OPTIONS:
        app.add_config_value(f"kfuncdoc_{option.name}", option.metadata["default"], "", Any)


def options_of(config: Config, confdir: str, srcdir: str) -> Options:
    """Return the options that *config* holds; raises ConfigError with the name of the one that is wrong."""
    values: dict[str, Any] = {}
    for option in OPTIONS:
        name = f"kfuncdoc_{option.name}"
        try:
            values[option.name] = option.metadata["check"](getattr(config, name))
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None
    values["data"] = tuple(_existing("kfuncdoc_data", confdir, path) for path in values["data"])
    values["templates"] = tuple(_existing("kfuncdoc_templates", confdir, path) for path in values["templates"])
    for path in values["templates"]:
        if not os.path.isdir(path):
            raise ConfigError(f"kfuncdoc_templates: '{path}' is no folder")
    values["pages"] = _folder(_within("kfuncdoc_pages", srcdir, values["pages"]))
    values["toctree"] = _document(config, _within("kfuncdoc_toctree", srcdir, values["toctree"]))
    if values["release"] == PROJECT:
        values["version"] = str(config.version)
    return Options(**values)


def _existing(option: str, confdir: str, path: str) -> str:
    if option == "kfuncdoc_data" and path == PACKAGED:
        return str(packaged("data"))
    absolute = os.path.normpath(os.path.join(confdir, path))
    if not os.path.lexists(absolute):
        raise ConfigError(f"{option}: there is no file or folder '{absolute}'")
    if option == "kfuncdoc_data" and not os.path.isdir(absolute) and not absolute.endswith(SUFFIX):
        raise ConfigError(f"{option}: '{absolute}' is no folder and no *{SUFFIX}")
    return absolute


def _within(option: str, srcdir: str, path: str) -> Optional[str]:
    """Return *path* relative to the source directory; None if *path* is None, or not part of this build.

    As elsewhere in Sphinx, ``/index`` is relative to the source directory, unless the file system has such a place.
    """
    if not path:
        return None
    if os.path.isabs(path) and not _is_a_place(path):
        path = path.lstrip(os.sep)
    # The path of the source directory may have symbolic links, and so may the paths in it.
    real, inside, outside = os.path.realpath(srcdir), os.path.normpath(os.path.join(srcdir, path)), ""
    while os.path.realpath(inside) != real:
        if os.path.dirname(inside) == inside:
            if os.path.isabs(path):
                return None
            raise ConfigError(f"{option}: '{path}' is not in the source directory")
        inside, outside = os.path.dirname(inside), f"{os.path.basename(inside)}/{outside}"
    return outside.rstrip("/") or "."


def _is_a_place(path: str) -> bool:
    top, _, rest = path.strip(os.sep).partition(os.sep)
    return bool(rest) and os.path.isdir(os.sep + top)


def _folder(path: Optional[str]) -> Optional[str]:
    """Return the prefix of the names of documents in a folder."""
    return "" if path == "." else f"{path}/" if path else None


def _document(config: Config, path: Optional[str]) -> str:
    """Return the name of the document at *path*, with or without one of the suffixes of sources."""
    suffix = next((suffix for suffix in config.source_suffix if (path or "").endswith(suffix)), "")
    return (path or "").removesuffix(suffix)
