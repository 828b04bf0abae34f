# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What makes real builds with Sphinx cheap where there are many, and changes nothing in what they write.

As a program, it is ``sphinx-build``: ``python tests/cheap_builds.py OPTIONS SOURCE OUTPUT``.
"""

from __future__ import annotations

import gc
import sys
import types
from typing import Any

import jinja2

_compile_anew = jinja2.Environment.compile
_compiled: dict[tuple[Any, ...], types.CodeType] = {}


def compile_once(
    environment: jinja2.Environment, source: Any, name: Any = None, filename: Any = None, *more: Any, **options: Any
) -> Any:
    """Do what ``jinja2.Environment.compile`` does, once for each text of a template, whichever folder it is in.

    Sphinx compiles the templates of a theme anew in each build, and that of a LaTeX table for each table.
    """
    if not isinstance(source, str) or more or options:
        return _compile_anew(environment, source, name, filename, *more, **options)
    # What decides to what it is compiled.
    settings = (environment.autoescape, environment.variable_start_string, environment.keep_trailing_newline)
    settings += (environment.trim_blocks, environment.lstrip_blocks, *sorted(environment.extensions))
    # Jinja2 applies filters to constants when it compiles, and those of one name differ: of pages, and of the terminal.
    filters = sorted((word, _where_defined(function)) for word, function in environment.filters.items())
    key = (type(environment), settings, tuple(filters), source, name)
    if key not in _compiled:
        _compiled[key] = _compile_anew(environment, source, name, filename)
    # Errors name the file.
    return _compiled[key].replace(co_filename=filename or "<template>")


def _where_defined(function: Any) -> tuple[str, str]:
    kind = type(function)
    return getattr(function, "__module__", kind.__module__), getattr(function, "__qualname__", kind.__qualname__)


def disable_garbage_collection() -> None:
    """Stop the garbage collector, which takes half of the time of a build.

    A document is a tree of some 100,000 objects, and the collector visits those in use again and again.
    """
    gc.freeze()
    gc.disable()


def collect_garbage_if_there_is_much() -> None:
    """Collect garbage after a million new objects; to be called between builds, when few objects are in use."""
    if gc.get_count()[0] > 1_000_000:
        gc.collect()


if __name__ == "__main__":
    from sphinx.cmd.build import main

    disable_garbage_collection()
    jinja2.Environment.compile = compile_once  # type: ignore[method-assign]
    sys.exit(main(sys.argv[1:]))
