# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What compiles the programs of this folder, or the word why it cannot be had."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

pytest.register_assert_rewrite("compiler")

from compiler import Compiler  # noqa: E402  (its assertions are to be rewritten)


@pytest.fixture(scope="session")
def headers() -> Path:
    """The folder of vmlinux.h, or the word why there is none."""
    folder = os.environ.get("KFUNCDOC_VMLINUX_H")
    if not folder:
        pytest.skip("no vmlinux.h: name its folder in KFUNCDOC_VMLINUX_H, or run `make programs`")
    assert (Path(folder) / "vmlinux.h").is_file(), f"there is no vmlinux.h in {folder}"
    assert shutil.which("clang"), "clang is needed to compile programs"
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def compiler(headers, tmp_path_factory) -> Compiler:
    return Compiler(headers, tmp_path_factory.mktemp("objects"))
