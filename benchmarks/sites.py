# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The three sites that are compared, with the same facts, the same theme and as many pages each.

* ``extension``: the YAML files, and the four pages across subsystems with kfuncdoc's directives;
* ``plain``: the pages that ``kfuncdoc render`` writes, built by Sphinx without kfuncdoc;
* ``by hand``: the same facts with ``.. c:function::``, see ``by_hand``.
"""

from __future__ import annotations

import datetime
import shutil
import sys
from pathlib import Path

from benchmarks import by_hand, synthetic
from benchmarks.measure import Command, run
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.kfunc import KfuncViews

_CONF = """\
project = "synthetic"
html_theme = "alabaster"
extensions = {extensions}
"""
_KFUNCDOC_CONF = f"""\
kfuncdoc_release = "{synthetic.RELEASE}"
kfuncdoc_date = "{synthetic.DATE}"
"""

_OVERVIEWS = {
    "deprecated": """\
Deprecated kfuncs
=================

.. kfunc-table::
   :stability: deprecated
   :columns: kfunc deprecated remaining replacement subsystem
   :order: urgency

Superseded kfuncs
-----------------

.. kfunc-table::
   :stability: superseded
   :columns: kfunc added replacement subsystem
""",
    "removed": """\
Removed kfuncs
==============

.. kfunc-table::
   :stability: removed
   :columns: kfunc last removed lts replacement notice
   :order: removed
""",
    "changes": """\
Changes by release
==================

.. kfunc-changes::
   :sections:
""",
}
_INDEX = """\
BPF kernel functions (kfuncs)
=============================

.. toctree::
   :maxdepth: 1

   deprecated
   removed
   changes
{pages}

All kfuncs
----------

.. kfunc-table::
   :columns: kfunc summary subsystem stability added
"""


class Sites:
    """The sources of all three sites for a number of kfuncs, in one folder, and the commands on them."""

    def __init__(self, folder: Path, kfuncs: int) -> None:
        self.folder = folder
        self.declarations = folder / "declarations"
        files = synthetic.subsystems(kfuncs)
        synthetic.write(files, self.declarations)
        synthetic.write(files, self.source("extension"))
        catalog = load(find([str(self.declarations)]))
        release, date = catalog.calendar[synthetic.RELEASE], datetime.date.fromisoformat(synthetic.DATE)
        by_hand.write(files, KfuncViews(Snapshot(catalog, release, date)), self.source("by hand"))
        pages = "\n".join(f"   {file['subsystem']}" for file in files)
        for name, text in {**_OVERVIEWS, "index": _INDEX.format(pages=pages)}.items():
            (self.source("extension") / f"{name}.rst").write_text(text, encoding="utf-8")
        as_of = ("--release", synthetic.RELEASE, "--date", synthetic.DATE)
        plain = str(self.source("plain"))
        run(Command(self._kfuncdoc("render", "--data", str(self.declarations), *as_of, "-o", plain)), folder)
        for site in ("extension", "plain", "by hand"):
            with_kfuncdoc = site == "extension"
            conf = _CONF.format(extensions=["kfuncdoc"] if with_kfuncdoc else [])
            (self.source(site) / "conf.py").write_text(conf + _KFUNCDOC_CONF * with_kfuncdoc, encoding="utf-8")

    def source(self, site: str) -> Path:
        return self.folder / site

    def build(self, site: str, *, again: bool = False) -> Command:
        """Return the command that builds *site* from nothing, or *again*."""
        output = self.folder / f"built {site}"
        arguments = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(self.source(site)), str(output)]
        return Command(arguments, None if again else lambda: shutil.rmtree(output, ignore_errors=True))

    def check(self) -> Command:
        """Return the command that checks the declarations."""
        return Command(self._kfuncdoc("check", str(self.declarations)))

    def parse(self) -> Command:
        """Return the command that reads the declarations with PyYAML's C loader, and does no more."""
        program = (
            "import pathlib, sys, yaml\n"
            "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
            "    yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)\n"
        )
        return Command([sys.executable, "-c", program, str(self.declarations)])

    def _kfuncdoc(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "kfuncdoc", *arguments]
