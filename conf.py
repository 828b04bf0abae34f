# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The site of this repository: the record in data/, and the guide in docs/.

Build it with ``make html``, or with ``sphinx-build -W . _build/html`` where the requirements are installed.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
# The site documents this checkout, whether or not kfuncdoc is installed as well.
sys.path[:0] = [_HERE, os.path.join(_HERE, "docs", "_ext")]

import kfuncdoc  # noqa: E402  (found by the line above)

project = "kfuncdoc"
author = "the kfuncdoc authors"
copyright = author
version = release = kfuncdoc.__version__
language = "en"

extensions = ["kfuncdoc", "kfuncdoc_reference"]
# Not templates/, which has kfuncdoc's own: those of its pages.
templates_path = ["docs/_templates"]
exclude_patterns = [
    "_build", "_readthedocs", "dist", ".*", "**/.*", "venv*",
    "docs/_templates", "benchmarks", "data", "tests", "LICENSES", "templates", "kfuncdoc",
]  # fmt: skip
# Pages of the record as any project gets them, below kfuncs/.
kfuncdoc_data = ["data"]
kfuncdoc_feed = True

highlight_language = "none"
smartquotes = False

# Where the site is published, for the canonical address of each page: Read the Docs says it, and the workflow that
# publishes on GitHub Pages.  A build without it is as good.
_published_at = os.environ.get("READTHEDOCS_CANONICAL_URL") or os.environ.get("KFUNCDOC_BASE_URL") or ""
html_baseurl = _published_at.rstrip("/") + "/" if _published_at else ""

html_theme = "alabaster"
html_theme_options = {
    "description": "Stability of BPF kernel functions",
    "fixed_sidebar": False,
    "page_width": "auto",
    "body_max_width": "none",
    "sidebar_width": "15em",
}
html_sidebars = {"**": ["sidebar.html"]}
html_static_path = ["docs/_static"]
html_favicon = "docs/_static/favicon.svg"
html_css_files = ["site.css"]

latex_documents = [("index", "kfuncdoc.tex", "Stability of BPF kernel functions", author, "manual")]
