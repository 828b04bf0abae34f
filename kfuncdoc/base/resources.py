# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The places of the folders that come with kfuncdoc: ``data/`` and ``templates/``.

In a checkout they are beside the package, in a wheel they are in it (see pyproject.toml).
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def packaged(folder: str) -> Path:
    """Return the path of the folder ``data`` or ``templates``."""
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder
