# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Days: one form of writing them, on every Python."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc.base.dates import read_date

#: What is no day, or is written in another form of ISO 8601, which newer Pythons read.
NO_DATES = (
    "", "today", "1.9.2026", "2026-02-30", "2026-13-01", "0000-01-01", "20260901", "2026-W36-2", "2026W362", "2026-244",
    "2026-09-01T00:00", "2026-09-01 ", " 2026-09-01", "2026-09-01\n", "2026-9-1", "٢٠٢٦-٠٩-٠١",
)  # fmt: skip


@given(st.dates())
def test_a_day_is_read_as_it_is_written(date):
    assert read_date(date.isoformat()) == date


@pytest.mark.parametrize("text", NO_DATES)
def test_another_form_is_refused(text):
    with pytest.raises(ValueError, match=r"is no date|out of range|must be in|month"):
        read_date(text)


@given(st.text(alphabet="0123456789-W", max_size=11))
def test_nothing_else_is_read(text):
    try:
        date = read_date(text)
    except ValueError:
        return
    assert isinstance(date, datetime.date)
    assert date.isoformat() == text
