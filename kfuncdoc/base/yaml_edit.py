# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An editor for YAML files that changes a few places and keeps all other bytes as they are.

A round-trip YAML library keeps comments and order, but not every folded line, quote and column of a file.  Here
ruamel.yaml writes only the changed values.  They are spliced into the text at the places that PyYAML reports, which
also reads declarations.  Line ends, comments and the end of the last line stay::

    bytes of the file --events of PyYAML--> spans --set, insert, append--> splices --> the new text

Every change is made twice: in the text, and in the value that the text stands for.  At the end the new text is read
and must give that value.  So an edit with a wrong result (through an anchor that another place uses, say) is an
error, and does not damage the file.
"""

from __future__ import annotations

import bisect
import codecs
import re
from dataclasses import dataclass, field
from typing import Any, Iterator, Optional, Sequence

import yaml

from kfuncdoc.base import yaml_text
from kfuncdoc.base.yaml_emit import WIDTH, as_block, as_flow, as_scalar
from kfuncdoc.base.yaml_text import Key, Place, SourceFile, Unusable

_LINE_END = re.compile("\r\n|\r|\n")
_YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Uneditable(Exception):
    """The file has a value at *place* that the editor cannot change."""

    def __init__(self, path: str, place: Place, message: str) -> None:
        super().__init__(f"{path}:{place.line}:{place.column}: {message}")
        self.place = place


@dataclass
class _Span:
    """A value in the text, from *start* to before *end* (offsets in characters), with the spans of the values in it."""

    kind: str  # "scalar", "mapping", "sequence" or "alias"
    start: int
    end: int
    #: Whether a collection is written in brackets or braces.
    flow: bool = False
    #: The text of a scalar.
    text: str = ""
    keys: list[_Span] = field(default_factory=list)
    values: list[_Span] = field(default_factory=list)

    def index(self, key: Key) -> int:
        """Return the index in *values* of the value of *key*; -1 if there is none."""
        if isinstance(key, int):
            return key
        return next((number for number, span in enumerate(self.keys) if span.text == key), -1)


@dataclass(frozen=True)
class _Splice:
    """The new *text* for the characters from *start* to before *end*."""

    start: int
    end: int
    text: str


class Editor:
    """The changes of one file, from *before* to :meth:`finished`; keys and indexes are those of the old text."""

    def __init__(self, read: SourceFile, content: bytes) -> None:
        """Edit the file *read* from the bytes *content*."""
        self.path = read.path
        self.before = content.decode("utf-8")
        self.mark = "\ufeff" if content.startswith(codecs.BOM_UTF8) else ""
        self.text = self.before[len(self.mark) :]
        #: Whether the last line has no line end: the editor adds one, and :meth:`finished` removes it.
        self.open_ended = not self.text.endswith(("\n", "\r"))
        ends = _LINE_END.findall(self.text)
        self.line_end = ends[0] if ends else "\n"
        self.text += self.line_end if self.open_ended else ""
        self.starts = [0, *(match.end() for match in _LINE_END.finditer(self.text))]
        # A block scalar at the end of the file includes its last line end.
        read = yaml_text.parse(self.path, read.text + "\n") if self.open_ended else read
        self.root = self._composed(read.text)
        self.value = _unshared(read.value)
        self.splices: list[_Splice] = []
        #: For the id of each list: the list, and its new items, each with the index of the item before it.
        self.insertions: dict[int, tuple[list[Any], list[tuple[int, Any]]]] = {}

    # -- changes

    def set(self, value: Any, *keys: Key, order: Sequence[str] = ()) -> None:
        """Set the value at *keys*; a new key goes behind the existing ones that come before it in *order*.

        The items of a list that stay keep their order.  Raises :exc:`Uneditable`.
        """
        mapping, plain, name = self._span(*keys[:-1]), self._plain(*keys[:-1]), str(keys[-1])
        number = mapping.index(name)
        if number < 0:
            self._insert_key(mapping, plain, name, value, order)
        elif isinstance(value, list) and isinstance(plain[name], list):
            stay = [item for item in plain[name] if item in value]
            value = stay + [item for item in value if item not in stay]
            self._replace_list(mapping, number, plain[name], value)
        else:
            self._replace(mapping, number, value)
        plain[name] = value

    def unset(self, empty: Any, *keys: Key) -> None:
        """Remove the key at *keys*, or set it to *empty* if a comment belongs to it.  Raises :exc:`Uneditable`."""
        mapping, plain, name = self._span(*keys[:-1]), self._plain(*keys[:-1]), str(keys[-1])
        number = mapping.index(name)
        whole = self._whole_lines(mapping, number)
        if whole is None:
            self._replace(mapping, number, empty)
            plain[name] = empty
        else:
            self._splice(whole[0], whole[1], "")
            del plain[name]

    def append(self, value: Any, *keys: Key) -> None:
        """Append *value* to the list at *keys*, on one line if it fits.  Raises :exc:`Uneditable`."""
        self.insert(value, len(self._span(*keys).values) - 1, *keys, compact=True)

    def insert(self, value: Any, index: int, *keys: Key, compact: bool = False) -> None:
        """Insert *value*, a mapping, behind item *index* of the list at *keys*.  Raises :exc:`Uneditable`.

        It gets a blank line before it if there is one between its neighbours.  Without neighbours it gets one unless
        *compact*.
        """
        sequence, items = self._span(*keys), self._plain(*keys)
        self.insertions.setdefault(id(items), (items, []))[1].append((index, value))
        item = sequence.values[index]
        if sequence.flow:
            self._insert_in_flow(item, as_flow(value), item.end)
            return
        column = self._column(self.text.rfind("-", 0, item.start))
        outer = self._column(self._key(*keys).start)
        last = index == len(sequence.values) - 1
        at = self._line_after(item.end, outer if last and column > outer else column)
        lines = as_block(value, column + 2)
        if compact and column + 2 + len(as_flow(value)) <= WIDTH:
            lines = [as_flow(value)]
        lines = [f"{' ' * column}{'  ' if number else '- '}{line}" for number, line in enumerate(lines)]
        if self._set_off(sequence, index, alone=not compact):
            lines.insert(0, "")
        self._splice(at, at, "".join(line + self.line_end for line in lines))

    @property
    def changed(self) -> bool:
        """Whether any change was made."""
        return bool(self.splices)

    def finished(self) -> str:
        """Return the new text.  Raises :exc:`Uneditable` if the new text does not have the intended value."""
        for items, behind in self.insertions.values():
            items[:] = [
                kept_or_new
                for index, item in enumerate(items)
                for kept_or_new in (item, *(value for number, value in behind if number == index))
            ]
        self.insertions.clear()
        parts, done = [], 0
        for splice in sorted(self.splices, key=lambda splice: (splice.start, splice.end)):
            assert splice.start >= done, "splices overlap"
            parts += [self.text[done : splice.start], splice.text]
            done = splice.end
        text = "".join([*parts, self.text[done:]])
        self._read_again(self.mark + text)
        return self.mark + (text[: -len(self.line_end)] if self.open_ended else text)

    def _read_again(self, text: str) -> None:
        place = self._place(min((splice.start for splice in self.splices), default=0))
        message = "this cannot be changed in place; an anchor may stand in the way"
        try:
            read = yaml_text.parse(self.path, yaml_text.decode(self.path, text.encode("utf-8")))
        except Unusable as unusable:
            raise Uneditable(self.path, place, f"{message} ({unusable})") from None
        if read.value != self.value or read.keys_twice:
            raise Uneditable(self.path, place, message)

    # -- places of values

    def _composed(self, text: str) -> _Span:
        events = iter(yaml.parse(text, Loader=_YamlLoader))
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                break
        return self._compose(next(events), events)

    def _compose(self, event: Any, events: Iterator[Any]) -> _Span:
        """Return the span of the value that begins with *event*.  It may recurse: read() limits the nesting."""
        start, end = self._offset(event.start_mark), self._offset(event.end_mark)
        if isinstance(event, yaml.ScalarEvent):
            return _Span("scalar", start, self._end_of_scalar(event, start, end), text=event.value)
        if isinstance(event, yaml.AliasEvent):
            return _Span("alias", start, end)
        kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
        span = _Span(kind, start, end, bool(event.flow_style))
        for inner in events:
            if isinstance(inner, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                # For the end of a block, PyYAML reports the place where the next value begins, after any comments.
                span.end = self._offset(inner.end_mark) if span.flow or not span.values else span.values[-1].end
                break
            if kind == "mapping":
                span.keys.append(self._compose(inner, events))
                inner = next(events)
            span.values.append(self._compose(inner, events))
        return span

    def _end_of_scalar(self, event: Any, start: int, end: int) -> int:
        if event.style not in ("|", ">"):
            return end
        keeps_blank_lines = re.search(r"[|>]\d?\+", self.text[start : self._line_after(start)]) is not None
        return end if keeps_blank_lines else start + len(self.text[start:end].rstrip())

    def _offset(self, mark: Any) -> int:
        return int(self.starts[mark.line] + mark.column) if mark.line < len(self.starts) else len(self.text)

    def _place(self, offset: int) -> Place:
        line = bisect.bisect_right(self.starts, offset)
        return Place(line, offset - self.starts[line - 1] + 1)

    def _column(self, offset: int) -> int:
        """Return the column of *offset*, counted from 0."""
        return self._place(offset).column - 1

    def _line(self, offset: int) -> str:
        """Return the line in which *offset* is, without its end."""
        line = self._place(offset).line
        following = self.starts[line] if line < len(self.starts) else len(self.text)
        return self.text[self.starts[line - 1] : following].rstrip("\r\n")

    def _line_after(self, offset: int, column: Optional[int] = None) -> int:
        """Return the start of the line after *offset*, and after comments that are indented deeper than *column*."""
        if offset in (0, len(self.text)) or self._column(offset):
            offset = self.starts[min(self._place(offset).line, len(self.starts) - 1)]
        while column is not None and offset < len(self.text):
            line = self._line(offset)
            comment = line.lstrip(" ")
            if not comment.startswith("#") or len(line) - len(comment) <= column:
                break
            offset = self.starts[self._place(offset).line]
        return offset

    def _span(self, *keys: Key) -> _Span:
        span = self.root
        for key in keys:
            span = span.values[span.index(key)]
            if span.kind == "alias":
                message = "this stands for what is written elsewhere under an anchor, and cannot be changed here"
                raise Uneditable(self.path, self._place(span.start), message)
        return span

    def _key(self, *keys: Key) -> _Span:
        mapping = self._span(*keys[:-1])
        return mapping.keys[mapping.index(keys[-1])]

    def _plain(self, *keys: Key) -> Any:
        value = self.value
        for key in keys:
            value = value[key]
        return value

    def _behind_colon(self, key: _Span) -> int:
        return self.text.index(":", key.end) + 1

    def _has_comment(self, start: int, span: _Span) -> bool:
        """Whether a comment is between *start* and the end of *span*.  It would be lost with the value."""
        rest, done = [], start
        for scalar in _scalars(span):
            rest.append(self.text[done : scalar.start])
            written = self.text[scalar.start : scalar.end]
            if written.startswith(("|", ">")):
                rest.append(written.partition("\n")[0])
            done = scalar.end
        return "#" in "".join([*rest, self.text[done : span.end]])

    def _set_off(self, sequence: _Span, index: int, *, alone: bool) -> bool:
        """Whether a blank line is between item *index* and its neighbour; *alone* if it has no neighbour."""
        values = sequence.values
        if len(values) == 1:
            return alone
        first = index if index + 1 < len(values) else index - 1
        between = self.text[self._line_after(values[first].end) : values[first + 1].start]
        return any(not line.strip() for line in _LINE_END.split(between)[:-1])

    # -- splices

    def _splice(self, start: int, end: int, text: str) -> None:
        self.splices.append(_Splice(start, end, text))

    def _replace(self, mapping: _Span, number: int, value: Any) -> None:
        key, span = mapping.keys[number], mapping.values[number]
        start, colon = span.start, self._behind_colon(key)
        is_block = span.kind in ("mapping", "sequence") and not span.flow
        if is_block or span.start == span.end:
            start = colon
        if self._has_comment(start, span):
            raise Uneditable(self.path, self._place(span.start), "a comment inside this value would be lost")
        end = max(start, span.end)
        text = self._written(value, mapping, self.text[span.start : span.start + 1])
        alone = not self._line(end)[self._column(end) :].strip()
        too_long = self._column(key.start) + len(key.text) + 2 + len(text) > WIDTH
        if value and isinstance(value, (list, dict)) and too_long and alone and not mapping.flow:
            lines = as_block({key.text: value}, self._column(key.start))[1:]
            indent = self.line_end + " " * self._column(key.start)
            self._splice(colon, end, "".join(indent + line for line in lines))
        else:
            self._splice(start, end, text if start > colon else f" {text}")

    def _written(self, value: Any, mapping: _Span, quote: str) -> str:
        if isinstance(value, (list, dict)):
            return as_flow(value)
        return as_scalar(value, flow=mapping.flow, quote=quote if quote in ("'", '"') else "")

    def _replace_list(self, mapping: _Span, number: int, old: list[Any], new: list[Any]) -> None:
        """Replace a list.  If each item has its own lines, the lines of items that stay are kept."""
        span = mapping.values[number]
        if span.kind != "sequence" or span.flow or not any(item in new for item in old):
            self._replace(mapping, number, new)
            return
        for item, value in zip(span.values, old):
            if value not in new:
                self._splice(self.starts[self._place(item.start).line - 1], self._line_after(item.end), "")
        at = self._line_after(span.end)
        indent = " " * self._column(self.text.rfind("-", 0, span.values[0].start))
        added = [f"{indent}- {as_scalar(value)}{self.line_end}" for value in new if value not in old]
        if added:
            self._splice(at, at, "".join(added))

    def _insert_key(self, mapping: _Span, plain: dict[str, Any], name: str, value: Any, order: Sequence[str]) -> None:
        """Insert the key *name* behind the last existing one that comes before it in *order*."""
        before = [key for key in order[: order.index(name)] if mapping.index(key) >= 0 and key in plain]
        number = mapping.index(before[-1]) if before else 0
        behind = mapping.values[number]
        column = self._column(mapping.keys[0].start)
        if mapping.flow:
            self._insert_in_flow(mapping.keys[number], as_flow({name: value})[1:-1], behind.end)
        else:
            at = self._line_after(behind.end, column)
            lines = as_block({name: value}, column)
            self._splice(at, at, "".join(f"{' ' * column}{line}{self.line_end}" for line in lines))

    def _insert_in_flow(self, behind: _Span, text: str, at: int) -> None:
        """Insert an item in brackets or braces at *at*, on a line of its own if the item before it has one."""
        column = self._column(behind.start)
        own_line = not self._line(behind.start)[:column].strip()
        self._splice(at, at, (f",{self.line_end}{' ' * column}" if own_line else ", ") + text)

    def _whole_lines(self, mapping: _Span, number: int) -> Optional[tuple[int, int]]:
        """Return the offsets of the text to remove with a key; None if comments on it or before it would be lost."""
        key, span = mapping.keys[number], mapping.values[number]
        if number == 0 or self._has_comment(key.end, span):
            return None
        if mapping.flow:
            start, end = mapping.values[number - 1].end, max(span.end, key.end + 1)
            return None if "#" in self.text[start : key.start] else (start, end)
        start, end = key.start - self._column(key.start), self._line_after(span.end)
        before = self._line(start - 1).lstrip() if start else ""
        alone = not self.text[start : key.start].strip() and not self.text[span.end : end].strip()
        return (start, end) if alone and not before.startswith("#") else None


def _unshared(value: Any) -> Any:
    """Return a copy in which each alias is a value of its own, so that a change is made in one place only."""
    if isinstance(value, dict):
        return {key: _unshared(item) for key, item in value.items()}
    return [_unshared(item) for item in value] if isinstance(value, list) else value


def _scalars(span: _Span) -> Iterator[_Span]:
    if span.kind in ("scalar", "alias"):
        yield span
        return
    for number, value in enumerate(span.values):
        if span.keys:
            yield span.keys[number]
        yield from _scalars(value)
