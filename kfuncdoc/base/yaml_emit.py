# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""New YAML, in the style of ``data/``, written by ruamel.yaml."""

from __future__ import annotations

import functools
import io
import re
from typing import TYPE_CHECKING, Any, Mapping, Optional

if TYPE_CHECKING:
    from ruamel.yaml import YAML


#: A value that would go beyond this column is written on several lines, if that is possible.
WIDTH = 100

#: The width for ruamel.yaml, so that it folds no line.
_WITHOUT_LIMIT = 1_000_000_000


def as_block(mapping: Mapping[str, Any], column: int = 0) -> list[str]:
    """Return *mapping* as lines for the given *column*; lists and mappings are on one line if they fit."""
    lines = []
    for key, value in mapping.items():
        if not isinstance(value, (list, dict)):
            lines.append(f"{key}: {as_scalar(value)}")
            continue
        on_one_line = f"{key}: {as_flow(value)}"
        has_records = isinstance(value, list) and any(isinstance(item, dict) for item in value)
        if not value or (column + len(on_one_line) <= WIDTH and not has_records):
            lines.append(on_one_line)
        elif isinstance(value, dict):
            lines += [f"{key}:", *(f"  {line}" for line in as_block(value, column + 2))]
        else:
            lines.append(f"{key}:")
            for item in value:
                below = _as_item(item, column + 4)
                lines += [f"  - {below[0]}", *(f"    {line}" for line in below[1:])]
    return lines


def _as_item(item: Any, column: int) -> list[str]:
    if not isinstance(item, (list, dict)):
        return [as_scalar(item)]
    on_one_line = as_flow(item)
    if isinstance(item, list):
        return [on_one_line]
    return [on_one_line] if column + len(on_one_line) <= WIDTH else as_block(item, column)


def as_flow(value: Any) -> str:
    """Return a list or mapping on one line, in brackets or braces."""
    return _emitted(_quoted(value, _PLAIN_IN_FLOW), flow=True)


def as_scalar(value: Optional[str], *, flow: bool = False, quote: str = "") -> str:
    """Return a text, or null, as YAML for a block, or for brackets if *flow*.

    It has quotes if it needs them, or if *quote* asks for single or double quotes.
    """
    if quote == "'" and value is not None:
        from ruamel.yaml.scalarstring import SingleQuotedScalarString

        return _emitted([SingleQuotedScalarString(value)], flow=True)[1:-1]
    plain = _NEVER_PLAIN if quote else _PLAIN_IN_FLOW if flow else _PLAIN
    return _emitted([_quoted(value, plain)], flow=True)[1:-1] if flow or quote else _in_block(_quoted(value, plain))


def _in_block(value: Optional[str]) -> str:
    return _emitted({"x": value}, flow=False)[len("x: ") :]


#: Patterns of texts that need no quotes in any version of YAML: in a block, and in brackets.
_PLAIN = re.compile(r"[A-Za-z0-9_.(/](?:[A-Za-z0-9_ ./*&|()!=<>+,\[\]-]*[A-Za-z0-9_./*()>\]])?")
_PLAIN_IN_FLOW = re.compile(r"[A-Za-z0-9_.(/](?:[A-Za-z0-9_ ./*&|()!=<>+-]*[A-Za-z0-9_./*()>])?")
_NEVER_PLAIN = re.compile("(?!)")
#: Texts that a YAML reader takes for another type, such as a number.
_WORDS = re.compile(r"null|true|false|yes|no|on|off|y|n|\.?[0-9].*|\.inf|\.nan", re.IGNORECASE)


def _quoted(value: Any, plain: re.Pattern[str]) -> Any:
    """Return *value*, with double quotes for each text that does not match *plain*: ruamel prefers single quotes."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, dict):
        return {key: _quoted(item, plain) for key, item in value.items()}
    if isinstance(value, list):
        return [_quoted(item, plain) for item in value]
    is_plain = value is None or (plain.fullmatch(value) and not _WORDS.fullmatch(value))
    return value if is_plain else DoubleQuotedScalarString(value)


def _emitted(value: Any, *, flow: bool) -> str:
    stream = io.StringIO()
    _emitter(flow).dump(value, stream)
    return stream.getvalue().rstrip("\n")


@functools.cache
def _emitter(flow: bool) -> YAML:
    # Not at the top: ruamel.yaml comes with kfuncdoc[scan], and building pages does not need it.
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """Writes null as a word, because readers overlook an empty value."""

    Representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    emitter = YAML()
    emitter.Representer = Representer
    emitter.default_flow_style = flow
    emitter.width = _WITHOUT_LIMIT
    return emitter
