# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""kfuncdoc: stability pages for BPF kernel functions.

A project's conf.py needs only ``extensions = ["kfuncdoc"]``.  The code for Sphinx is in ``kfuncdoc.sphinxext``; it is
imported when Sphinx calls :func:`setup`.  Programs use the names in ``__all__``, which are imported when they are first
used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

    from kfuncdoc.api import audit_objects, diff, export, load, read_objects, snapshot
    from kfuncdoc.audit.asked_kernels import KernelUnknown
    from kfuncdoc.audit.findings import Finding, Report
    from kfuncdoc.kernels.reference import ReferenceUnknown
    from kfuncdoc.record.catalog import Catalog
    from kfuncdoc.record.lifecycle import Lifecycle
    from kfuncdoc.record.snapshot import Snapshot
    from kfuncdoc.record.stability import Stability
    from kfuncdoc.views.difference import Difference

__version__ = "0.1.0"

__all__ = [
    "Catalog",
    "Difference",
    "Finding",
    "KernelUnknown",
    "Lifecycle",
    "ReferenceUnknown",
    "Report",
    "Snapshot",
    "Stability",
    "audit_objects",
    "diff",
    "export",
    "load",
    "read_objects",
    "snapshot",
]

#: The modules that define the names of the public API.
_MODULES = {
    "Catalog": "kfuncdoc.record.catalog",
    "Difference": "kfuncdoc.views.difference",
    "Finding": "kfuncdoc.audit.findings",
    "KernelUnknown": "kfuncdoc.audit.asked_kernels",
    "Lifecycle": "kfuncdoc.record.lifecycle",
    "ReferenceUnknown": "kfuncdoc.kernels.reference",
    "Report": "kfuncdoc.audit.findings",
    "Snapshot": "kfuncdoc.record.snapshot",
    "Stability": "kfuncdoc.record.stability",
}


def __getattr__(name: str) -> Any:
    """Import a name of the public API when it is first used, so that importing kfuncdoc stays quick."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_MODULES.get(name, "kfuncdoc.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def setup(app: Sphinx) -> dict[str, Any]:
    """Set up the Sphinx extension."""
    from kfuncdoc import sphinxext

    return sphinxext.setup(app)
