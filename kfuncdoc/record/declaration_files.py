# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declaration files by their names alone: the suffix, where they are found, and how what is made of them is called.

Nothing is read here and nothing but the standard library is needed, so that a build in which nothing
changed can afford it.
"""

from __future__ import annotations

import os
import re
from typing import Iterable, Iterator, Optional, Sequence

from kfuncdoc.base.diagnostics import Diagnostic, Rule
from kfuncdoc.base.walk import walk
from kfuncdoc.record.address import program_type_page

#: The suffix of declaration files, in the manner of ``.bpf.c``.
SUFFIX = ".kfuncs.yaml"
#: The pages about all declarations: which of them a project can choose.
OVERVIEWS = ("index", "deprecated", "removed", "changes", "compare", "program-types")
#: Those that are there whatever is chosen: one page each, and few.
BASIC_OVERVIEWS = OVERVIEWS[:4]
#: What the name of a page below ``compare`` or ``program-types`` looks like.
_OF_ONE = re.compile(r"release-v\d+\.\d+|program-type-.*", re.DOTALL)
#: What toctrees, references and their patterns read as markup.
_MARKUP = re.compile(r"[<>`*?\[\]\\]")
#: What a toctree takes for itself, and what paths take for folders.
_NO_DOCUMENTS = ("self", ".", "..")
#: The files for machines beside the pages: the record, its JSON Schema, and the feed of what happened.
EXPORT, SCHEMA, FEED = "kfuncs.json", "kfuncs.schema.json", "kfuncs.atom"


def find(paths: Iterable[str]) -> list[str]:
    """Return the declaration files that *paths* name: files as they are, folders searched in order.

    A file that is named twice is read once.  Folders whose name begins with a dot or an underscore
    are left out, and virtual environments.  Symbolic links to folders are not followed.  A folder that cannot
    be read is in the list too, with a separator at its end: see :func:`is_unreadable_folder`.
    """
    files: dict[str, str] = {}
    for path in paths:
        searched = os.path.isdir(path) and not path.endswith(SUFFIX)
        for file in _below(path) if searched else (path,):
            files.setdefault(os.path.abspath(file), file)
    return list(files.values())


def _below(top: str) -> Iterator[str]:
    """Yield the declaration files below the folder *top*, and the folders there that cannot be read."""
    for folder in walk(top, enters=_may_hold_declarations):
        if folder.error is not None:
            yield os.path.join(os.path.normpath(folder.path), "")
        names = (*folder.files, *(name for name in folder.folders if not _is_left_out(folder.path, name)))
        yield from (
            os.path.normpath(os.path.join(folder.path, name)) for name in sorted(names) if name.endswith(SUFFIX)
        )


def _may_hold_declarations(folder: str, name: str) -> bool:
    return not name.endswith(SUFFIX) and not _is_left_out(folder, name)


def _is_left_out(folder: str, name: str) -> bool:
    return name.startswith((".", "_")) or os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))


def is_unreadable_folder(path: str) -> bool:
    """Whether *path*, as :func:`find` gave it, is a folder that it could not search."""
    return path.endswith(os.sep)


def unreadable_folder(path: str) -> Diagnostic:
    """Return what is wrong with a folder that :func:`find` could not search."""
    try:
        with os.scandir(path):
            message = "the folder could not be read, and now it can"
    except OSError as error:
        message = f"the folder cannot be read: {(error.strerror or str(error)).lower()}"
    return Diagnostic(path, 0, 0, Rule.UNREADABLE, message, "what it declares is missing everywhere")


def page_name(path: str) -> str:
    """Return the name of the page of a declaration file: its own without the suffix."""
    name = os.path.basename(path)
    return name[: -len(SUFFIX)] if name.endswith(SUFFIX) else name


def release_page(release: str) -> str:
    """Return the name of the page that tells what the release *release* changed."""
    return f"release-{release}"


def overviews(chosen: Sequence[str], releases: Iterable[str], program_types: Iterable[str]) -> dict[str, str]:
    """Return the pages about all declarations that the overviews *chosen* are, by name, each with its subject.

    That is a release or a program type, for the pages of which there is one for each; else the name itself.
    """
    pages = {name: name for name in OVERVIEWS if name in chosen}
    if "compare" in chosen:
        pages.update((release_page(release), release) for release in releases)
    if "program-types" in chosen:
        pages.update((program_type_page(program_type), program_type) for program_type in program_types)
    return pages


def is_overview(name: str) -> bool:
    """Whether *name* is, or may become, that of a page about all declarations."""
    return name in OVERVIEWS or _OF_ONE.fullmatch(name) is not None


def by_page(paths: Iterable[str]) -> tuple[dict[str, str], list[Diagnostic]]:
    """Return the file of each page by the page's name, and a diagnostic for each file that gets no page.

    Names that differ in case alone are one page on many file systems, so the second gets none.  Of a folder that
    cannot be read the loader tells.
    """
    pages: dict[str, str] = {}
    clashes: list[Diagnostic] = []
    taken: dict[str, str] = {}
    for path in paths:
        if is_unreadable_folder(path):
            continue
        name = page_name(path)
        wrong = _wrong_in_a_page_name(name)
        if wrong is not None:
            clashes.append(_clash(path, f"{name!a} cannot be the name of a page{wrong}"))
        elif is_overview(name.lower()):
            clashes.append(_clash(path, f"the page '{name}' is that of a page that kfuncdoc writes itself"))
        elif name.lower() in taken:
            clashes.append(_clash(path, f"the page '{name}' is that of {taken[name.lower()]}"))
        else:
            pages[name] = path
            taken[name.lower()] = path
    return pages, clashes


def _wrong_in_a_page_name(name: str) -> Optional[str]:
    """Return why no page can be called *name*, to be said behind that; None where one can.

    A name stands in toctrees and references, which read some characters as markup or as a pattern: see the
    toctree of Sphinx (``TocTree.parse_content()`` in ``sphinx/directives/other.py``).
    """
    if not name or not name.isprintable():
        return ""
    markup = _MARKUP.search(name)
    if markup:
        return f": '{markup[0]}' is markup in references to it"
    if name != name.strip(" "):
        return ": references to it lose the spaces at its ends"
    if name in _NO_DOCUMENTS:
        return ": in a toctree that is another place"
    suffix = next((suffix for suffix in (".rst", SUFFIX) if name.endswith(suffix)), "")
    return f": references to it lose '{suffix}'" if suffix else None


def _clash(path: str, message: str) -> Diagnostic:
    return Diagnostic(path, 0, 0, Rule.PAGE_CLASH, message, "give the file another name")
