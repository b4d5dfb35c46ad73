"""Numbers as printed, and what their digits allow."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligomdt.reconstructkm import NOT_REACHED, printed


@given(st.decimals(min_value=0, max_value=99, places=3), st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_a_number_lies_in_the_interval_of_what_it_prints_as(value, places):
    text = f"{value:.{places}f}"
    assert float(value) in printed(text)


def test_trailing_zeros_narrow_the_interval():
    assert (printed("10").low, printed("10").high) == (9.5, 10.5)
    assert (printed("10.0").low, printed("10.0").high) == (9.95, 10.05)


def test_a_limit_that_is_not_reached_takes_no_finite_value():
    assert math.inf in printed(NOT_REACHED)
    assert 40.0 not in printed(NOT_REACHED)


def test_a_bound_takes_every_smaller_value():
    assert 0.0009 in printed("<0.001")
    assert 0.0011 not in printed("<0.001")


@pytest.mark.parametrize("text", ["", "3,2", "nan", "inf", "about 3"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="median: .* not"):
        printed(text, "median")
