# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A YAML file as text with positions.

Reading a file gives two values: plain lists, dictionaries and strings, which the models validate, and a tree of
:class:`Node`, which knows the place of each of them.  Every scalar is a text, because a plain YAML loader reads
``6.10`` as the number 6.1.  This module uses PyYAML's events and not its loader: the loader recurses into hostile
nesting, and keeps the last of two equal keys.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Iterator, NamedTuple, Optional, Union

import yaml

from kfuncdoc.base.diagnostics import Diagnostic, Rule

#: The limits of a file; a file beyond them is refused.  A real subsystem is a hundred times smaller.
LARGEST_FILE = 4_000_000
DEEPEST = 32
MOST_VALUES = 500_000

#: The marks around the place of a line of prose, see :mod:`kfuncdoc.record.declared_prose`; refused in declarations.
MARKS = "\ue000\ue001"

#: One step of a path into a YAML value: the key of a mapping, or the index of an item in a list.
Key = Union[str, int]
#: The path to a value, from the whole file or from one record of it.
KeyPath = tuple[Key, ...]

#: An event of PyYAML.  Its stubs say that both marks are optional, but every event of a parser has both.
_Event = Any
_YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Characters that no file may have, neither directly nor as an escape in double quotes (``"\\u2028"``).
_REFUSED_CHARACTERS = re.compile(f"[\x85\u2028\u2029{MARKS}]")


class Place(NamedTuple):
    """A line and a column, counted from 1; (0, 0) is the file as a whole."""

    line: int = 0
    column: int = 0


_WHOLE_FILE = Place()


class Node:
    """The place of a collection, or of a scalar of several lines, in the file.

    Most values are scalars of one line.  A file has dozens of them for each kfunc, so they have no node: only *places*
    of the collection around them has their place.
    """

    __slots__ = ("lines", "nodes", "place", "places")

    def __init__(self, place: Place, lines: Optional[range] = None) -> None:
        self.place = place
        #: Where each item or value begins.
        self.places: dict[Key, Place] = {}
        #: The items or values that have a node.
        self.nodes: dict[Key, Node] = {}
        #: For a scalar of several lines: the line of the file for each line of its text.
        self.lines = lines


@dataclass(frozen=True)
class KeyTwice:
    """A key that occurs twice in a mapping: the path of its second value, which is left out, and its place."""

    path: KeyPath
    place: Place


@dataclass(frozen=True)
class SourceFile:
    """A declaration file as read: *path* as the user named it, its plain *value*, its *root* node."""

    path: str
    value: Any = field(repr=False)
    root: Node = field(repr=False)
    text: str = field(repr=False)
    #: The lines inside scalars of several lines: a ``#`` there does not begin a comment.
    scalar_lines: frozenset[int] = field(repr=False, default=frozenset())
    keys_twice: tuple[KeyTwice, ...] = ()

    def place(self, *keys: Key) -> Place:
        """Return the place of the value at the path of *keys*; if there is none, of the nearest value around it."""
        return _place_of(self.root, keys)

    def key_place(self, *keys: Key) -> Place:
        """Return the place of the key that is the last of *keys*, where it first occurs in its mapping."""
        return _place_of(self._root_by_keys, keys)

    @cached_property
    def _root_by_keys(self) -> Node:
        """The tree with the places of keys instead of the places of their values; few files need it."""
        return _Composer(self.path, self.text, by_keys=True).compose()[1]

    def lines(self, *keys: Key) -> Iterator[int]:
        """Yield the line of the file for each line of the prose at *keys*, without end."""
        node: Optional[Node] = self.root
        for key in keys:
            node = node.nodes.get(key) if node else None
        last = self.place(*keys).line
        for last in node.lines if node is not None and node.lines is not None else ():
            yield last
        while True:
            yield last


def _place_of(root: Node, keys: KeyPath) -> Place:
    node, place = root, root.place
    for key in keys:
        place = node.places.get(key, place)
        if key not in node.nodes:
            break
        node = node.nodes[key]
    return place


class Unusable(Exception):
    """The file as a whole cannot be used; the diagnostic says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def read(path: str) -> SourceFile:
    """Read the file at *path*; whatever is there, raises nothing but :exc:`Unusable`."""
    return parse(path, decode(path, read_bytes(path)))


def read_bytes(path: str) -> bytes:
    """Return the bytes of a regular file within the limits; never blocks on a pipe or a socket."""
    try:
        # It is opened without waiting, and checked afterwards: the file may change between a check and opening it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                message = "is a directory" if stat.S_ISDIR(mode) else "not a regular file"
                raise _unusable(path, Rule.UNREADABLE, message)
            with open(descriptor, "rb", closefd=False) as stream:
                content = stream.read(LARGEST_FILE + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unusable(path, Rule.UNREADABLE, (error.strerror or str(error)).lower()) from None
    except ValueError as error:
        raise _unusable(path, Rule.UNREADABLE, str(error)) from None
    if len(content) > LARGEST_FILE:
        raise _unusable(path, Rule.TOO_LARGE, f"more than {LARGEST_FILE // 1_000_000} MB", "split the subsystem")
    return content


def decode(path: str, content: bytes) -> str:
    """Return the text of a file, or raise :exc:`Unusable` with the place of what is wrong in it."""
    content = content[len(codecs.BOM_UTF8) :] if content.startswith(codecs.BOM_UTF8) else content
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _place(content[: error.start].decode("utf-8"))
        raise _unusable(path, Rule.ENCODING, f"byte 0x{content[error.start]:02x} is not UTF-8", place=place) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    refused = _REFUSED_CHARACTERS.search(text)
    if refused:
        raise _refusal(path, refused[0], _place(text[: refused.start()]))
    return text


def _refusal(path: str, character: str, place: Place) -> Unusable:
    """Return the error for a file that has a *character* at *place* that no file may have."""
    code = f"U+{ord(character):04X}"
    if character in MARKS:
        return _unusable(path, Rule.PRIVATE_MARK, f"{code} is reserved", "remove it", place)
    message = f"{code} ends a line for some readers and not for others"
    return _unusable(path, Rule.ENCODING, message, "write a plain line end, or leave it out", place)


def parse(path: str, text: str) -> SourceFile:
    """Parse *text*; raises :exc:`Unusable` if it is not a YAML mapping within the limits."""
    composer = _Composer(path, text)
    try:
        value, root = composer.compose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place()
        if mark and "nesting depth" in str(error.problem):
            # From PyYAML 6.0.4 on it has a limit of its own, far beyond ours, and meets it before it tells of
            # any level: it reads a line ahead. What comes before that place still goes too deep for us.
            parse(path, text[: mark.index])
        context = f" {error.context}" if error.context else ""
        raise _unusable(path, Rule.YAML_SYNTAX, f"{error.problem}{context}", place=place) from None
    except yaml.reader.ReaderError as error:
        # PyYAML counts characters, and libyaml bytes.
        by_characters = isinstance(error.character, str)
        before = text[: error.position] if by_characters else text.encode()[: error.position].decode("utf-8", "ignore")
        code = ord(error.character) if by_characters else error.character
        raise _unusable(path, Rule.YAML_SYNTAX, f"U+{code:04X} cannot stand in YAML", place=_place(before)) from None
    if value is None:
        raise _unusable(path, Rule.EMPTY_FILE, "the file declares nothing")
    return SourceFile(path, value, root, text, frozenset(composer.scalar_lines), tuple(composer.keys_twice))


def _unusable(path: str, rule: Rule, message: str, hint: str = "", place: Optional[Place] = None) -> Unusable:
    place = place or Place()
    return Unusable(Diagnostic(path, place.line, place.column, rule, message, hint))


def _place(before: str) -> Place:
    """Return the place after the text *before*."""
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


@dataclass
class _Open:
    """A collection whose end is not read yet: its value so far, and the last key if its value is not read yet."""

    value: Any
    node: Node
    anchor: Optional[str]
    #: The number of values in the file before the collection.
    start: int
    key: Optional[str] = None
    key_place: Place = _WHOLE_FILE

    @property
    def step(self) -> Key:
        """The key or index of the next value in this collection."""
        return len(self.value) if self.key is None else self.key

    def put(self, value: Any, node: Optional[Node], place: Place) -> None:
        step = self.step
        self.node.places[step] = place
        if node is not None:
            self.node.nodes[step] = node
        if self.key is None:
            self.value.append(value)
        else:
            self.value[step] = value


class _Anchored(NamedTuple):
    """A value with an anchor, and the number of values in it."""

    value: Any
    node: Optional[Node]
    place: Place
    size: int


class _Composer:
    """Turns PyYAML's events into values and nodes, without recursion and within the limits."""

    def __init__(self, path: str, text: str, *, by_keys: bool = False) -> None:
        self.path = path
        #: Whether a value in a mapping gets the place of its key.
        self.by_keys = by_keys
        self.events = yaml.parse(text, Loader=_YamlLoader)
        self.anchors: dict[str, _Anchored] = {}
        self.texts: dict[str, str] = {}
        self.values = 0
        self.scalar_lines: set[int] = set()
        self.keys_twice: list[KeyTwice] = []
        #: The collections that are open, the innermost last.
        self.stack: list[_Open] = []
        self.result: tuple[Any, Node] = (None, Node(_WHOLE_FILE))

    def compose(self) -> tuple[Any, Node]:
        """Return the value and node of the only document; (None, ...) for an empty file."""
        documents = 0
        for event in self.events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent:
                self._open({}, event)
            elif kind is yaml.SequenceStartEvent:
                self._open([], event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close()
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise self._error(Rule.YAML_SYNTAX, "a second document begins", event, "one file is one subsystem")
        return self.result

    def _scalar(self, event: _Event) -> None:
        self._count(1, event)
        node, place = None, _at(event)
        # A file repeats a few words many times: as keys, as flags, as releases.
        value: Optional[str] = self.texts.get(event.value)
        if value is None:
            refused = _REFUSED_CHARACTERS.search(event.value)
            if refused:  # decode() checked the text as written, but not the characters that its escapes stand for
                raise _refusal(self.path, refused[0], place)
            value = self.texts[event.value] = event.value
        start, end = event.start_mark.line, event.end_mark.line
        if start != end:
            node = Node(place, _lines(event))
            self.scalar_lines.update(range(start + 2, end + 1 + (event.end_mark.column > 0)))
        if not event.style and event.value in ("", "null", "~") and event.implicit[0]:
            value = None
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, node, place, 1)
        self._put(value, node, place, place)

    def _alias(self, event: _Event) -> None:
        if event.anchor not in self.anchors:
            raise self._error(Rule.YAML_SYNTAX, f"there is no anchor '&{event.anchor}' before this", event)
        anchored = self.anchors[event.anchor]
        # The value of an alias counts each time that it is used: a few lines of aliases can mean billions of values.
        self._count(anchored.size, event)
        self._put(anchored.value, anchored.node, anchored.place, _at(event))

    def _open(self, value: Any, event: _Event) -> None:
        self._count(1, event)
        if len(self.stack) >= DEEPEST:
            raise self._error(Rule.TOO_LARGE, f"nested deeper than {DEEPEST} levels", event)
        self.stack.append(_Open(value, Node(_at(event)), event.anchor, self.values))

    def _close(self) -> None:
        closed = self.stack.pop()
        node, place = closed.node if closed.node.places else None, closed.node.place
        if closed.anchor is not None:
            self.anchors[closed.anchor] = _Anchored(closed.value, node, place, self.values - closed.start + 1)
        self._put(closed.value, node, place, place)

    def _put(self, value: Any, node: Optional[Node], place: Place, used: Place) -> None:
        """Put a finished value into its place: into a list, as a key, as a key's value, or as the whole.

        *place* is the place of the value.  *used* is the place where it is used: another one if an alias stands for it.
        """
        if not self.stack:
            self.result = (value, node or Node(place))
            return
        innermost = self.stack[-1]
        if isinstance(innermost.value, list):
            innermost.put(value, node, place)
        elif innermost.key is None:
            if not isinstance(value, str):
                what = "nothing" if value is None else "a collection"
                raise _unusable(self.path, Rule.YAML_SYNTAX, f"a key is text, not {what}", place=place)
            innermost.key = value
            innermost.key_place = used
        else:
            if innermost.key in innermost.value:
                path = tuple(outer.step for outer in self.stack)
                self.keys_twice.append(KeyTwice(path, innermost.key_place))
            else:
                innermost.put(value, node, innermost.key_place if self.by_keys else place)
            innermost.key = None

    def _count(self, values: int, event: _Event) -> None:
        self.values += values
        if self.values > MOST_VALUES:
            raise self._error(Rule.TOO_LARGE, f"more than {MOST_VALUES:,} values", event)

    def _error(self, rule: Rule, message: str, event: _Event, hint: str = "") -> Unusable:
        return _unusable(self.path, rule, message, hint, _at(event))


def _lines(event: _Event) -> range:
    """Return the lines of the file that correspond to the lines of a scalar of several lines.

    They are exact for a literal block.  Folding loses where a line ended: then only the first line is exact, and the
    others may be above the true lines, but never below them.
    """
    start, end = event.start_mark.line, event.end_mark.line
    if event.style == "|":
        return range(start + 2, end + 2)
    first = start + 2 if event.style == ">" else start + 1
    several = "\n" in event.value.rstrip("\n")
    return range(first, max(end, first) + 1) if several else range(first, first + 1)


def _at(event: _Event) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)
