# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The templates of the pages: how they are found, and how errors in them are reported.

A project may replace any of them by its own.  An error in a template is reported with the file and line.  An error in
the code that a template calls is not an error of the template, and is raised unchanged.
"""

from __future__ import annotations

import functools
import os
import traceback
from functools import cached_property
from typing import Any, Callable, Mapping, Optional, Sequence

import jinja2
from jinja2.utils import missing

import kfuncdoc

_PACKAGE = os.path.dirname(os.path.abspath(kfuncdoc.__file__)) + os.sep


class TemplateFailed(Exception):
    """A template cannot be used; the message says where and why."""


class _Undefined(jinja2.StrictUndefined):
    """A name in a template that is not defined.

    Jinja2 treats a property that raises AttributeError as undefined.  This class reads the property again, so that its
    error is raised unchanged.
    """

    def __init__(
        self,
        hint: Optional[str] = None,
        obj: Any = missing,
        name: Optional[str] = None,
        exc: type[jinja2.TemplateRuntimeError] = jinja2.UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name, exc)
        if isinstance(name, str) and isinstance(getattr(type(obj), name, None), (property, cached_property)):
            getattr(obj, name)


def _of_defined(function: Callable[..., str]) -> Callable[..., str]:
    """Return *function* as a filter that reports an undefined name before *function* fails with it."""

    @functools.wraps(function)
    def filtered(value: Any, *arguments: Any, **keywords: Any) -> str:
        if isinstance(value, jinja2.Undefined):
            str(value)  # raises UndefinedError, in the words of Jinja2
        return function(value, *arguments, **keywords)

    return filtered


class Templates:
    """The templates in *folders*; the first folder that has a template of a name is used.

    Templates can use *filters*, *tests* and *names*, besides their context.
    """

    def __init__(
        self,
        folders: Sequence[str],
        filters: Mapping[str, Callable[..., str]],
        tests: Mapping[str, Callable[..., bool]],
        names: Mapping[str, Any],
    ) -> None:
        self._folders = tuple(os.path.join(folder, "") for folder in folders)
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(list(folders)),
            undefined=_Undefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,  # noqa: S701  (rst, not HTML: `escape` and `literal` are its escapes)
            auto_reload=False,
        )
        self._environment.filters.update({name: _of_defined(function) for name, function in filters.items()})
        self._environment.tests.update(tests)
        self._environment.globals.update(names)

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        """Return the text that *template* makes from *context*.

        Raises TemplateFailed for an error in the template, or in another one that it uses.  An error in the code of
        kfuncdoc that a template calls is raised unchanged.
        """
        try:
            return self._environment.get_template(template).render(context)
        except jinja2.TemplateSyntaxError as error:
            raise TemplateFailed(f"{error.filename or error.name}:{error.lineno}: {error}") from error
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            within = [number for number, frame in enumerate(frames) if self._is_template(frame.filename)]
            called = frames[within[-1] + 1 :] if within else []
            is_ours = any(frame.filename.startswith(_PACKAGE) and frame.filename != __file__ for frame in called)
            if is_ours and not isinstance(error, jinja2.TemplateError):
                raise
            place = f"{frames[within[-1]].filename}:{frames[within[-1]].lineno}" if within else template
            raise TemplateFailed(f"{place}: {error}") from error

    def _is_template(self, path: str) -> bool:
        return path.startswith(self._folders) and not path.endswith(".py")
