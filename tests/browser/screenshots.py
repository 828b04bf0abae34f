# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The screenshots of README.md and docs/reading.rst: ``make screenshots`` takes them.

Or ``python tests/browser/screenshots.py SITE FOLDER``.  Each shows one page of the built site three times:
wide, narrow, and dark.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

from browsing import chromium, served

PAGES = {
    "site-index": "index.html",
    "site-filtered": "kfuncs/index.html?name=dsq&release=v7.3#all-kfuncs",
    "site-compare": "kfuncs/compare.html?from=v6.12&to=v7.3",
    "site-past-due": "kfuncs/sched_ext.html#kfunc-scx-bpf-select-cpu-and",
}
#: Width, and whether it is dark.
SHOTS = ((1280, False), (360, False), (1280, True))
HEIGHT = 900
TOGETHER = """\
<body style="margin: 0; display: flex; gap: 12px; padding: 12px; background: #8a8f98; width: max-content">{}</body>
"""


def shot(browser: Any, address: str, width: int, dark: bool) -> str:
    page = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme="dark" if dark else "light")
    page.goto(address)
    image = page.screenshot()
    page.close()
    data = base64.b64encode(image).decode()
    return f'<img src="data:image/png;base64,{data}" style="height: 520px">'


def main(site: str, folder: str) -> None:
    with served(site) as address, chromium() as browser:
        for name, place in PAGES.items():
            images = "".join(shot(browser, address + place, width, dark) for width, dark in SHOTS)
            page = browser.new_page(viewport={"width": 1800, "height": 544})
            page.set_content(TOGETHER.format(images))
            page.locator("body").screenshot(path=str(Path(folder) / f"{name}.jpg"), type="jpeg", quality=74)
            page.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
