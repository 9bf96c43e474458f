"""A window of hours, also over midnight."""

import datetime as dt

import pytest

from cratehand.domain.errors import InvalidInputError
from cratehand.usecases.quiet import parse_hours


@pytest.mark.parametrize(
    ("window", "moment", "inside"),
    [
        ("01:00-09:00", "05:00", True),
        ("01:00-09:00", "09:00", False),
        ("22:00-06:30", "23:59", True),
        ("22:00-06:30", "06:29", True),
        ("22:00-06:30", "12:00", False),
    ],
)
def test_the_window_holds_what_lies_in_it(window: str, moment: str, *, inside: bool) -> None:
    assert parse_hours(window).holds(dt.time.fromisoformat(moment)) is inside


@pytest.mark.parametrize("text", ["", "22", "25:00-26:00", "evening-morning", "1:2:3-4"])
def test_nonsense_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(InvalidInputError, match="22:00-06:30"):
        parse_hours(text)
