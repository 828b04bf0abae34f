# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Guards as a program: the functions that kfuncdoc writes, each called, so that a compiler keeps them."""

from __future__ import annotations

import re
from typing import Sequence

from compiler import Compiler

from kfuncdoc.bpf.prototype import name_of_parameter, parse_prototype

_HEAD = """\
#include "program.h"
#define __always_inline inline __attribute__((always_inline))
#define __kconfig __attribute__((section(".kconfig")))
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
typedef void *bpf_task_work_callback_t;
"""


def program_of(codes: Sequence[str], compiler: Compiler) -> str:
    """Return C that has each of *codes*, with a program that calls its function; ``guarded_N`` calls the one at N."""
    types = sorted(set(re.findall(r"\b(?:struct|union|enum) \w+", "".join(codes))))
    vmlinux = (compiler.headers / "vmlinux.h").read_text(encoding="utf-8")
    text = _HEAD
    for each in types:
        # What only a newer kernel has.
        newer = each.startswith("enum") and f"{each} {{" not in vmlinux
        text += f"{each} {{ any_{each[5:]} }};\n" if newer else f"{each};\n"
    return text + "".join(_called(code, number) for number, code in enumerate(codes))


def _called(code: str, number: int) -> str:
    """Return *code* with a program that calls its function, with whatever; both with the *number* in their names."""
    head = re.search(r"^static __always_inline [^()]*?\b(compat_\w+)\((.*?)\)\n\{$", code, re.MULTILINE | re.DOTALL)
    assert head is not None, code
    parameters = [each for each in parse_prototype(f"void f({head[2]})").parameters if each != "void"]
    # A function as a parameter is a pointer to one.
    variables = "".join(re.sub(r"\((\w+)\)\(", r"(*\1)(", f"\t{each} = 0;\n", count=1) for each in parameters)
    call = f"compat_{number}({', '.join(map(name_of_parameter, parameters))})"
    program = f'SEC("any")\nint guarded_{number}(void *any)\n{{\n{variables}\n\t{call};\n\treturn !any;\n}}\n'
    return code.replace(f"{head[1]}(", f"compat_{number}(", 1) + program
