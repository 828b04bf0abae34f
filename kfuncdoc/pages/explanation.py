# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a log means: its messages about kfuncs, and what the record says of these kfuncs on the kernel in question.

::

    Log, MessageBook, KernelRecord, KernelAsked --explain--> Explanation --as_text, as_json--> text

The sentences about a kfunc are those of its page and of ``kfuncdoc show``.  What to call instead is the advice of
audits.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, Iterator, Mapping, Optional, Sequence

from kfuncdoc.base import json_schema as json_schemas
from kfuncdoc.base.json_schema import Schema
from kfuncdoc.base.prose import as_words
from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.prototype import parse_prototype
from kfuncdoc.compat.advice import Advice, Adviser
from kfuncdoc.compat.kernels import KernelRecord, Presence
from kfuncdoc.kernels.log_reader import Log, Sighting, by_kfunc
from kfuncdoc.kernels.messages import LIBRARIES, SPEAKERS, Message, MessageBook, Topic
from kfuncdoc.kernels.reference import ReferenceUnknown, release_of_version
from kfuncdoc.kernels.releases import Release, ReleaseCalendar
from kfuncdoc.pages import rst
from kfuncdoc.pages.templates import Templates
from kfuncdoc.pages.terminal import FILTERS
from kfuncdoc.views.kfunc import KfuncView, KfuncViews
from kfuncdoc.views.replacement import PLAIN, on_page
from kfuncdoc.views.words import when_in_words

#: The version of the JSON.
FORMAT = 1


class Basis(Enum):
    """How the kernel in question is known, as ``(name, words)``."""

    def __init__(self, word: str, phrase: str) -> None:
        self.word = word
        self.phrase = phrase

    ASKED = ("option", "asked for with --kernel")
    NAMED = ("log", "named in the log")
    NEWEST = ("newest", "the newest release: nothing tells the kernel, say it with --kernel")


@dataclass(frozen=True)
class KernelAsked:
    """The *release* of the kernel in question, and how it is known."""

    release: Release
    basis: Basis
    #: The version that the log names, where that is of a later release than any that is known.
    later_version: Optional[str] = None

    @property
    def words(self) -> str:
        if self.later_version is not None:
            return f"{self.release.name}, the newest that is known; the log names {self.later_version}"
        return f"{self.release.name}, {self.basis.phrase}"


@dataclass(frozen=True)
class TopicSeen:
    """A topic, and its messages that a log has."""

    topic: Topic
    sightings: tuple[Sighting, ...]
    #: Whether the messages are of another topic, and this one may be their reason.
    is_possible_reason: bool = False

    @property
    def meaning(self) -> str:
        return as_words(self.topic.meaning)

    @property
    def to_do(self) -> str:
        return as_words(self.topic.to_do)


@dataclass(frozen=True)
class KfuncExplained:
    """What the record says of a kfunc that a log names, on the kernel in question."""

    name: str
    presence: Presence
    #: As of the kernel in question; None where the record does not have the kfunc.
    view: Optional[KfuncView] = None
    #: As of the newest release.
    newest: Optional[KfuncView] = None
    advice: Optional[Advice] = None
    #: The name in the record that is most similar to an unknown one, as a question; else empty.
    hint: str = ""


@dataclass(frozen=True)
class Explanation:
    """What a log means on the kernel in question."""

    log: Log
    kernel: KernelAsked
    topics: tuple[TopicSeen, ...]
    kfuncs: tuple[KfuncExplained, ...]
    remarks: tuple[str, ...] = ()


def kernel_of_log(log: Log, asked: Optional[Release], calendar: ReleaseCalendar, newest: Release) -> KernelAsked:
    """Return the kernel that was *asked* for, else the one that the *log* names, else the *newest*."""
    if asked is not None:
        return KernelAsked(asked, Basis.ASKED)
    if log.kernel_version is not None:
        try:
            release = release_of_version(log.kernel_version, calendar)
        except ReferenceUnknown:
            return KernelAsked(newest, Basis.NEWEST)
        is_known = calendar.is_real(f"v{log.kernel_version}")
        return KernelAsked(release, Basis.NAMED, None if is_known else log.kernel_version)
    return KernelAsked(newest, Basis.NEWEST)


def explain(log: Log, book: MessageBook, record: KernelRecord, kernel: KernelAsked) -> Explanation:
    """Return what *log* means on *kernel*."""
    views = KfuncViews(record.snapshot.at(kernel.release))
    explained = tuple(_explained(name, record, views) for name in by_kfunc(log.sightings))
    return Explanation(log, kernel, tuple(_topics(log, book, views, kernel)), explained, tuple(_remarks(log, kernel)))


def _topics(log: Log, book: MessageBook, views: KfuncViews, kernel: KernelAsked) -> Iterator[TopicSeen]:
    """Yield the topics of the messages in the order of appearance, and after each what may be the reason."""
    topics: dict[str, list[Sighting]] = {}
    for sighting in log.sightings:
        topics.setdefault(book.topic_of(sighting.message).id, []).append(sighting)
    for sightings in topics.values():
        topic = book.topic_of(sightings[0].message)
        yield TopicSeen(topic, tuple(sightings))
        concerned = [one for one in sightings if topic.if_flag and topic.if_flag in _flags(one.kfunc, views)]
        reason = book.topic(topic.see_topic) if concerned and topic.see_topic else None
        if reason is not None and reason.id not in topics and _is_possible(reason, kernel):
            yield TopicSeen(reason, tuple(concerned), is_possible_reason=True)


def _is_possible(topic: Topic, kernel: KernelAsked) -> bool:
    """Whether *kernel* may be one of those that *topic* is about."""
    is_guess = kernel.basis is Basis.NEWEST
    return is_guess or any(message.in_release(kernel.release) is not False for message in topic.messages)


def _flags(kfunc: Optional[str], views: KfuncViews) -> Sequence[str]:
    view = views.view(kfunc) if kfunc else None
    return view.facts.flags if view else ()


def _explained(name: str, record: KernelRecord, views: KfuncViews) -> KfuncExplained:
    view = views.view(name)
    if view is None:
        return KfuncExplained(name, Presence.UNKNOWN, hint=record.nearest(name))
    kernel = record.kernel(views.release)
    presence = record.look(name, kernel).presence
    is_to_come = presence is Presence.ABSENT and not view.lifecycle.added
    advice = Adviser(record, [kernel]).about(name, (kernel,) if is_to_come else ())
    return KfuncExplained(name, presence, view, record.views.view(name), advice)


def _remarks(log: Log, kernel: KernelAsked) -> Sequence[str]:
    remarks = []
    release = kernel.release
    others = [one.message for one in log.sightings if one.message.in_release(release) is False]
    if others:
        remarks.append(f'{release.name} does not say "{others[0].shown}": the log is of another kernel')
    if log.dropped:
        remarks.append(f"the log has {log.dropped} more messages, about other names")
    return remarks


def spoken_by(message: Message) -> str:
    """Return who prints a message, and in which releases or versions: ``verifier, gone in v7.0 or before``."""
    words = [SPEAKERS[message.speaker]]
    since, until = message.since_version, message.until_version
    if message.speaker not in LIBRARIES:
        since = when_in_words(message.since) if message.since else None
        until = when_in_words(message.until) if message.until else None
    words += [f"since {since}"] if since else []
    words += [f"no longer in {until}"] if until else []
    return ", ".join(words)


# -- text


def as_text(explanation: Explanation) -> str:
    """Return an explanation for the terminal."""
    views = next((kfunc.view.views for kfunc in explanation.kfuncs if kfunc.view is not None), None)
    names = {
        "release": explanation.kernel.release,
        "date": views.date if views else None,
        "pages": views,
        "instead": functools.partial(on_page, markup=PLAIN),
        "spoken_by": spoken_by,
    }
    templates = Templates([str(packaged("templates"))], FILTERS, {"web_address": rst.is_web_address}, names)
    text = templates.render("terminal/explain.txt.jinja", {"explanation": explanation})
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


# -- JSON


def as_json(explanation: Explanation) -> str:
    """Return an explanation as JSON, which :func:`json_schema` describes."""
    document = {
        "format": FORMAT,
        "kernel": explanation.kernel.release.name,
        "kernel_from": explanation.kernel.basis.word,
        "lines": explanation.log.lines,
        "messages": [
            _message(seen.topic, sighting)
            for seen in explanation.topics
            for sighting in seen.sightings
            if not seen.is_possible_reason
        ],
        "topics": [_topic(seen) for seen in explanation.topics],
        "kfuncs": [_kfunc(kfunc) for kfunc in explanation.kfuncs],
        "remarks": list(explanation.remarks),
    }
    return json.dumps(document, indent=2) + "\n"


def _message(topic: Topic, sighting: Sighting) -> Mapping[str, Any]:
    return {
        "id": sighting.message.id,
        "topic": topic.id,
        "said_by": sighting.message.speaker,
        "kfunc": sighting.kfunc,
        "line": sighting.line,
        "text": sighting.text,
        "count": sighting.count,
    }


def _topic(seen: TopicSeen) -> Mapping[str, Any]:
    return {
        "id": seen.topic.id,
        "title": seen.topic.title,
        "meaning": seen.meaning,
        "what_to_do": seen.to_do,
        "audit_rules": list(seen.topic.audits),
        "possible_reason_for": [sighting.message.id for sighting in seen.sightings] if seen.is_possible_reason else [],
    }


def _kfunc(kfunc: KfuncExplained) -> Mapping[str, Any]:
    view, advice = kfunc.view, kfunc.advice
    facts = view.facts if view else None
    in_kernel = kfunc.newest.in_kernel if kfunc.newest else ()
    return {
        "name": kfunc.name,
        "declared": view is not None,
        "presence": kfunc.presence.value,
        "stability": view.stability if view else None,
        "in_kernel": [{"first": first.name, "last": last.name if last else None} for first, last in in_kernel],
        "prototype": str(parse_prototype(facts.prototype)) if facts else None,
        "flags": list(facts.flags) if facts else [],
        "program_types": [*facts.program_types, *view.sharing] if facts and view else [],
        "struct_ops": list(facts.struct_ops) if facts else [],
        "filter": as_words(facts.filter) if facts and facts.filter else None,
        "module": facts.module if facts else None,
        "configuration": facts.depends_on if facts else None,
        "advice": advice.words if advice else None,
        "instead": [replacement.name for replacement in advice.instead] if advice else [],
        "guard": advice.guard if advice else None,
    }


def json_schema() -> Schema:
    """Return the JSON Schema of what :func:`as_json` writes."""
    message = json_schemas.record(
        "One message about one kfunc, or about none.",
        {
            "id": json_schemas.text("The name of the message in the data."),
            "topic": json_schemas.text("The id of its topic."),
            "said_by": json_schemas.choice("Who printed it.", list(SPEAKERS)),
            "kfunc": json_schemas.nullable(json_schemas.text("The kfunc; null where the log does not tell.")),
            "line": json_schemas.number("The first line that has it, counted from 1."),
            "text": json_schemas.text("That line, or the message and what is near it in a long line."),
            "count": json_schemas.number("How often the log has it."),
        },
    )
    topic = json_schemas.record(
        "One topic: messages that mean the same.",
        {
            "id": json_schemas.text("Its name in the data."),
            "title": json_schemas.text("Its title on the page of messages."),
            "meaning": json_schemas.text("What the messages mean."),
            "what_to_do": json_schemas.text("What to do."),
            "audit_rules": json_schemas.texts("The findings of audits that tell of it before a program is loaded."),
            "possible_reason_for": json_schemas.texts(
                "The messages of the topic before it for which it may be the reason; empty if the log has its own."
            ),
        },
    )
    stretch = json_schemas.record(
        "One stretch of releases.",
        {
            "first": json_schemas.text("The first release."),
            "last": json_schemas.nullable(json_schemas.text("The last release; null if the newest has it.")),
        },
    )
    kfunc = json_schemas.record(
        "One kfunc.",
        {
            "name": json_schemas.text("Its name."),
            "declared": json_schemas.flag("Whether the record has it."),
            "presence": json_schemas.choice("Whether the kernel has it.", [presence.value for presence in Presence]),
            "stability": json_schemas.nullable(json_schemas.text("Its stability there; null if it is not declared.")),
            "in_kernel": json_schemas.array("The releases that have it.", stretch),
            "prototype": json_schemas.nullable(json_schemas.text("Its prototype there; null if it is not declared.")),
            "flags": json_schemas.texts("Its KF_ flags there."),
            "program_types": json_schemas.texts("The program types that may call it, through shared hooks too."),
            "struct_ops": json_schemas.texts("The struct_ops to which it is limited."),
            "filter": json_schemas.nullable(json_schemas.text("How a filter narrows the callers; null without one.")),
            "module": json_schemas.nullable(json_schemas.text("The module that has it; null if it is in none.")),
            "configuration": json_schemas.nullable(json_schemas.text("The configuration that it needs, or null.")),
            "advice": json_schemas.nullable(json_schemas.text("What to call instead, in words; null without advice.")),
            "instead": json_schemas.texts("The kfuncs to call instead."),
            "guard": json_schemas.nullable(json_schemas.text("C code that calls what the kernel has, or null.")),
        },
    )
    return json_schemas.document(
        "Explanation",
        "What `kfuncdoc explain --format json` prints.",
        FORMAT,
        {
            "kernel": json_schemas.text("The kernel in question."),
            "kernel_from": json_schemas.choice("How it is known.", [basis.word for basis in Basis]),
            "lines": json_schemas.number("The number of lines that were read."),
            "messages": json_schemas.array("The messages of the log, by topic.", message),
            "topics": json_schemas.array("What they mean, in the order of appearance.", topic),
            "kfuncs": json_schemas.array("The kfuncs that the messages are about, in the order of appearance.", kfunc),
            "remarks": json_schemas.texts("What else is to be said of the log."),
        },
    )
