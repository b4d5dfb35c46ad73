"""The algorithm of Guyot et al.: failure modes, properties, and the way there and back."""

import time as clock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligomdt import reconstructkm, survival


def reconstruct(*args, **kwargs):
    return reconstructkm.reconstruct(*args, **kwargs, method="guyot")


FEW = settings(max_examples=60, deadline=None)


def km(time, event):
    """Event times and Kaplan-Meier levels after them, straight from the definition."""
    at = np.unique(time[event == 1])
    levels, surv = [], 1.0
    for t in at:
        surv *= 1 - np.sum((time == t) & (event == 1)) / np.sum(time >= t)
        levels.append(surv)
    return at, np.array(levels)


def km_at(time, event, grid):
    at, levels = km(time, event)
    return np.append(1.0, levels)[np.searchsorted(at, grid, side="right")]


def steps(time, event):
    """Corners of the exact step curve: top and foot of every step, and the end."""
    at, levels = km(time, event)
    tops = np.append(1.0, levels[:-1]) if len(levels) else np.ones(0)
    end = levels[-1] if len(levels) else 1.0
    x = np.concatenate([[0.0], np.repeat(at, 2), [time.max()]])
    y = np.concatenate([[1.0], np.column_stack([tops, levels]).ravel(), [end]])
    return x, y


def at_risk(time, grid):
    return np.array([(time >= t).sum() for t in grid])


@st.composite
def arms(draw):
    """Patients of one arm with distinct kinds of censoring, and a risk table's times."""
    n = draw(st.integers(5, 80))
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    horizon = draw(st.sampled_from([6.0, 12.0, 40.0]))
    dying = rng.exponential(draw(st.sampled_from([5.0, 12.0, 60.0])), n)
    leaving = np.minimum(rng.uniform(0, draw(st.sampled_from([15.0, 60.0])), n), horizon)
    time = np.round(np.minimum(dying, leaving), 2) + 0.01
    event = (dying <= leaving).astype(int)
    return time, event, np.arange(0, time.max(), draw(st.sampled_from([2.0, 3.0, 6.0])))


@FEW
@given(arms())
def test_patients_table_and_range_are_kept(arm):
    time, event, ticks = arm
    x, y = steps(time, event)
    got = reconstruct(x, y, n=len(time), risk_time=ticks, risk_n=at_risk(time, ticks))
    assert len(got.time) == len(got.event) == len(time)
    assert set(np.unique(got.event)) <= {0, 1}
    assert (np.diff(got.time) >= 0).all()
    assert got.time.min() > 0
    assert got.time.max() <= time.max() + 1e-9
    assert got.report.events == got.event.sum()
    # Coordinates and table come from the same patients, so nothing contradicts.
    assert at_risk(got.time, ticks).tolist() == at_risk(time, ticks).tolist()
    assert not got.report.risk_slack.any()
    # Events only where the curve falls.
    assert np.isin(got.time[got.event == 1], time[event == 1]).all()


@FEW
@given(arms(), st.booleans())
def test_the_stated_events_are_met(arm, with_table):
    time, event, ticks = arm
    x, y = steps(time, event)
    table = {"risk_time": ticks, "risk_n": at_risk(time, ticks)} if with_table else {}
    got = reconstruct(x, y, n=len(time), events=int(event.sum()), **table)
    assert len(got.time) == len(time)
    # Rounding may stop one event short in a small arm, and then says so.
    assert abs(got.event.sum() - event.sum()) <= 1
    missed = got.event.sum() != event.sum()
    assert missed == any("events were stated" in warning for warning in got.report.warnings)


@FEW
@given(
    st.lists(st.tuples(st.floats(0.1, 30), st.floats(0, 1)), min_size=1, max_size=25),
    st.integers(1, 400),
    st.lists(st.integers(0, 400), max_size=6),
    st.one_of(st.none(), st.integers(0, 400)),
)
def test_any_curve_with_any_table_ends_with_every_patient(points, n, table, events):
    time, surv = np.sort([p[0] for p in points]), np.sort([p[1] for p in points])[::-1]
    numbers = np.sort(np.minimum(table, n))[::-1]
    got = reconstruct(
        time,
        surv,
        n=n,
        events=None if events is None else min(events, n),
        risk_time=5.0 * np.arange(1, len(numbers) + 1) if len(numbers) else None,
        risk_n=numbers if len(numbers) else None,
    )
    assert len(got.time) == len(got.event) == n
    assert (got.time >= 0).all()
    assert np.isin(got.time[got.event == 1], time).all()
    reached = at_risk(got.time, got.report.risk_time)
    assert (reached - got.report.risk_n).tolist() == got.report.risk_slack.tolist()
    said = sum("cannot be met" in warning for warning in got.report.warnings)
    assert said == np.count_nonzero(got.report.risk_slack)


@settings(max_examples=25, deadline=None)
@given(arms(), arms())
def test_swapping_the_arms_flips_the_sign_of_the_log_hr(one, other):
    patients = []
    for time, event, ticks in (one, other):
        x, y = steps(time, event)
        patients.append(
            reconstruct(x, y, n=len(time), risk_time=ticks, risk_n=at_risk(time, ticks))
        )

    def frame(control, experimental):
        return pd.concat(
            pd.DataFrame({"time": arm.time, "event": arm.event, "arm": name})
            for name, arm in (("control", control), ("experimental", experimental))
        )

    try:
        fit = survival.cox(frame(*patients))
    except ValueError:
        return
    assert survival.cox(frame(*patients[::-1])).log_hr == pytest.approx(-fit.log_hr, abs=1e-9)


# The way there and back on public data with known patients -----------------------------------


def lifelines_arms():
    from lifelines.datasets import load_gbsg2, load_lung, load_rossi, load_waltons

    waltons = load_waltons()
    for name, rows in waltons.groupby("group"):
        yield f"waltons {name}", rows["T"], rows["E"], 15.0
    rossi = load_rossi()
    for name, rows in rossi.groupby("fin"):
        yield f"rossi {name}", rows["week"], rows["arrest"], 10.0
    gbsg2 = load_gbsg2()
    for name, rows in gbsg2.groupby("horTh"):
        yield f"gbsg2 {name}", rows["time"] / 30.4375, rows["cens"], 12.0
    lung = load_lung().dropna(subset=["time"])
    for name, rows in lung.groupby("sex"):
        yield f"lung {name}", rows["time"] / 30.4375, rows["status"], 6.0


ARMS = {name: rest for name, *rest in lifelines_arms()}


@pytest.mark.parametrize("name", ARMS)
@pytest.mark.parametrize("with_events", [True, False])
def test_there_and_back(name, with_events):
    time, event, tick = ARMS[name]
    time, event = time.to_numpy(float), event.to_numpy(int)
    ticks = np.arange(0, time.max(), tick)
    x, y = steps(time, event)
    got = reconstruct(
        x,
        y,
        n=len(time),
        events=int(event.sum()) if with_events else None,
        risk_time=ticks,
        risk_n=at_risk(time, ticks),
    )
    assert at_risk(got.time, ticks).tolist() == at_risk(time, ticks).tolist()
    # Rounding carries at most half an event along the curve: 0.05 while 10 patients are left.
    # The largest seen on these sets are 0.013 and 0.0022 (root mean square).
    grid = np.linspace(0, np.sort(time)[-10], 500)
    difference = np.abs(km_at(got.time, got.event, grid) - km_at(time, event, grid))
    assert difference.max() < 0.02
    assert np.sqrt(np.mean(difference**2)) < 0.004
    # Where in an interval somebody was censored is not known: the events are within 5 % (seen:
    # 4 %, where many were censored at the end of an interval).
    allowed = 0 if with_events else 0.05 * event.sum()
    assert abs(int(got.event.sum()) - int(event.sum())) <= allowed


def test_a_small_exact_curve_comes_back_exactly():
    # Without censoring inside the intervals every patient is determined.
    time = np.array([1.0, 2, 3, 5, 7, 8, 12, 12, 12, 12])
    event = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    x, y = steps(time, event)
    got = reconstruct(x, y, n=10, risk_time=[0, 6, 12], risk_n=[10, 6, 4])
    assert got.time.tolist() == time.tolist()
    assert got.event.tolist() == event.tolist()
    assert got.report.max_difference == pytest.approx(0, abs=1e-12)
    assert got.report.warnings == ()


def test_an_arm_unpacks_as_time_and_event():
    got = reconstruct([2, 6], [0.5, 0.5], n=4, risk_time=[0, 6], risk_n=[4, 2])
    time, event = got
    assert time is got.time
    assert event is got.event


# Failure modes ------------------------------------------------------------------------------


def test_a_curve_steeper_than_the_table_allows_is_followed_and_the_row_missed():
    # 100 patients, S falls to 0.7, but the table says that only 5 left.
    got = reconstruct(
        [2, 4, 6, 9], [0.9, 0.8, 0.7, 0.7], n=100, risk_time=[0, 6], risk_n=[100, 95]
    )
    assert got.report.risk_slack.tolist() == [0, -15]
    assert "the table's 95 at risk at 6 cannot be met: 80 are left" in got.report.warnings
    assert got.event.sum() == 30
    assert len(got.time) == 100


def test_a_row_that_rounding_misses_is_met():
    # Levels of 1/40 read a little low would be 11 events; the table leaves room for 10.
    time = np.arange(1.0, 11)
    surv = 1 - np.arange(1, 11) / 40 - 0.013
    got = reconstruct(
        np.append(time, 20),
        np.append(surv, surv[-1]),
        n=40,
        risk_time=[0, 10.5],
        risk_n=[40, 30],
    )
    assert got.report.risk_slack.tolist() == [0, 0]
    assert got.event[got.time < 10.5].sum() == 10


def test_rising_and_percent_points_give_no_negative_events():
    surv = np.array([100, 96, 97, 90, 91, 85, 85.5, 80])
    got = reconstruct(np.arange(8.0), surv, n=150, risk_time=[0, 4], risk_n=[150, 120])
    assert set(np.unique(got.event)) <= {0, 1}
    assert np.all(np.diff(km(got.time, got.event)[1]) < 0)
    assert len(got.report.warnings) == 2


def test_the_search_for_the_censored_ends():
    # Many rows, few patients and ties: the number censored jumps between two values.
    rng = np.random.default_rng(3)
    begin = clock.perf_counter()
    for n in range(3, 60):
        time = np.sort(rng.integers(1, 12, n)).astype(float)
        event = rng.integers(0, 2, n)
        x, y = steps(time, event)
        ticks = np.arange(0, 12.0)
        for events in (None, 0, n // 2, n):
            got = reconstruct(
                x, y, n=n, events=events, risk_time=ticks, risk_n=at_risk(time, ticks)
            )
            assert len(got.time) == n
    assert clock.perf_counter() - begin < 30


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("events", [True, False])
def test_a_curve_that_reaches_zero(table, events):
    time = np.array([1.0, 2, 2.5, 4, 5, 5.5, 7, 9])
    event = np.array([1, 1, 0, 1, 1, 0, 1, 1])
    x, y = steps(time, event)
    ticks = np.array([0, 3.0, 6.0, 9.0, 12.0])
    got = reconstruct(
        np.append(x, 12),
        np.append(y, 0),
        n=8,
        events=6 if events else None,
        risk_time=ticks if table else None,
        risk_n=at_risk(time, ticks) if table else None,
    )
    assert len(got.time) == 8
    assert got.time.max() == 9
    assert km_at(got.time, got.event, [9])[0] == 0
    if events:
        assert got.event.sum() == 6


def test_everybody_dies_at_once():
    got = reconstruct([0, 3, 3], [1, 1, 0], n=7)
    assert got.time.tolist() == [3.0] * 7
    assert got.event.tolist() == [1] * 7


def test_a_table_interval_without_points():
    # Two points only; rows at 6 and 9 have no point between them.
    got = reconstruct(
        [2, 20], [0.9, 0.9], n=50, risk_time=[0, 6, 9, 20], risk_n=[50, 40, 31, 10]
    )
    assert got.report.risk_slack.tolist() == [0, 0, 0, 0]
    assert got.event.sum() == 5
    assert set(got.time[got.event == 1]) == {2.0}


def test_a_table_that_ends_before_the_curve():
    got = reconstruct(
        [2, 5, 9, 20], [0.9, 0.8, 0.7, 0.7], n=50, risk_time=[0, 3], risk_n=[50, 43]
    )
    assert got.report.risk_slack.tolist() == [0, 0]
    assert got.time.max() == 20


def test_a_table_that_goes_on_after_the_curve():
    nobody = reconstruct(
        [2, 10], [0.9, 0.9], n=50, risk_time=[0, 6, 12, 18], risk_n=[50, 40, 0, 0]
    )
    assert nobody.report.risk_slack.tolist() == [0, 0, 0, 0]
    assert nobody.time.max() == 10
    somebody = reconstruct([2, 10], [0.9, 0.9], n=50, risk_time=[0, 6, 12], risk_n=[50, 40, 3])
    assert somebody.report.risk_slack.tolist() == [0, 0, 0]
    assert somebody.time.max() == 12
    assert any("flat up to 12" in note for note in somebody.report.assumptions)
    assert nobody.event.sum() == somebody.event.sum() == 5


def test_a_table_without_a_first_column_at_zero():
    with_zero = reconstruct([2, 10], [0.9, 0.9], n=50, risk_time=[0, 6], risk_n=[50, 40])
    without = reconstruct([2, 10], [0.9, 0.9], n=50, risk_time=[6], risk_n=[40])
    assert with_zero.time.tolist() == without.time.tolist()


@pytest.mark.parametrize("extra", [{}, {"events": 10}])
def test_a_flat_tail_with_heavy_censoring_has_no_deaths(extra):
    # All events by month 10, then 90 patients lose follow-up on a flat curve.
    x = np.concatenate([np.arange(1.0, 11), np.linspace(11, 36, 60)])
    y = np.concatenate([1 - np.arange(1, 11) / 100, np.full(60, 0.9)])
    ticks = np.array([0, 6, 12, 18, 24, 30, 36.0])
    numbers = [100, 95, 90, 60, 31, 12, 2]
    got = reconstruct(x, y, n=100, risk_time=ticks, risk_n=numbers, **extra)
    assert got.event.sum() == 10
    assert got.time[got.event == 1].max() == 10
    assert km_at(got.time, got.event, [36])[0] == pytest.approx(0.9)
    assert not got.report.risk_slack.any()


def test_rounding_left_over_is_not_spent_on_the_flat_tail():
    # 0.4 of an event remains after the drop; it must not become a death later on.
    got = reconstruct(
        [2, 40], [0.896, 0.896], n=100, risk_time=[0, 20, 40], risk_n=[100, 50, 5]
    )
    assert set(got.time[got.event == 1]) == {2.0}


def test_thousands_of_points_and_patients_take_little_time():
    rng = np.random.default_rng(1)
    time = np.round(np.minimum(rng.exponential(30, 5000), rng.uniform(10, 60, 5000)), 1) + 0.1
    event = (rng.random(5000) < 0.6).astype(int)
    x, y = steps(time, event)
    grid = np.linspace(0, time.max(), 3000)
    x, y = np.append(x, grid), np.append(y, km_at(time, event, grid))
    ticks = np.arange(0, 60, 6.0)
    begin = clock.perf_counter()
    got = reconstruct(
        x, y, n=5000, events=int(event.sum()), risk_time=ticks, risk_n=at_risk(time, ticks)
    )
    assert clock.perf_counter() - begin < 10
    assert got.event.sum() == event.sum()
    assert not got.report.risk_slack.any()


def test_steps_below_a_pixel_are_several_events_in_one_drop():
    # 400 patients on 50 pixel rows: every visible step is eight patients.
    surv = 1 - np.arange(1, 26) / 50
    got = reconstruct(np.arange(1.0, 26), surv, n=400, risk_time=[0, 25], risk_n=[400, 208])
    assert got.event.sum() == 200
    assert np.unique(got.time[got.event == 1], return_counts=True)[1].tolist() == [8] * 25


def test_stated_events_of_the_whole_trial_are_not_forced_on_one_arm():
    time = np.arange(1.0, 41)
    event = np.tile([1, 0], 20)
    x, y = steps(time, event)
    ticks = np.array([0, 10.0, 20.0, 30.0])
    table = {"risk_time": ticks, "risk_n": at_risk(time, ticks)}
    right = reconstruct(x, y, n=40, events=20, **table)
    wrong = reconstruct(x, y, n=40, events=38, **table)
    assert right.event.sum() == 20
    assert right.report.warnings == ()
    assert "38 events were stated but" in wrong.report.warnings[0]
    assert "of this arm and data cut" in wrong.report.warnings[0]
    assert wrong.report.events_stated == 38
    without = reconstruct(x, y, n=40, **table)
    assert wrong.time.tolist() == without.time.tolist()


def test_stated_events_move_the_censored():
    # 100 patients, S falls evenly to 0.5: 50 events only if nobody is censored before the end.
    time, surv = np.arange(1.0, 51), 1 - np.arange(1, 51) / 100
    early, late = (reconstruct(time, surv, n=100, events=d) for d in (25, 50))
    assert (early.event.sum(), late.event.sum()) == (25, 50)
    assert (late.time[late.event == 0] == 50).all()
    assert early.time[early.event == 0].mean() < 30


def test_the_rounding_is_changed_where_nothing_else_meets_the_stated_events():
    time = np.array([1.0, 2, 2, 2, 5, 5, 10])
    event = np.array([1, 0, 1, 1, 1, 1, 0])
    x, y = steps(time, event)
    got = reconstruct(x, y, n=7, events=5, risk_time=[0, 6], risk_n=[7, 1])
    assert got.event.sum() == 5
    assert not got.report.risk_slack.any()


def test_n_alone_is_said_to_rest_on_assumed_censoring():
    got = reconstruct([2, 6, 12], [0.9, 0.7, 0.7], n=30)
    assert any("number of events rests on assumed" in text for text in got.report.warnings)
    assert any("spread over the whole curve" in text for text in got.report.assumptions)
    assert (got.time == 12).sum() == 1


def test_a_poor_fit_is_said():
    # Three patients cannot follow a curve that needs ten.
    got = reconstruct([1, 2, 3, 4, 5], [0.9, 0.8, 0.7, 0.6, 0.5], n=3)
    assert got.report.max_difference > 0.05
    assert any("from the coordinates" in warning for warning in got.report.warnings)
