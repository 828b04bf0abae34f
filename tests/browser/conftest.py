# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The project's own site in a real browser: served on loopback, read in Debian's Chromium through Playwright.

Whatever a test does, nothing may be asked of another host, no file of the site may be missing, and the console stays
empty.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Iterator

import browsing
import pytest


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of the built site, or the word why there is none."""
    folder = os.environ.get("KFUNCDOC_SITE")
    if not folder:
        pytest.skip("no site: name its folder in KFUNCDOC_SITE, or run `make browser`")
    assert (Path(folder) / "index.html").is_file(), f"there is no site in {folder}"
    with browsing.served(folder) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    with browsing.chromium() as browser:
        yield browser


@pytest.fixture
def visit(site: str, chromium: Any) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a page of the site: ``visit(path, width=360, dark=True, scripts=False)``.

    *day* is the day that the browser takes for today, ISO 8601.
    """
    contexts: list[Any] = []
    faults: list[str] = []

    def open_page(path: str, *, width: int = 1280, dark: bool = False, scripts: bool = True, day: str = "") -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            service_workers="block",
        )
        contexts.append(context)
        page = context.new_page()
        if day:
            page.clock.set_fixed_time(f"{day}T12:00:00Z")
        page.on("console", lambda message: faults.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("request", lambda request: None if request.url.startswith(site) else faults.append(request.url))
        page.on(
            "response", lambda answer: faults.append(f"{answer.status} {answer.url}") if answer.status >= 400 else 0
        )
        page.goto(site + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
