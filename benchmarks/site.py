# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the built site costs its readers: ``python -m benchmarks.site SITE``, or ``make bench-site``.

Sizes are those of files as a web server sends them, with gzip.  Filtering is timed in Chromium, from the letter that is
typed to the page laid out anew, against merely hiding the same rows and laying the page out, in turn.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
from pathlib import Path
from typing import Any, Optional, Sequence

from benchmarks.bench import as_rst, as_text, machine
from tests.browser.browsing import chromium, served

#: How often a filter is timed.
RUNS = 40
#: What is typed: a tenth of all kfuncs have it in their names.
WORD = "cpumask"
_FILES = {
    "the page of all kfuncs": "kfuncs/index.html",
    "the page of two releases": "kfuncs/compare.html",
    "the longest page of a subsystem": "kfuncs/sched_ext.html",
    "the script": "_static/kfuncdoc.js",
    "the stylesheet": "_static/kfuncdoc.css",
}

_TIMED = """async ([word, runs]) => {
  const field = document.querySelector("form.kfunc-filter input[name=name]");
  const rows = [...document.querySelectorAll("table.kfunc-table tbody tr")];
  const laidOut = () => document.body.getBoundingClientRect().height;
  const filtered = [], hidden = [];
  const timed = (work) => {
    const start = performance.now();
    work();
    laidOut();
    return performance.now() - start;
  };
  const type = (text) => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  for (let run = 0; run < runs; run++) {
    filtered.push(timed(() => type(word)));
    const kept = new Set(rows.filter((row) => !row.hidden));
    type("");
    laidOut();
    hidden.push(timed(() => rows.forEach((row) => { row.hidden = !kept.has(row); })));
    rows.forEach((row) => { row.hidden = false; });
    laidOut();
    await new Promise((done) => setTimeout(done, 0));
  }
  return [filtered, hidden, rows.length];
}"""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site", description="Measure what the site costs.")
    parser.add_argument("site", metavar="SITE", type=Path, help="the folder of the built site")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the table as rst, too")
    options = parser.parse_args(arguments)
    table = [("Figure", "Measured"), *_sizes(options.site), *_filtering(options.site)]
    print(as_text(table))
    print(f"\n{machine('playwright')}")
    if options.output:
        options.output.write_text(as_rst(table, "site", "playwright"), encoding="utf-8")
    return 0


def _sizes(site: Path) -> list[tuple[str, str]]:
    contents = {name: (site / path).read_bytes() for name, path in _FILES.items()}
    return [
        (f"size of {name}", f"{len(content) / 1000:.0f} kB, {len(gzip.compress(content, 6)) / 1000:.1f} kB with gzip")
        for name, content in contents.items()
    ]


def _filtering(site: Path) -> list[tuple[str, str]]:
    filtered, hidden, rows = _timed(site)
    ratio = statistics.median(one / other for one, other in zip(filtered, hidden))
    values = f"{statistics.median(filtered):.1f} ms : {statistics.median(hidden):.1f} ms"
    return [(f"filtering {rows} rows by a name, against hiding the same rows", f"{ratio:.2f} ({values})")]


def _timed(site: Path) -> tuple[list[float], list[float], int]:
    with served(str(site)) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address + _FILES["the page of all kfuncs"])
        found: Any = page.evaluate(_TIMED, [WORD, RUNS])
    filtered, hidden, rows = found
    return filtered, hidden, rows


if __name__ == "__main__":
    sys.exit(main())
