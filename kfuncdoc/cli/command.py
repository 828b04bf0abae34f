# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The base of commands, and the only way in which a command refuses its work.

A command is a frozen dataclass: its fields are its arguments, each defined with :func:`argument`, and ``run`` does
the work.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from dataclasses import dataclass
from typing import Any, Callable, ClassVar, Iterator, NoReturn, Optional, Sequence

#: Exit statuses: all is well; something is wrong with what was read; the arguments cannot be used.
CLEAN, FINDINGS, UNUSABLE = 0, 1, 2


class Refused(Exception):
    """The command cannot do what it was asked for.

    *lines* say why, for people.  *status* is the exit status; None means that of arguments that cannot be used.
    """

    def __init__(self, lines: Sequence[str], status: Optional[int] = None) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)
        self.status = status


def refuse(message: str, status: Optional[int] = None) -> NoReturn:
    """Raise :exc:`Refused` with one line."""
    raise Refused([f"kfuncdoc: {message}"], status)


@contextlib.contextmanager
def refusing(*errors: type[Exception]) -> Iterator[None]:
    """Refuse with the message of an error that is one of *errors*."""
    try:
        yield
    except errors as error:
        refuse(str(error))


def reason(error: OSError) -> str:
    """Return the system's message for a file that could not be read or written, without its path."""
    return (error.strerror or str(error)).lower()


def argument(*flags: str, read: Optional[Callable[[Any], Any]] = None, **settings: Any) -> Any:
    """Return a field of a command, and with it one argument; without *flags* it is positional.

    *settings* are those of ``ArgumentParser.add_argument``.  *read* makes the value of the field from the text that
    was typed, and may refuse it.
    """
    return dataclasses.field(metadata={"flags": flags, "settings": settings, "read": read})


@dataclass(frozen=True)
class Command:
    """One command with the values of its arguments."""

    #: The name of the command, after ``kfuncdoc``.
    word: ClassVar[str]
    #: What it does, in one sentence.
    summary: ClassVar[str]
    #: The end of its help.
    epilog: ClassVar[Optional[str]] = None
    #: The exit status for arguments that cannot be used.
    unusable: ClassVar[int] = UNUSABLE

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Define the arguments of the command, in the order of its fields."""
        for field in dataclasses.fields(cls):
            flags, settings = field.metadata["flags"], field.metadata["settings"]
            if flags:
                parser.add_argument(*flags, dest=field.name, **settings)
            else:
                parser.add_argument(field.name, **settings)

    @classmethod
    def of(cls, namespace: argparse.Namespace) -> Command:
        """Return the command with the values that argparse read.  Raises :exc:`Refused`."""
        return cls(**{field.name: _value(field, namespace) for field in dataclasses.fields(cls)})

    def run(self) -> int:
        """Do the work and return the exit status.  Raises :exc:`Refused`."""
        raise NotImplementedError


def _value(field: dataclasses.Field[Any], namespace: argparse.Namespace) -> Any:
    value = getattr(namespace, field.name)
    if field.metadata["read"] is not None:
        return field.metadata["read"](value)
    return tuple(value) if isinstance(value, list) else value
