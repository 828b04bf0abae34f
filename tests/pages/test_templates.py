# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is wrong in a template is told with its place; what is wrong in our code is not told of the template."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from declared import CALENDAR, TODAY, catalog_of, entry, subsystem

from kfuncdoc.cli.main import main
from kfuncdoc.pages.renderer import Renderer
from kfuncdoc.pages.site_map import Page
from kfuncdoc.pages.templates import TemplateFailed
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.kfunc import KfuncView


def renderer_with(folder: Path, **texts: str) -> Renderer:
    """Return a renderer that has templates of the project's own."""
    theirs = folder / "theirs"
    theirs.mkdir()
    for name, text in texts.items():
        (theirs / f"{name}.rst.jinja").write_text(text, encoding="utf-8")
    catalog = catalog_of(folder, demo=subsystem(entry("f", "release: v6.2, event: added")))
    return Renderer(Snapshot(catalog, CALENDAR["v7.3"], TODAY), templates=[str(theirs)])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("One.\n{% if %}\n", "removed.rst.jinja:2: Expected an expression, got 'end of statement block'"),
        ("One.\n\n{{ nonsense }}\n", "removed.rst.jinja:3: 'nonsense' is undefined"),
        ("{{ nonsense | heading }}\n", "removed.rst.jinja:1: 'nonsense' is undefined"),
        ("{{ release.nonsense }}\n", "removed.rst.jinja:1: 'kfuncdoc.kernels.releases.Release object' has no attribute"
                                     " 'nonsense'"),
        ("\n{{ 1 // 0 }}\n", "removed.rst.jinja:2: integer division or modulo by zero"),
        ("{{ 'x' | round }}\n", "removed.rst.jinja:1: type str doesn't define __round__ method"),
        ("{{ 'x' | nonsense }}\n", "removed.rst.jinja:1: No filter named 'nonsense'."),
        ("{{ 'x' | escape(1, 2) }}\n", "removed.rst.jinja:1: escape() takes 1 positional argument but 3 were given"),
        ("{% import 'cells.rst.jinja' as cells %}\n{{ cells.nonsense(1) }}\n",
         "removed.rst.jinja:2: 'jinja2.environment.TemplateModule object' has no attribute 'nonsense'"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_template_is_told_with_its_place(tmp_path, text, told) -> None:
    renderer = renderer_with(tmp_path, removed=text)
    with pytest.raises(TemplateFailed) as raised:
        renderer.page(Page("removed"))
    assert str(raised.value) == f"{tmp_path}/theirs/{told}"


def test_template_that_is_no_text_is_told(tmp_path) -> None:
    renderer = renderer_with(tmp_path, removed="")
    (tmp_path / "theirs" / "removed.rst.jinja").write_bytes(b"\xff")
    with pytest.raises(TemplateFailed, match=r"^removed\.rst\.jinja: 'utf-8' codec can't decode byte 0xff"):
        renderer.page(Page("removed"))


def failing(error: Exception) -> Any:
    def fail(*_: object) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("error", [IndexError("list index out of range"), AttributeError("no such thing"), KeyError(1)])
@pytest.mark.parametrize("made", [property, cached_property])
def test_error_in_a_view_is_raised_as_it_is(tmp_path, monkeypatch, error, made) -> None:
    """Also the AttributeError of a property, which Jinja2 takes for a name that is not there."""
    attribute = made(failing_view(error))
    if made is cached_property:
        attribute.__set_name__(KfuncView, "prototype")
    monkeypatch.setattr(KfuncView, "prototype", attribute)
    renderer = renderer_with(tmp_path)
    with pytest.raises(type(error)) as raised:
        renderer.page(renderer.site.pages["demo"])
    assert raised.value is error


def failing_view(error: Exception) -> Any:
    """Return a method that fails within kfuncdoc: a date that none of its code can read."""

    def fail(view: KfuncView) -> Any:
        error.__traceback__ = None
        view.views.catalog.calendar.is_real(Raising(error))

    return fail


class Raising(str):
    """A text that raises an error when it is looked up."""

    def __new__(cls, error: Exception) -> Any:
        made = super().__new__(cls)
        made.error = error
        return made

    def __hash__(self) -> int:
        raise self.error


def test_error_in_a_filter_is_raised_as_it_is(tmp_path) -> None:
    renderer = renderer_with(tmp_path, removed="{{ 5 | heading }}")
    with pytest.raises(TypeError, match="expected string or bytes-like object"):
        renderer.page(Page("removed"))


def test_command_line_shows_the_traceback_of_an_error_of_ours(tmp_path, monkeypatch) -> None:
    data = tmp_path / "demo.kfuncs.yaml"
    data.write_text(subsystem(entry("f", "release: v6.2, event: added")), encoding="utf-8")
    monkeypatch.setattr("kfuncdoc.views.kfunc.parse_prototype", failing(IndexError("list index out of range")))
    with pytest.raises(IndexError, match="list index out of range"):
        main(["render", "--data", str(data), "-o", str(tmp_path / "out")])
