# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The messages of libbpf, the verifier and others about kfuncs, from ``data/messages.yaml``.

::

    data/messages.yaml --load_messages--> MessageBook --log_reader.read_log--> Log

A pattern is the text of a message with placeholders: ``calling kernel function {kfunc} is not allowed``.
:data:`PLACEHOLDERS` has them all.  Each takes a limited number of characters and no line end, and none is repeated, so
that the time of a search is proportional to the length of the log, whatever the log contains.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Iterator, Mapping, NamedTuple, Optional, Sequence

from kfuncdoc.base import yaml_text
from kfuncdoc.base.resources import packaged
from kfuncdoc.kernels.releases import Release, ReleaseCalendar, UnknownRelease, When


class Placeholder(NamedTuple):
    """A placeholder for a variable part of a message: its *expression*, the *most* characters, and a *sample*."""

    expression: str
    most: int
    sample: str


#: The placeholders of patterns.  ``kfunc`` is the name of the kfunc that the message is about, and ``instruction`` the
#: number of the instruction that called it.
PLACEHOLDERS: Mapping[str, Placeholder] = {
    "kfunc": Placeholder("(?P<kfunc>[A-Za-z_][A-Za-z0-9_]{0,127})", 128, "bpf_foo"),
    "name": Placeholder("[^\\s'\"()\\[\\]]{1,128}", 128, "foo"),
    "number": Placeholder("-?(?:0x)?[0-9a-f]{1,20}", 23, "12"),
    "decimal": Placeholder("[0-9]{1,20}", 20, "12"),
    "errno": Placeholder("-[0-9]{1,4}", 5, "-22"),
    "error": Placeholder("-E[A-Z0-9]{1,20}", 22, "-EINVAL"),
    "register": Placeholder("(?:R[0-9]{1,2}|\\*\\(R11-[0-9]{1,4}\\))", 11, "R1"),
    "type": Placeholder("[A-Za-z0-9_]{1,64}", 64, "ptr_"),
    "struct": Placeholder("[A-Za-z0-9_]{1,128}", 128, "task_struct"),
    "module": Placeholder("(?!kernel )[A-Za-z0-9_]{1,64}", 64, "vmlinux"),
    "instruction": Placeholder("(?P<instruction>[0-9]{1,7})", 7, "5"),
    "words": Placeholder(".{1,160}", 160, "foo"),
}
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_WORD = "[A-Za-z0-9_]"
#: The end of a word, or an escaped line end or tab, as texts in JSON have them.
_NOT_IN_WORD = f"(?:(?<!{_WORD})|(?<=\\\\[nrt]))"

#: Who prints messages, by the name that the data has for them.
SPEAKERS: Mapping[str, str] = {
    "libbpf": "libbpf",
    "cilium": "cilium/ebpf",
    "verifier": "verifier",
    "sched_ext": "sched_ext",
    "scx": "schedulers of scx",
    "kernel": "the kernel's log",
}
#: The speakers that are libraries: their messages belong to a version of the library, not to a release of the kernel.
LIBRARIES = ("libbpf", "cilium")
_VERSION = re.compile(r"[0-9]+\.[0-9]+")


@dataclass(frozen=True)
class Message:
    """One message: who prints it, its *pattern*, and a real line that has it, the *example*."""

    id: str
    #: One of :data:`SPEAKERS`.
    speaker: str
    pattern: str
    example: str
    #: The message as the pages show it.
    shown: str
    #: The first release of the kernel that prints it, and the first that no longer does, as far as is known.
    since: Optional[When] = None
    until: Optional[When] = None
    #: The same for a library: the first version, and the first without it.
    since_version: Optional[str] = None
    until_version: Optional[str] = None
    #: The kfunc that it is about, if its text names none.
    about: Optional[str] = None
    #: Whether the verifier prints it just after the instruction that calls the kfunc, and does not name the kfunc.
    follows_call: bool = False

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The expression that finds the message anywhere in a line."""
        pieces = _PLACEHOLDER.split(self.pattern)
        expressions = [
            PLACEHOLDERS[piece].expression if number % 2 else re.escape(piece) for number, piece in enumerate(pieces)
        ]
        begins_in_word = not pieces[0] or re.match(_WORD, pieces[0]) is not None
        ends_in_word = not pieces[-1] or re.search(f"{_WORD}$", pieces[-1]) is not None
        before, after = _NOT_IN_WORD if begins_in_word else "", f"(?!{_WORD})" if ends_in_word else ""
        return re.compile(before + "".join(expressions) + after)

    @cached_property
    def anchor(self) -> str:
        """The longest part of the pattern that is the same in every such message: a search looks for it first."""
        return max(_PLACEHOLDER.split(self.pattern)[::2], key=len)

    @cached_property
    def reach(self) -> tuple[int, int]:
        """How far the message can reach before the beginning of the anchor, and after it, in characters."""
        start = self.pattern.index(self.anchor)
        return _most_characters(self.pattern[:start]), _most_characters(self.pattern[start:])

    def in_release(self, release: Release) -> Optional[bool]:
        """Whether a kernel of *release* prints it; None if that is not known, or if a library prints it."""
        if self.speaker in LIBRARIES:
            return None
        outcomes = (
            True if self.since is None else _has_come(self.since, release),
            True if self.until is None else _negated(_has_come(self.until, release)),
        )
        return False if False in outcomes else None if None in outcomes else True


def _most_characters(pattern: str) -> int:
    pieces = _PLACEHOLDER.split(pattern)
    return sum(PLACEHOLDERS[piece].most if number % 2 else len(piece) for number, piece in enumerate(pieces))


def _has_come(when: When, release: Release) -> Optional[bool]:
    """Whether an event has happened by *release*; None where that is not certain."""
    if when.by <= release:
        return True
    is_possible = when.uncertain and (when.after is None or when.after < release)
    return None if is_possible else False


def _negated(outcome: Optional[bool]) -> Optional[bool]:
    return None if outcome is None else not outcome


@dataclass(frozen=True)
class Topic:
    """Messages that mean the same, what they mean, and what to do; *meaning* and *to_do* are reStructuredText."""

    id: str
    title: str
    messages: tuple[Message, ...]
    meaning: str
    to_do: str
    #: The findings of audits that tell of it before a program is loaded, by name.
    audits: tuple[str, ...] = ()
    #: What is to be said of these findings, after their names.
    audits_note: str = ""
    #: Where the kfunc has the flag *if_flag*, the topic with the id *see_topic* may be the reason, too.
    if_flag: Optional[str] = None
    see_topic: Optional[str] = None


@dataclass(frozen=True)
class TopicGroup:
    """Topics that belong together, under one *title*."""

    id: str
    title: str
    intro: str
    topics: tuple[Topic, ...]


@dataclass(frozen=True)
class MessageBook:
    """All messages, in the order of the data."""

    groups: tuple[TopicGroup, ...]

    @property
    def topics(self) -> Iterator[Topic]:
        return (topic for group in self.groups for topic in group.topics)

    @property
    def messages(self) -> Iterator[Message]:
        return (message for topic in self.topics for message in topic.messages)

    def topic_of(self, message: Message) -> Topic:
        """Return the topic that *message* belongs to."""
        return self._topics[message.id]

    def topic(self, id: str) -> Topic:
        """Return the topic with this *id*; raises KeyError if there is none."""
        return {topic.id: topic for topic in self.topics}[id]

    @cached_property
    def _topics(self) -> Mapping[str, Topic]:
        return {message.id: topic for topic in self.topics for message in topic.messages}


# -- reading


def load_messages(calendar: ReleaseCalendar, path: Optional[str] = None) -> MessageBook:
    """Return the messages of the file at *path* (default: the packaged one).

    Raises Unusable for a file that is no YAML, and ValueError, with the place, for what is wrong in it.
    """
    read = yaml_text.read(path or str(packaged("data") / "messages.yaml"))
    return _Reader(read, calendar).book()


class _Reader:
    """Makes messages from the content of a file, and says where something in it is wrong."""

    def __init__(self, read: yaml_text.SourceFile, calendar: ReleaseCalendar) -> None:
        self._read = read
        self._calendar = calendar
        self._ids: set[str] = set()
        #: The topics that others refer to, by the place.
        self._references: dict[yaml_text.KeyPath, str] = {}

    def book(self) -> MessageBook:
        groups = self._list((), "groups")
        book = MessageBook(tuple(self._group(("groups", number)) for number in range(len(groups))))
        known = {topic.id for topic in book.topics}
        for path, seen in self._references.items():
            if seen not in known:
                raise self._wrong(path, f"there is no topic '{seen}'")
        return book

    def _group(self, path: yaml_text.KeyPath) -> TopicGroup:
        fields = self._fields(path, required=("id", "title", "topics"), optional=("intro",))
        topics = self._list(path, "topics")
        return TopicGroup(
            self._new_id(path), fields["title"], fields.get("intro", ""),
            tuple(self._topic((*path, "topics", number)) for number in range(len(topics))),
        )  # fmt: skip

    def _topic(self, path: yaml_text.KeyPath) -> Topic:
        required = ("id", "title", "messages", "meaning", "to_do")
        fields = self._fields(path, required=required, optional=("audits", "audits_note", "if_flag", "see_topic"))
        if ("if_flag" in fields) is not ("see_topic" in fields):
            raise self._wrong(path, "if_flag and see_topic belong together")
        if "see_topic" in fields:
            self._references[(*path, "see_topic")] = fields["see_topic"]
        messages = self._list(path, "messages")
        audits = self._list(path, "audits") if "audits" in fields else []
        return Topic(
            self._new_id(path), fields["title"],
            tuple(self._message((*path, "messages", number)) for number in range(len(messages))),
            fields["meaning"], fields["to_do"], tuple(map(str, audits)), fields.get("audits_note", ""),
            fields.get("if_flag"), fields.get("see_topic"),
        )  # fmt: skip

    def _message(self, path: yaml_text.KeyPath) -> Message:
        optional = ("shown", "since", "until", "about", "follows_call")
        fields = self._fields(path, required=("id", "speaker", "pattern", "example"), optional=optional)
        if fields["speaker"] not in SPEAKERS:
            raise self._wrong((*path, "speaker"), f"'{fields['speaker']}' is not among {', '.join(SPEAKERS)}")
        pattern = self._pattern((*path, "pattern"), fields["pattern"])
        span: dict[str, Any] = {}
        for end in ("since", "until"):
            if end in fields:
                span.update(self._end((*path, end), end, fields[end], fields["speaker"]))
        return Message(
            self._new_id(path), fields["speaker"], pattern, fields["example"],
            fields.get("shown") or _sample(pattern), about=fields.get("about"),
            follows_call=fields.get("follows_call") == "true", **span,
        )  # fmt: skip

    def _pattern(self, path: yaml_text.KeyPath, pattern: str) -> str:
        names = _PLACEHOLDER.findall(pattern)
        for name in names:
            if name not in PLACEHOLDERS:
                raise self._wrong(path, f"'{{{name}}}' is not among {', '.join(PLACEHOLDERS)}")
        for name in ("kfunc", "instruction"):
            if names.count(name) > 1:
                raise self._wrong(path, f"{{{name}}} can stand in a pattern only once")
        if pattern.startswith("{words}"):
            raise self._wrong(path, "{words} cannot begin a pattern: nobody knows where they begin")
        if "\n" in pattern or not max(_PLACEHOLDER.split(pattern)[::2], key=len).strip():
            raise self._wrong(path, "a pattern is one line, and more than placeholders")
        return pattern

    def _end(self, path: yaml_text.KeyPath, end: str, text: str, speaker: str) -> Mapping[str, Any]:
        """Return *end*, ``since`` or ``until``, as a field of a message: a version of a library, or a release."""
        if speaker in LIBRARIES:
            if not _VERSION.fullmatch(text):
                raise self._wrong(path, f"'{text}' is no version of a library, such as 1.3")
            return {f"{end}_version": text}
        try:
            return {end: self._calendar.when(text)}
        except UnknownRelease as error:
            raise self._wrong(path, f"'{error}' is no release") from None

    def _new_id(self, path: yaml_text.KeyPath) -> str:
        value: str = self._value((*path, "id"))
        if value in self._ids:
            raise self._wrong((*path, "id"), f"there are two of the id '{value}'")
        self._ids.add(value)
        return value

    def _fields(
        self, path: yaml_text.KeyPath, *, required: Sequence[str], optional: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        value = self._value(path)
        if not isinstance(value, dict):
            raise self._wrong(path, f"this is no mapping with {', '.join(required)}")
        for name in required:
            if not value.get(name):
                raise self._wrong(path, f"'{name}' is missing")
        for name, field in value.items():
            if name not in (*required, *optional):
                raise self._wrong((*path, name), f"there is no field '{name}'")
            if name not in ("topics", "messages", "audits") and not isinstance(field, str):
                raise self._wrong((*path, name), f"'{name}' is text")
        return value

    def _list(self, path: yaml_text.KeyPath, name: str) -> Sequence[Any]:
        holder = self._value(path)
        value = holder.get(name) if isinstance(holder, dict) else None
        if not isinstance(value, list) or not value:
            raise self._wrong((*path, name), f"'{name}' is a list with something in it")
        return value

    def _value(self, path: yaml_text.KeyPath) -> Any:
        value = self._read.value
        for key in path:
            value = value[key]
        return value

    def _wrong(self, path: yaml_text.KeyPath, message: str) -> ValueError:
        place = self._read.place(*path)
        return ValueError(f"{self._read.path}:{place.line}:{place.column}: {message}")


def _sample(pattern: str) -> str:
    """Return the message with a sample in place of each placeholder."""
    return _PLACEHOLDER.sub(lambda match: PLACEHOLDERS[match[1]].sample, pattern)
