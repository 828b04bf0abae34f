# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Finds messages about kfuncs in a log, of any length and with anything else in it.

::

    a binary stream --pieces of text--> search for each message --> Log

The log is read in pieces of a fixed size, so that memory does not grow with it.  A message is
found anywhere in a line, so timestamps and names of programs around it do not matter.  Colours of terminals are
removed.  Bytes that are not UTF-8 are replaced.  NULs are removed, so that UTF-16 can be read, as far as it is ASCII.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import BinaryIO, Iterator, Mapping, NamedTuple, Optional, Sequence

from kfuncdoc.bpf.objects import essential_name
from kfuncdoc.kernels.messages import LIBRARIES, Message, MessageBook

#: The bytes that are read at once.
_BLOCK = 1 << 18
#: The characters around a message that are looked at: for its whole text, for the line that it is in, and for the call
#: before it.  Every message is shorter.
_AROUND = 4096
#: How many different messages are kept; more are only counted.
MOST_SIGHTINGS = 1000
#: The longest line that is shown.
_LONGEST_LINE = 240

#: Control sequences of terminals (ECMA-48): colours and the like; the second form sets the title of a window.
_CONTROL = re.compile(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-Z\\-_])")
_LONGEST_CONTROL = 256
#: An instruction that calls a kfunc, in the log of the verifier.  Helpers have small numbers, and kfuncs those of BTF.
_CALL = re.compile(r"\(85\) call ([A-Za-z_][A-Za-z0-9_]{0,127})#[0-9]{4,10}(?![0-9])")
_CALL_ANCHOR = "(85) call "
#: The version of the kernel, as ``dmesg``, ``/proc/version``, ``uname -a`` and people write it.
_KERNEL = re.compile(
    r"(?<![A-Za-z])(?:Linux version|Linux \S{1,64}|[Ll]inux(?: kernel)?:?|[Kk]ernel(?: [Vv]ersion)?:?)[ \t]{1,8}"
    r"v?([1-9][0-9]?\.[0-9]{1,2})(?![0-9])"
)
_KERNEL_ANCHORS = ("inux ", "inux: ", "ernel")


@dataclass
class Sighting:
    """A message in a log, about one kfunc or none: the first line that has it, and how often it was found."""

    message: Message
    #: The name of the kfunc without its flavour; None where the log does not tell.
    kfunc: Optional[str]
    #: The number of the first line, from 1.
    line: int
    #: The first line, without what surrounds a long message.
    text: str
    count: int = 1


@dataclass
class Log:
    """The messages of a log, in the order of appearance, and the version of the kernel that it names."""

    sightings: list[Sighting] = field(default_factory=list)
    #: As ``6.12``; the first that the log names.
    kernel_version: Optional[str] = None
    #: The number of lines that were read.
    lines: int = 0
    #: The number of messages found that are not among the sightings, because there are too many.
    dropped: int = 0


class _Hit(NamedTuple):
    """A message in a piece of text."""

    start: int
    end: int
    message: Message
    match: re.Match[str]


def read_log(stream: BinaryIO, book: MessageBook) -> Log:
    """Return what the log in *stream* has of the messages in *book*; raises OSError if it cannot be read."""
    reader = _LogReader(book)
    for piece, first, last in _pieces(stream):
        reader.read(piece, first, last)
    return reader.log


def _pieces(stream: BinaryIO) -> Iterator[tuple[str, int, int]]:
    """Yield pieces of text, each with the range of characters in which messages may begin.

    Together, the ranges have each character of the text once.  The text around a range is its context.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text, first = "", 0
    rest = ""
    while True:
        block = stream.read(_BLOCK)
        decoded = rest + decoder.decode(block, final=not block).replace("\0", "").replace("\r", "")
        decoded, rest = (decoded, "") if not block else _whole_controls(decoded)
        text += _CONTROL.sub("", decoded) if "\x1b" in decoded else decoded
        last = len(text) if not block else max(len(text) - _AROUND, first)
        if last > first:
            yield text, first, last
            kept = max(last - _AROUND, 0)
            text, first = text[kept:], last - kept
        if not block:
            return


def _whole_controls(text: str) -> tuple[str, str]:
    """Split *text* before a control sequence at its end that may be incomplete."""
    start = text.rfind("\x1b", max(len(text) - _LONGEST_CONTROL, 0))
    return (text, "") if start < 0 or _CONTROL.match(text, start) else (text[:start], text[start:])


class _LogReader:
    """Searches pieces of a log, in their order."""

    def __init__(self, book: MessageBook) -> None:
        self.log = Log()
        self._by_anchor: dict[str, list[Message]] = {}
        for message in book.messages:
            self._by_anchor.setdefault(message.anchor, []).append(message)
        self._known: dict[tuple[str, Optional[str]], Sighting] = {}
        self._line = 1

    def read(self, text: str, first: int, last: int) -> None:
        """Add what *text* has from the character *first* to before *last*."""
        if self.log.kernel_version is None:
            self.log.kernel_version = _kernel_version(text, first, last)
        position = first
        for hit in sorted(self._hits(text, first, last), key=lambda hit: (hit.start, -hit.end)):
            self._line += text.count("\n", position, hit.start)
            position = hit.start
            self._add(text, hit)
        self._line += text.count("\n", position, last)
        self.log.lines = self._line - text.endswith("\n", first, last)

    def _hits(self, text: str, first: int, last: int) -> Iterator[_Hit]:
        """Yield every message that begins in the range, once."""
        for anchor, messages in self._by_anchor.items():
            start = text.find(anchor, first)
            searched_to = dict.fromkeys(messages, first)
            while start >= 0:
                for message in messages:
                    before, after = message.reach
                    begin = max(start - before, searched_to[message])
                    match = message.regex.search(text, begin, start + after + 1) if begin <= start else None
                    if match is not None and match.start() < last:
                        searched_to[message] = match.end()
                        yield _Hit(match.start(), match.end(), message, match)
                start = text.find(anchor, start + len(anchor))

    def _add(self, text: str, hit: _Hit) -> None:
        message = hit.message
        kfunc = _kfunc_of(text, hit)
        known = self._known.get((message.id, kfunc))
        if known is not None:
            known.count += 1
        elif len(self._known) >= MOST_SIGHTINGS:
            self.log.dropped += 1
        else:
            sighting = Sighting(message, kfunc, self._line, _line_around(text, hit))
            self._known[message.id, kfunc] = sighting
            self.log.sightings.append(sighting)


def _kfunc_of(text: str, hit: _Hit) -> Optional[str]:
    """Return the kfunc that a message is about: the one that it names, else the one that was called just before it."""
    message = hit.message
    if "kfunc" in message.regex.groupindex:
        name: str = hit.match["kfunc"]
        # Libraries print the name as the program declares it, and the kernel prints its own.
        return essential_name(name) if message.speaker in LIBRARIES else name
    call = None
    if message.follows_call:
        call = _call_before(text, hit.start, _CALL_ANCHOR)
    elif "instruction" in message.regex.groupindex:
        call = _call_before(text, hit.start, f"\n{hit.match['instruction']}: {_CALL_ANCHOR}")
    return call or message.about


def _call_before(text: str, position: int, anchor: str) -> Optional[str]:
    """Return the kfunc that is called by the nearest instruction before *position* that begins with *anchor*."""
    start = text.rfind(anchor, max(position - _AROUND, 0), position)
    call = _CALL.match(text, start + len(anchor) - len(_CALL_ANCHOR)) if start >= 0 else None
    return call[1] if call is not None else None


def _line_around(text: str, hit: _Hit) -> str:
    """Return the line of a message; a long line is cut around the message."""
    start = text.rfind("\n", max(hit.start - _AROUND, 0), hit.start) + 1
    end = text.find("\n", hit.end, hit.end + _AROUND)
    end = len(text) if end < 0 else end
    if hit.end - start > _LONGEST_LINE:
        start = hit.start
    return "".join(character if character.isprintable() else " " for character in
                   text[start : max(min(end, start + _LONGEST_LINE), hit.end)]).strip()  # fmt: skip


def _kernel_version(text: str, first: int, last: int) -> Optional[str]:
    """Return the first version of a kernel that *text* names from the character *first* to before *last*."""
    starts = [start for anchor in _KERNEL_ANCHORS for start in _all(text, anchor, first, last)]
    for start in sorted(starts):
        match = _KERNEL.search(text, max(start - 1, 0), start + 90)
        if match is not None:
            return match[1]
    return None


def _all(text: str, word: str, first: int, last: int) -> Iterator[int]:
    start = text.find(word, first, last)
    while start >= 0:
        yield start
        start = text.find(word, start + 1, last)


def by_kfunc(sightings: Sequence[Sighting]) -> Mapping[str, Sequence[Sighting]]:
    """Return the sightings of each kfunc, in the order in which the log first names the kfuncs."""
    kfuncs: dict[str, list[Sighting]] = {}
    for sighting in sightings:
        if sighting.kfunc is not None:
            kfuncs.setdefault(sighting.kfunc, []).append(sighting)
    return kfuncs
