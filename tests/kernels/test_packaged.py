# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The calendar, the flags and the hooks as files: they are read as declarations are."""

from __future__ import annotations

import pytest

from kfuncdoc.base.diagnostics import Rule
from kfuncdoc.base.yaml_text import Unusable
from kfuncdoc.kernels.packaged import load_calendar, load_flags


@pytest.mark.parametrize("load", [load_calendar, load_flags])
def test_a_reserved_character_is_refused_in_every_file(tmp_path, load):
    """What flags mean is shown on pages, too."""
    path = tmp_path / "any.yaml"
    path.write_text('any:\n  - {flag: KF_RCU, meaning: "\\uE000x:1\\uE001"}\n', encoding="utf-8")
    with pytest.raises(Unusable) as caught:
        load(str(path))
    found = caught.value.diagnostic
    assert (found.rule, found.line, found.column) == (Rule.PRIVATE_MARK, 2, 29)
