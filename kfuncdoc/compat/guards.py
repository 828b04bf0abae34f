# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""C code for programs that are to load on kernels with one kfunc and on those with another."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Optional, Sequence

from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.prototype import Prototype, name_of_parameter, parse_prototype
from kfuncdoc.bpf.shape import Shape, compatible, shape_of
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.variants import Variant

if TYPE_CHECKING:
    import jinja2

#: The columns that the code is laid out for, where a tab counts for eight.
_WIDTH = 80
#: Parameters that no argument stands for: none at all, and those that C cannot hand on.
_NOT_PASSED = ("void", "...")


@dataclass(frozen=True)
class Choice:
    """One kfunc that can be called, and on which kernels, in words, with what else is to be said of the call."""

    variant: Variant
    kernels: str
    #: The release from which on it is to be called, though it is there before.
    not_before: Optional[Release] = None


@dataclass(frozen=True)
class _Branch:
    """A choice as the template takes it: the test for it, the call, and what is said of it."""

    condition: str
    call: str
    comment: str


def guard(name: str, choices: Sequence[Choice], missing_on: str = "") -> str:
    """Return a C function ``compat_NAME`` that calls the first of *choices* that the kernel has.

    Its parameters are those of the first choice, and after them what only another one takes.  It returns what they
    do; nothing, where one of them returns nothing, which could not be told from a failure.  One that returns something
    else cannot be called there, and is only named.  *missing_on* says on which kernels there is none of them.
    """
    parameters: dict[str, str] = {}
    declarations: dict[str, str] = {}
    branches = []
    returns = next((each for each in map(_returns, choices) if each != "void"), "void")
    fitting = [
        choice for choice in choices if _returns(choice) == "void" or _fits(f"{_returns(choice)} x", f"{returns} x")
    ]
    if any(_returns(choice) == "void" for choice in fitting):
        returns = "void"
    for choice in fitting:
        arguments = tuple(_added(parameter, parameters) for parameter in _parameters(choice))
        flavour = choice.variant.flavour
        declarations.setdefault(flavour, choice.variant.declared_as(flavour))
        branches.append(
            _Branch(_condition(choice), _call(flavour, arguments, returns != "void"), _comment(choice.kernels))
        )
    head = Prototype(f"static __always_inline {returns}", f"compat_{name}", tuple(parameters.values()) or ("void",))
    others = [each for each in choices if each not in fitting]
    return c_template("guard.c.jinja").render(
        head=head.laid_out()[:-1],
        declarations=declarations.values(),
        branches=branches,
        failure=_failure(returns),
        others=[
            _comment(f"{each.kernels}: {each.variant.kfunc}(), which returns {_returns(each)}.") for each in others
        ],
        missing=_comment(f"Nothing to call on {missing_on}.") if missing_on else "",
        by_version=any(choice.not_before for choice in fitting),
    )


def _condition(choice: Choice) -> str:
    exists = f"bpf_ksym_exists({choice.variant.flavour})"
    if choice.not_before is None:
        return exists
    version = choice.not_before.name[1:].replace(".", ", ")
    return f"{exists} &&\n\t    LINUX_KERNEL_VERSION >= KERNEL_VERSION({version}, 0)"


def _call(name: str, arguments: tuple[str, ...], returned: bool) -> str:
    """Return the statement that calls *name*, over as many lines as it takes behind two tabs."""
    if not arguments:
        return f"{'return ' if returned else ''}{name}();"
    laid_out = Prototype("return" if returned else "", name, arguments).laid_out(_WIDTH - 16)
    return "\n\t\t".join(line if returned else line[1:] for line in laid_out.split("\n"))


def _comment(text: str) -> str:
    """Return *text* as a comment, over as many lines as it takes behind a tab."""
    safe = text.replace("*/", "* /").replace("/*", "/ *")
    lines = textwrap.wrap(safe, _WIDTH - 14, break_long_words=False, break_on_hyphens=False)
    return "\n\t * ".join(lines).join(("/* ", " */"))


def _failure(returns: str) -> str:
    """Return what a function of the type *returns* gives where there is nothing to call; empty if it gives nothing."""
    if returns == "void":
        return ""
    if returns.endswith("*"):
        return "(void *)0"
    return "-95 /* EOPNOTSUPP */" if returns in ("int", "s32", "long", "s64") else "0"


def _returns(choice: Choice) -> str:
    return parse_prototype(choice.variant.prototype).returns


def _parameters(choice: Choice) -> tuple[str, ...]:
    return tuple(each for each in parse_prototype(choice.variant.prototype).parameters if each not in _NOT_PASSED)


def _added(parameter: str, parameters: dict[str, str]) -> str:
    """Add *parameter* to those of the function, unless one of its name and kind is there; return its name."""
    name = name_of_parameter(parameter) or f"argument{len(parameters) + 1}"
    while name in parameters and not _fits(parameters[name], parameter):
        name += "_before"
    parameters.setdefault(name, _renamed(parameter, name))
    return name


def _fits(one: str, other: str) -> bool:
    """Whether an argument for *one* parameter can be given for the *other*."""
    left, right = _shape(one), _shape(other)
    pointers = {each[0] == "pointer" for each in (left, right) if isinstance(each, tuple)}
    return compatible(left, right) and (not pointers or _bare(one) == _bare(other))


def _shape(parameter: str) -> Shape:
    shape = shape_of(f"void f({parameter})")
    return shape[2] if isinstance(shape, tuple) else None


def _bare(parameter: str) -> str:
    return re.sub(r"\bconst\b|\s|\w+$", "", parameter)


def _renamed(parameter: str, name: str) -> str:
    before = name_of_parameter(parameter)
    if not before:
        return f"{parameter}{'' if parameter.endswith('*') else ' '}{name}"
    head, _, tail = parameter.rpartition(before)
    return head + name + tail


@cache
def c_template(name: str) -> jinja2.Template:
    """Return the packaged template *name*, which is one of C."""
    import jinja2  # an audit that finds nothing has no need of it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(packaged("templates") / "c")),
        autoescape=False,  # noqa: S701  # C is no HTML
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
