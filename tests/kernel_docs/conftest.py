# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The trees that the tests are run with, and what their documentation is without kfuncdoc."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

pytest.register_assert_rewrite("kernels")

from kernels import TARGETS, TREES, Build, linked_tree  # noqa: E402  (its assertions are to be rewritten)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "tree" in metafunc.fixturenames:
        metafunc.parametrize("tree", TREES or [None], ids=[path.name for path in TREES] or ["none"], scope="session")


@pytest.fixture(scope="session")
def kernel_tree(tree: Optional[Path]) -> Path:
    """A tree that was named, or the word why there is none."""
    if tree is None:
        pytest.skip("no kernel tree: name some in KFUNCDOC_KERNEL_TREES, or run `make kernel-docs`")
    assert (tree / "Documentation" / "conf.py").is_file(), f"{tree} is no kernel tree"
    return tree


@pytest.fixture(scope="session")
def without(kernel_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Build]:
    """What the tree's own documentation is without kfuncdoc, by make target."""
    kernel = linked_tree(kernel_tree, tmp_path_factory.mktemp("without") / "linux")
    return {target: kernel.make(target, kernel.path.parent / "out") for target in TARGETS}
