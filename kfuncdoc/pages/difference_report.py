# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What happened from one release to another, as text, Markdown and JSON: ``kfuncdoc diff``."""

from __future__ import annotations

import json
import textwrap
from typing import Any, Iterator

from kfuncdoc.views.difference import ChangeGroup, ChangeKind, Difference, groups, sentence, summary
from kfuncdoc.views.replacement import Markup


def as_text(difference: Difference, width: int, *, with_unnoticed: bool = False) -> str:
    """Return *difference* for a terminal of *width* columns, by kind of change and by subsystem.

    Changes that no caller notices are only counted, unless *with_unnoticed* is set.
    """

    def wrapped(text: str, indent: int) -> str:
        return textwrap.fill(
            text, max(width, 40), initial_indent=" " * indent, subsequent_indent=" " * (indent + 2),
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip

    lines = [wrapped(summary(difference), 0)]
    for group in _shown(difference, with_unnoticed):
        lines += ["", group.kind.heading]
        for subsystem, entries in group.by_subsystem.items():
            lines.append(f"  {subsystem}")
            lines += [
                wrapped(f"{', '.join(shared.names)}: {sentence(shared.entry, difference)}", 4) for shared in entries
            ]
    return "\n".join(lines) + "\n"


def as_markdown(difference: Difference, *, with_unnoticed: bool = False) -> str:
    """Return *difference* as Markdown, for release notes and issues, with the same content as :func:`as_text`."""
    lines = [f"# kfuncs from {difference.first} to {difference.last}", "", _escaped(summary(difference))]
    for group in _shown(difference, with_unnoticed):
        lines += ["", f"## {group.kind.heading}"]
        for subsystem, entries in group.by_subsystem.items():
            lines += ["", f"### {_escaped(subsystem)}", ""]
            lines += [
                f"- {', '.join(f'`{name}`' for name in shared.names)}: {sentence(shared.entry, difference, _MARKDOWN)}"
                for shared in entries
            ]
    return "\n".join(lines) + "\n"


def _shown(difference: Difference, with_unnoticed: bool) -> Iterator[ChangeGroup]:
    return (group for group in groups(difference) if with_unnoticed or group.kind is not ChangeKind.UNNOTICED)


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in "\\`*_{}[]<>#|~&" else character for character in text)


_MARKDOWN = Markup(name=_escaped, words=_escaped)


def as_json(difference: Difference) -> str:
    """Return *difference* as JSON, format 1, with all its content."""
    document: dict[str, Any] = {
        "format": 1,
        "from": difference.first.name,
        "to": difference.last.name,
        "behind": {name: release.name for name, release in difference.behind},
    }
    for kind in ChangeKind:
        document[kind.key] = [
            {
                "name": entry.name,
                "subsystem": entry.subsystem,
                "told": list(entry.statements),
                "instead": [
                    {
                        "name": replacement.name,
                        "words": replacement.words,
                        "in_from": replacement.present_on[0] if replacement.present_on else None,
                        "in_to": replacement.present_on[1] if replacement.present_on else None,
                        "deprecated": replacement.is_deprecated,
                    }
                    for replacement in entry.alternatives
                ],
                "no_replacement": entry.no_replacement or None,
            }
            for entry in difference.of_kind(kind)
        ]
    return json.dumps(document, indent=2) + "\n"
