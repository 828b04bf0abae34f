# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The condition on which each C file of a kernel is rule, and the module that it is rule into."""

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
    """The rules that build the C files of a source tree.  All methods raise :exc:`Unscannable`."""

    def __init__(self, files: SourceFiles) -> None:
        self._files = files
        self._makefiles = Makefiles(files.root)
        self.kconfig = Kconfig(files.root, files.kconfigs)
        self.remarks: set[Remark] = set()
        self._rules: dict[str, BuildRule] = {}

    def module(self, path: str) -> str:
        """Return the name of the module that the C file *path* can be built into; empty where there is none."""
        rule = self.rule(path)
        return rule.module if rule.symbol and self.kconfig.can_be_module(rule.symbol) else ""

    def rule(self, path: str) -> BuildRule:
        """Return the rule that builds the C file *path*; a remark tells where none is found."""
        if path not in self._rules:
            self._rules[path] = BuildRule(TRUE)  # while it is looked for: files may include each other
            rule = self._makefiles.rule(path) or self._included(path)
            if rule is None:
                self.remarks.add(Remark(path, 1, "no Makefile and no other file is found that builds this one"))
                rule = BuildRule(TRUE)
            condition = conjunction(architecture(self._files.root, path), rule.condition)
            # Every file is built by somebody: a condition that never holds comes of a Makefile that was misunderstood.
            self._rules[path] = BuildRule(condition if condition != FALSE else TRUE, rule.module, rule.symbol)
        return self._rules[path]

    def _included(self, path: str) -> Optional[BuildRule]:
        """Return the rule that builds a C file which includes *path*, from its directory or one above."""
        directory = posixpath.dirname(path)
        while directory:
            others = [other for other in self._files.in_directory(directory) if other != path]
            for other, content in self._files.holding([f'{posixpath.basename(path)}"'], others):
                source = CSource(other, content)
                for include, offset in source.includes:
                    if path in include_paths(other, include):
                        rule = self.rule(other)
                        return BuildRule(
                            conjunction(rule.condition, source.condition(offset)), rule.module, rule.symbol
                        )
            directory = posixpath.dirname(directory)
        return None
