# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The arguments that several commands share, each defined once.

Each function returns a field for a :class:`~kfuncdoc.cli.command.Command`; its docstring begins with the type of the
field.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Optional, Sequence

from kfuncdoc.cli.command import argument, refusing

if TYPE_CHECKING:
    import datetime

#: The help for an argument that names a kernel.
SOURCE = "a kernel: its source tree, vmlinux, modules, BTF, or a folder with an image and its modules"
DATA_OPTION = "--data"


def data() -> Any:
    """``tuple[str, ...]``: the declarations to read; empty for the record that comes with kfuncdoc."""
    return argument(
        DATA_OPTION, metavar="PATH", action="append", default=[],
        help="a file or a folder of declarations; may be given more than once (default: the record that comes with "
        "kfuncdoc)",
    )  # fmt: skip


def release() -> Any:
    """``Optional[str]``: the reference release of a command."""
    return argument("--release", metavar="vX.Y", help="as of this release (default: the newest out on the date)")


def kernel_release() -> Any:
    """``Optional[str]``: the release of a kernel, instead of the one that it tells."""
    return argument("--release", metavar="vX.Y", help="the release of the kernel (default: what it says itself)")


def date() -> Any:
    """``datetime.date``: the reference date of a command."""
    return argument(
        "--date", metavar="YYYY-MM-DD", read=_read_date,
        help="as of this day (default: SOURCE_DATE_EPOCH, else today)",
    )  # fmt: skip


def _read_date(given: Optional[str]) -> datetime.date:
    from kfuncdoc.kernels.reference import ReferenceUnknown, reference_date

    with refusing(ReferenceUnknown):
        return reference_date(given, os.environ)


def report_format(*formats: str) -> Any:
    """``str``: one of *formats*, the first of which is the default."""
    return argument("--format", choices=formats, default=formats[0], help=f"default: {formats[0]}")


def output() -> Any:
    """``Optional[str]``: the file to write; None for standard output."""
    return argument("-o", "--output", metavar="FILE", help="the file to write (default: standard output)")


def first_kernel() -> Any:
    """``Optional[str]``: the first kernel of a range."""
    return argument("--from", metavar="vX.Y", help="the first of a range of kernels")


def last_kernel() -> Any:
    """``Optional[str]``: the last kernel of a range."""
    return argument("--to", metavar="vX.Y", help="the last of the range (default: the last one recorded)")


def kernels() -> Any:
    """``tuple[str, ...]``: the names of single kernels."""
    return argument(
        "--kernel", metavar="vX.Y,...", action="append", default=[], read=_read_list,
        help="one kernel or more, separated by commas",
    )  # fmt: skip


def _read_list(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def long_term_kernels() -> Any:
    """``bool``: whether to include the maintained long-term kernels."""
    return argument("--lts", action="store_true", help="the long-term kernels that are maintained")
