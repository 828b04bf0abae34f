# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The release and the date as of which pages speak: where they come from, and what is refused."""

from __future__ import annotations

import datetime

import pytest
from declared import CALENDAR

from kfuncdoc.kernels.reference import ReferenceUnknown, real_release, reference_date, reference_release

DATE = datetime.date(2026, 9, 1)


def test_the_date_given_counts_before_the_environment():
    assert reference_date("2026-09-01", {"SOURCE_DATE_EPOCH": "no number"}) == DATE


@pytest.mark.parametrize("text", ["20260901", "2026-W36-2", "2026-9-1", "2026-02-30", "today"])
def test_a_date_in_another_form_is_refused(text):
    with pytest.raises(ReferenceUnknown) as caught:
        reference_date(text, {})
    assert str(caught.value) == f"'{text}' is no date; write it as 2026-09-01"


@pytest.mark.parametrize(
    ("epoch", "date"),
    [("0", "1970-01-01"), ("1731801599", "2024-11-16"), ("1731801600", "2024-11-17"), ("-1", "1969-12-31")],
)
def test_source_date_epoch_is_in_seconds(epoch, date):
    assert reference_date(None, {"SOURCE_DATE_EPOCH": epoch}).isoformat() == date


@pytest.mark.parametrize("epoch", ["x", "1.5", "1_000", " 1", "+1", "٣", "9" * 30])
def test_source_date_epoch_in_another_form_is_refused(epoch):
    with pytest.raises(ReferenceUnknown) as caught:
        reference_date(None, {"SOURCE_DATE_EPOCH": epoch})
    assert str(caught.value) == f"SOURCE_DATE_EPOCH is '{epoch}', which is no number of seconds"


def test_the_release_follows_from_the_date():
    assert reference_release(None, CALENDAR, DATE) == CALENDAR.newest(DATE)
    assert reference_release("v6.12", CALENDAR, DATE) == CALENDAR["v6.12"]


@pytest.mark.parametrize("name", ["v7.99", "6.12", "v6.22", "newest"])
def test_a_release_that_does_not_exist_is_refused(name):
    for ask in (lambda: real_release(name, CALENDAR), lambda: reference_release(name, CALENDAR, DATE)):
        with pytest.raises(ReferenceUnknown, match=f"^'{name}' is no release that exists; known are "):
            ask()
