# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""C code for programs that load on kernels with one kfunc, and on kernels with another.

::

    GuardedCalls, the best first --guard--> templates/c/guard.c.jinja --> a C function ``compat_NAME``
"""

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
class GuardedCall:
    """One kfunc to call.  *kernels* says in words on which kernels, and what else to say of the call."""

    variant: Variant
    kernels: str
    #: The release from which on to call it, where earlier kernels have it too.
    not_before: Optional[Release] = None


@dataclass(frozen=True)
class _GuardBranch:
    """A guarded call for the template: the condition, the statement that calls, and the comment."""

    condition: str
    call: str
    comment: str


def guard(name: str, choices: Sequence[GuardedCall], missing_on: str = "") -> str:
    """Return a C function ``compat_NAME`` that calls the first of *choices* that the kernel has.

    Its parameters are those of the first choice, then those that only other choices have.  Its type is that of the
    choices; it is void if one of them is, because a caller could not tell that one's result from a failure.  A choice
    of another type cannot be called in the function, and a comment names it.  *missing_on* says in words which kernels
    have none of the choices; empty if there are none.
    """
    parameters: dict[str, str] = {}
    declarations: dict[str, str] = {}
    branches = []
    returns = next((result for result in map(_returns, choices) if result != "void"), "void")
    fitting = [
        choice for choice in choices if _returns(choice) == "void" or _fits(f"{_returns(choice)} x", f"{returns} x")
    ]
    if any(_returns(choice) == "void" for choice in fitting):
        returns = "void"
    for choice in fitting:
        arguments = tuple(_argument_name(parameter, parameters) for parameter in _parameters(choice))
        flavour = choice.variant.flavour
        declarations.setdefault(flavour, choice.variant.declared_as(flavour))
        branches.append(
            _GuardBranch(_condition(choice), _call(flavour, arguments, returns != "void"), _comment(choice.kernels))
        )
    head = Prototype(f"static __always_inline {returns}", f"compat_{name}", tuple(parameters.values()) or ("void",))
    others = [choice for choice in choices if choice not in fitting]
    return c_template("guard.c.jinja").render(
        head=head.laid_out()[:-1],
        declarations=declarations.values(),
        branches=branches,
        failure=_failure(returns),
        others=[
            _comment(f"{other.kernels}: {other.variant.kfunc}(), which returns {_returns(other)}.") for other in others
        ],
        missing=_comment(f"Nothing to call on {missing_on}.") if missing_on else "",
        by_version=any(choice.not_before for choice in fitting),
    )


def _condition(choice: GuardedCall) -> str:
    exists = f"bpf_ksym_exists({choice.variant.flavour})"
    if choice.not_before is None:
        return exists
    version = choice.not_before.name[1:].replace(".", ", ")
    return f"{exists} &&\n\t    LINUX_KERNEL_VERSION >= KERNEL_VERSION({version}, 0)"


def _call(name: str, arguments: tuple[str, ...], is_returned: bool) -> str:
    """Return the statement that calls *name*, on one line or several, to be indented by two tabs."""
    if not arguments:
        return f"{'return ' if is_returned else ''}{name}();"
    laid_out = Prototype("return" if is_returned else "", name, arguments).laid_out(_WIDTH - 16)
    return "\n\t\t".join(line if is_returned else line[1:] for line in laid_out.split("\n"))


def _comment(text: str) -> str:
    """Return *text* as a C comment, on one line or several, to be indented by a tab."""
    safe = text.replace("*/", "* /").replace("/*", "/ *")
    lines = textwrap.wrap(safe, _WIDTH - 14, break_long_words=False, break_on_hyphens=False)
    return "\n\t * ".join(lines).join(("/* ", " */"))


def _failure(returns: str) -> str:
    """Return what a function of the type *returns* returns if there is nothing to call; empty if it is void."""
    if returns == "void":
        return ""
    if returns.endswith("*"):
        return "(void *)0"
    return "-95 /* EOPNOTSUPP */" if returns in ("int", "s32", "long", "s64") else "0"


def _returns(choice: GuardedCall) -> str:
    return parse_prototype(choice.variant.prototype).returns


def _parameters(choice: GuardedCall) -> tuple[str, ...]:
    parameters = parse_prototype(choice.variant.prototype).parameters
    return tuple(parameter for parameter in parameters if parameter not in _NOT_PASSED)


def _argument_name(parameter: str, parameters: dict[str, str]) -> str:
    """Return the name to pass for *parameter*, which is added to *parameters* of the function if it is not there."""
    name = name_of_parameter(parameter) or f"argument{len(parameters) + 1}"
    while name in parameters and not _fits(parameters[name], parameter):
        name += "_before"
    parameters.setdefault(name, _renamed(parameter, name))
    return name


def _fits(one: str, other: str) -> bool:
    """Whether an argument for the parameter *one* can be passed for the parameter *other*."""
    left, right = _shape(one), _shape(other)
    pointers = {shape[0] == "pointer" for shape in (left, right) if isinstance(shape, tuple)}
    return compatible(left, right) and (not pointers or _without_const(one) == _without_const(other))


def _shape(parameter: str) -> Shape:
    shape = shape_of(f"void f({parameter})")
    return shape[2] if isinstance(shape, tuple) else None


def _without_const(parameter: str) -> str:
    return re.sub(r"\bconst\b|\s|\w+$", "", parameter)


def _renamed(parameter: str, name: str) -> str:
    before = name_of_parameter(parameter)
    if not before:
        return f"{parameter}{'' if parameter.endswith('*') else ' '}{name}"
    head, _, tail = parameter.rpartition(before)
    return head + name + tail


@cache
def c_template(name: str) -> jinja2.Template:
    """Return the packaged template *name* of ``templates/c/``, for C code."""
    import jinja2  # importing it takes long, and an audit without findings does not need it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(packaged("templates") / "c")),
        autoescape=False,  # noqa: S701  # C is no HTML
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
