# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The built site, served on loopback, and a browser to read it in: for tests, screenshots, and the benchmark."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import threading
from typing import Any, Iterator

#: What keeps Chromium from speaking to anybody by itself.
_QUIET = (
    "--disable-background-networking --disable-component-update --disable-sync --disable-quic --no-first-run "
    "--disable-gpu"
).split()


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: str) -> Iterator[str]:
    """Serve *folder* as long as the context lasts, and give its address, with a slash at the end."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Give the Chromium of the system, or the one that KFUNCDOC_CHROMIUM names, as Playwright's browser."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("KFUNCDOC_CHROMIUM") or shutil.which("chromium")
    if path is None:
        raise SystemExit("Chromium is needed: on Debian, apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium has no sandbox for the user root, as whom CI runs.
        browser = playwright.chromium.launch(executable_path=path, args=_QUIET, chromium_sandbox=os.geteuid() != 0)
        yield browser
        browser.close()
