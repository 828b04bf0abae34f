# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A configuration folder that adds the pages to the documentation of a kernel tree, without a change of the tree.

``sphinx-build -c FOLDER`` reads ``conf.py`` from another folder than that of the sources, and the kernel's Makefiles
pass this option on: ``make SPHINXOPTS="-c FOLDER" htmldocs``.  The ``conf.py`` that this module writes reads the tree's
own one first, and adds the extension and the declarations.
"""

from __future__ import annotations

import os
import shlex
from typing import Sequence

from kfuncdoc.cli.command import reason, refuse
from kfuncdoc.cli.output import put

_WRITTEN = "# Written by kfuncdoc overlay."
_CONF = """\
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
{written}  The documentation of a kernel tree with the pages of its kfuncs:
#
#     {command}

import os

from sphinx.errors import ConfigError

DOCUMENTATION = {documentation!r}

# The tree's own configuration, as if it were read where it stands.
_overlay, __file__ = __file__, os.path.join(DOCUMENTATION, "conf.py")
os.chdir(DOCUMENTATION)
with open(__file__, encoding="utf-8") as _conf:
    exec(compile(_conf.read(), __file__, "exec"))
__file__ = _overlay

# What it names relative to its own folder.
for _option in ("templates_path", "html_static_path", "html_extra_path", "html_theme_path", "latex_additional_files"):
    if _option in globals():
        globals()[_option] = [os.path.join(DOCUMENTATION, _path) for _path in globals()[_option]]
for _option in ("html_logo", "html_favicon", "latex_logo"):
    if globals().get(_option):
        globals()[_option] = os.path.join(DOCUMENTATION, globals()[_option])

extensions = [*globals().get("extensions", ()), "kfuncdoc"]
kfuncdoc_data = {data!r}
kfuncdoc_release = "project"
# In a build of one folder, SPHINXDIRS, these are elsewhere in the sources, or no part of them.
kfuncdoc_pages = os.path.join(DOCUMENTATION, "bpf", "kfuncs")
# The pages of releases and program types are many, and a build of the docs takes long enough.
kfuncdoc_overviews = ["index", "deprecated", "removed", "changes"]
kfuncdoc_toctree = os.path.join(DOCUMENTATION, "bpf", "index.rst")

_setup = globals().get("setup")


def setup(app):
    below = os.path.realpath(DOCUMENTATION)
    if os.path.commonpath([below, os.path.realpath(app.srcdir)]) != below:
        raise ConfigError(f"{{__file__}} is for {{DOCUMENTATION}}; make another one with kfuncdoc overlay")
    return _setup(app) if _setup else None
"""


def command(folder: str) -> str:
    """Return the command that builds the BPF documentation with the overlay in *folder*."""
    # The shell, make, and the shell that make runs all read the command, so it is quoted for each.
    options = f"-c {shlex.quote(folder)}".replace("$", "$$")
    return f"make SPHINXOPTS={shlex.quote(options)} SPHINXDIRS=bpf htmldocs"


def write(folder: str, tree: str, data: Sequence[str]) -> str:
    """Write ``conf.py`` to *folder* for the kernel tree at *tree*, and return the command to build with.

    *data* are the values of ``kfuncdoc_data``, absolute.  Raises Refused if *tree* is no kernel tree, or if the
    folder has a ``conf.py`` that kfuncdoc did not write.
    """
    documentation = os.path.join(os.path.abspath(tree), "Documentation")
    for needed in ("conf.py", os.path.join("bpf", "index.rst")):
        if not os.path.isfile(os.path.join(documentation, needed)):
            refuse(f"'{tree}' is no kernel tree: there is no {os.path.join('Documentation', needed)} in it")
    folder = os.path.abspath(folder)
    if not folder.isprintable():
        refuse(f"{folder!a} cannot be the name of a folder to hand over to make")
    path = os.path.join(folder, "conf.py")
    if os.path.lexists(path) and not _is_own(path):
        refuse(f"{path} was not written by kfuncdoc overlay")
    text = _CONF.format(written=_WRITTEN, command=command(folder), documentation=documentation, data=list(data))
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        refuse(f"cannot write {path}: {reason(error)}")
    put(text, path)
    return command(folder)


def _is_own(path: str) -> bool:
    """Whether kfuncdoc wrote the file at *path*."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return any(line.startswith(_WRITTEN) for line in stream)
    except OSError as error:
        refuse(f"cannot read {path}: {reason(error)}")
