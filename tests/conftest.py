# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What holds for all tests: property tests try the same examples in every run, however busy the machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("kfuncdoc", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("kfuncdoc")
