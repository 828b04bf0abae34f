# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What each C file of a kernel is built for: its condition, and its module."""

from __future__ import annotations

import posixpath
from typing import Optional

from kfuncdoc.kernels.observation import Remark
from kfuncdoc.scan.source.condition import FALSE, TRUE, conjunction
from kfuncdoc.scan.source.csource import CSource
from kfuncdoc.scan.source.files import SourceFiles
from kfuncdoc.scan.source.headers import include_paths
from kfuncdoc.scan.source.kconfig import Kconfig, architecture
from kfuncdoc.scan.source.makefiles import BuildRule, Makefiles


class BuildRules:
    """What each C file is built for."""

    def __init__(self, files: SourceFiles) -> None:
        self._files = files
        self._makefiles = Makefiles(files.root)
        self.kconfig = Kconfig(files.root, files.kconfigs)
        self.remarks: set[Remark] = set()
        self._built: dict[str, BuildRule] = {}

    def module(self, path: str) -> str:
        """Return the name of the module that the file *path* can become a part of."""
        built = self.built(path)
        return built.module if built.symbol and self.kconfig.can_be_module(built.symbol) else ""

    def built(self, path: str) -> BuildRule:
        if path not in self._built:
            self._built[path] = BuildRule(TRUE)  # while it is looked for: files may include each other
            built = self._makefiles.built(path) or self._included(path)
            if built is None:
                self.remarks.add(Remark(path, 1, "no Makefile and no other file is found that builds this one"))
                built = BuildRule(TRUE)
            condition = conjunction(architecture(self._files.root, path), built.condition)
            # What is never built would not be here: then it is Makefiles that were not understood.
            self._built[path] = BuildRule(condition if condition != FALSE else TRUE, built.module, built.symbol)
        return self._built[path]

    def _included(self, path: str) -> Optional[BuildRule]:
        """Return for what *path* is built as part of another C file, of its directory or one above."""
        directory = posixpath.dirname(path)
        while directory:
            others = [other for other in self._files.in_directory(directory) if other != path]
            for other, content in self._files.holding([f'{posixpath.basename(path)}"'], others):
                source = CSource(other, content)
                for include, offset in source.includes:
                    if path in include_paths(other, include):
                        built = self.built(other)
                        return BuildRule(
                            conjunction(built.condition, source.condition(offset)), built.module, built.symbol
                        )
            directory = posixpath.dirname(directory)
        return None
