"""Digitised points and risk tables: what is repaired is reported, what cannot be is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligomdt.reconstructkm import reconstruct
from oligomdt.reconstructkm.coordinates import clean, risk_table

FEW = settings(max_examples=60, deadline=None)
TIME = [0.0, 3, 3, 8, 8, 12]
SURV = [1.0, 1.0, 0.8, 0.8, 0.5, 0.5]
BAD_POINTS = {
    "empty": ([], [], "time and surv are empty"),
    "lengths": ([0, 1], [1], "differ in length: 2 and 1"),
    "text": (["a"], [1], "time must be a list of numbers"),
    "nested": ([[0, 1]], [[1, 0.5]], "time must be one-dimensional"),
    "infinite time": ([0, np.inf], [1, 0.5], r"time\[1\] is inf"),
    "missing survival": ([0, 1], [1, np.nan], r"surv\[1\] is nan"),
    "negative time": ([0, -2], [1, 0.5], r"time\[1\] is -2; times must be 0 or later"),
    "negative survival": ([0, 1], [1, -0.1], r"surv\[1\] is -0\.1; survival must be between"),
    "survival above 1": ([0, 1], [1.2, 0.5], r"surv\[0\] is 1\.2; survival must be between"),
    "survival above 100 %": ([0, 1], [120, 50], r"surv\[0\] is 1\.2; survival must be between"),
    "percent after a start of 1": ([0, 3, 6], [1, 90, 80], "mixes percent and proportion"),
    "proportion after percent": ([0, 3, 6], [100, 90, 0.8], "mixes percent and proportion"),
    "percent among proportions": ([0, 3, 6], [1, 90, 0.8], "mixes percent and proportion"),
    "proportion between percentages": (
        [0, 3, 6, 9, 12],
        [100, 40, 15, 0.12, 10],
        "mixes percent and proportion",
    ),
    "one minus survival": ([0, 3, 6, 9], [0.0, 0.2, 0.4, 0.6], "is it 1 - survival"),
    "two arms": ([0, 3, 6, 9, 12], [1, 0.9, 0.4, 0.8, 0.2], "do the points mix two arms"),
    "only time 0": ([0, 0], [1, 0.9], "all points are at time 0"),
}


@pytest.mark.parametrize("kind", BAD_POINTS)
def test_points_that_are_no_survival_curve_are_refused(kind):
    time, surv, message = BAD_POINTS[kind]
    with pytest.raises(ValueError, match=message):
        clean(time, surv)


def test_good_points_are_left_alone():
    curve = clean(TIME, SURV, xmax=12)
    assert curve.time.tolist() == TIME
    assert curve.surv.tolist() == SURV
    assert (curve.read, curve.moved, curve.warnings, curve.assumptions) == (6, 0.0, (), ())


def test_percent_throughout_is_converted_and_said():
    curve = clean(TIME, np.multiply(SURV, 100))
    assert curve.surv == pytest.approx(SURV)
    assert curve.warnings == ("survival was given in percent and divided by 100",)
    arm = reconstruct(TIME, np.multiply(SURV, 100), n=20)
    assert any("percent" in warning for warning in arm.report.warnings)


def test_percent_may_end_below_one():
    curve = clean([0, 5, 8, 9, 10], [100, 50, 12, 4, 0.7])
    assert curve.surv[-1] == pytest.approx(0.007)


def test_points_after_the_axis_are_refused_and_a_pixel_is_not():
    with pytest.raises(ValueError, match=r"time\[5\] is 12, beyond the end of the axis"):
        clean(TIME, SURV, xmax=11)
    assert clean(TIME, SURV, xmax=11.95).time[-1] == 12


@pytest.mark.parametrize("xmax", [0, -1, np.nan])
def test_the_axis_has_a_positive_end(xmax):
    with pytest.raises(ValueError, match="positive end of the time axis"):
        clean(TIME, SURV, xmax=xmax)


def test_jitter_is_removed_and_its_amount_reported():
    curve = clean([0, 2, 4, 6, 8], [1.0, 0.90, 0.92, 0.80, 0.80])
    assert curve.surv == pytest.approx([1.0, 0.91, 0.91, 0.80, 0.80])
    assert curve.moved == pytest.approx(0.01)
    assert len(curve.warnings) == 1
    assert "survival rose at 1 point(s)" in curve.warnings[0]
    assert "by up to 0.01" in curve.warnings[0]


def test_times_that_go_back_are_sorted_and_said():
    curve = clean([0, 2, 6, 5, 9], [1.0, 0.9, 0.7, 0.8, 0.6])
    assert curve.time.tolist() == [0, 2, 5, 6, 9]
    assert curve.surv.tolist() == [1.0, 0.9, 0.8, 0.7, 0.6]
    assert curve.warnings == ("time went backwards at 1 point(s); points were sorted",)


def test_a_level_a_little_above_one_is_set_to_one_and_said():
    curve = clean([0, 2, 6], [1.01, 1.005, 0.7])
    assert curve.surv.tolist() == [1.0, 1.0, 0.7]
    assert "2 point(s) lay above survival 1 by up to 0.01" in curve.warnings[0]


@pytest.mark.parametrize("order", [[1.0, 0.8], [0.8, 1.0]])
def test_top_and_foot_of_a_step_come_in_either_order(order):
    curve = clean([0, 3, 3, 8], [1.0, *order, 0.8])
    assert curve.surv.tolist() == [1.0, 1.0, 0.8, 0.8]


def test_a_late_first_point_starts_the_curve_at_one():
    curve = clean([3, 8], [0.8, 0.5])
    assert (curve.time[0], curve.surv[0]) == (0, 1)
    assert curve.assumptions == ("the curve starts at survival 1 at time 0",)


def test_a_curve_starting_below_one_has_its_events_at_time_zero():
    arm = reconstruct([0, 5, 10], [0.9, 0.9, 0.9], n=20)
    assert arm.event[arm.time == 0].sum() == 2
    assert any("2 event(s) at time 0" in warning for warning in arm.report.warnings)


@FEW
@given(
    st.lists(st.tuples(st.floats(0, 40), st.floats(0, 1)), min_size=1, max_size=40),
)
def test_cleaned_points_are_a_survival_curve_or_an_error(points):
    time, surv = zip(*points, strict=True)
    try:
        curve = clean(time, surv)
    except ValueError:
        return
    assert (curve.time[0], curve.surv[0]) == (0, 1)
    assert (np.diff(curve.time) >= 0).all()
    assert (np.diff(curve.surv) <= 0).all()
    assert curve.surv.min() >= 0


BAD_TABLES = {
    "times only": ([0, 6], None, "belong together"),
    "numbers only": (None, [40, 30], "belong together"),
    "lengths": ([0, 6], [40], "differ in length: 2 and 1"),
    "empty": ([], [], "risk_time and risk_n are empty"),
    "rises": ([0, 6, 12], [40, 20, 25], r"risk_n\[2\] is 25, above 20 before it"),
    "exceeds n": ([6, 12], [41, 25], r"risk_n\[0\] is 41, more than the 40 patients"),
    "starts below n": ([0, 6], [38, 25], r"risk_n\[0\] is 38 at time 0 but n is 40"),
    "times fall": ([0, 6, 6], [40, 30, 20], r"risk_time\[2\] is 6, not after 6"),
    "negative time": ([-1, 6], [40, 30], r"risk_time\[0\] is -1"),
    "negative number": ([0, 6], [40, -3], r"risk_n\[1\] is -3"),
    "weighted": ([0, 6], [40, 30.5], r"risk_n\[1\] is 30\.5.*weighted"),
    "missing": ([0, 6], [40, np.nan], r"risk_n\[1\] is nan"),
}


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_a_bad_risk_table_is_refused(kind):
    time, at_risk, message = BAD_TABLES[kind]
    with pytest.raises(ValueError, match=message):
        risk_table(time, at_risk, 40)


def test_a_table_without_time_zero_starts_with_everybody():
    table = risk_table([6, 12], [30, 20], 40)
    assert table.time.tolist() == [0, 6, 12]
    assert table.n.tolist() == [40, 30, 20]


BAD_TOTALS = {
    "no patients": ({"n": 0}, "n is 0; it must be 1 or more"),
    "part of a patient": ({"n": 20.5}, r"n is 20\.5; it must be a whole number"),
    "text": ({"n": "forty"}, "n is 'forty'; it must be a whole number"),
    "true": ({"n": True}, "n is True; it must be a whole number"),
    "more events than patients": ({"n": 20, "events": 21}, "events is 21; it must be between"),
    "negative events": ({"n": 20, "events": -1}, "events is -1; it must be between 0 and 20"),
    "part of an event": ({"n": 20, "events": 3.5}, r"events is 3\.5; it must be a whole"),
    "method": ({"n": 20, "method": "exakt"}, "'exakt' is not one of 'exact', 'guyot'"),
    "marks": ({"n": 20, "censor_time": [-1.0]}, "censor_time: -1 is negative"),
    "infinite marks": ({"n": 20, "censor_time": [np.inf]}, r"censor_time\[0\] is inf"),
}


@pytest.mark.parametrize("kind", BAD_TOTALS)
def test_a_bad_argument_is_named(kind):
    arguments, message = BAD_TOTALS[kind]
    with pytest.raises(ValueError, match=message):
        reconstruct(TIME, SURV, **arguments)


def test_whole_numbers_may_come_as_floats():
    assert len(reconstruct(TIME, SURV, n=20.0, events=np.int64(10)).time) == 20


def test_unused_censoring_marks_are_said():
    arm = reconstruct(TIME, SURV, n=20, censor_time=[4.0, 9.0], method="guyot")
    assert "the method 'guyot' does not use censoring marks; 2 were not used" in (
        arm.report.warnings
    )


def test_clicks_that_jitter_along_a_last_vertical_drop_are_one_curve():
    """Pixels of 300 a curve that falls from 0.48 to 0 at once, each click off by up to one."""
    time = [
        0,
        41,
        44,
        69,
        72,
        84,
        125,
        124,
        125,
        125,
        123,
        125,
        124,
        125,
        123,
        123,
        125,
        123,
        123,
    ]
    surv = [200, 135, 127, 118, 109, 97, 95, 90, 82, 79, 76, 69, 64, 60, 53, 46, 36, 24, 0]
    time, surv = np.array(time) * 40 / 300, np.array(surv) / 200
    assert (np.diff(clean(time, surv).surv) <= 0).all()
    # The reconstruction goes by the clicks themselves.
    arm = reconstruct(time, surv, n=44, events=24, xmax=40)
    last = arm.time > 123 * 40 / 300 - 1e-9
    assert arm.event[last].any()
    assert arm.report.max_difference < 0.2


def test_two_arms_one_after_the_other_are_still_refused():
    time = [0, 30, 60, 90, 120] * 2
    surv = [1, 0.9, 0.8, 0.7, 0.6, 1, 0.6, 0.4, 0.2, 0.1]
    with pytest.raises(ValueError, match="mix two arms"):
        clean(time, surv)
