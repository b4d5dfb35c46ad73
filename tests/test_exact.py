"""The exact method: recovery, failure modes, contradictions, clicks and the posterior."""

import time as clock
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import comb, gammaln
from test_guyot import at_risk, km, km_at, steps

from oligomdt.reconstructkm import exact, reconstruct
from oligomdt.reconstructkm import path as search
from oligomdt.reconstructkm.censoring import closing
from oligomdt.reconstructkm.coordinates import clean, risk_table
from oligomdt.reconstructkm.exact import BATCH_SHAPE, STAGES, _normal
from oligomdt.reconstructkm.observation import observe
from oligomdt.reconstructkm.path import TIES
from oligomdt.reconstructkm.stages import SEGMENTS, end_weights

AXIS = 36.0
VECTOR = 10_000


def simulate(seed, low=8, high=60, width=VECTOR):
    """Patients of a trial of 36 months, their times on the pixels of the figure."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(low, high))
    dying = rng.weibull(rng.choice([0.8, 1.0, 1.5]), n) * rng.choice([10.0, 20.0, 40.0])
    leaving = np.minimum(rng.uniform(12, AXIS, n), rng.exponential(150, n))
    time = np.maximum(np.round(np.minimum(dying, leaving) / AXIS * width), 1) / width * AXIS
    return time, (dying <= leaving).astype(int)


def points(time, event, height=VECTOR):
    """Corners of the curve with levels rounded to the pixels of the figure."""
    x, y = steps(time, event)
    return x, np.round(y * height) / height


def table(time, tick=6.0):
    ticks = np.arange(0, time.max(), tick)
    return {"risk_time": ticks, "risk_n": at_risk(time, ticks)}


def falls(time, event):
    """Event times, events and number at risk at each."""
    at, died = np.unique(time[event == 1], return_counts=True)
    return at, died.tolist(), at_risk(time, at).tolist()


def check(arm, n):
    """What holds for every result and every draw."""
    for time, event in ((arm.time, arm.event), *arm.draws):
        assert len(time) == len(event) == n
        assert np.isfinite(time).all()
        assert time[0] >= 0
        assert (np.diff(time) >= 0).all()
        assert set(event.tolist()) <= {0, 1}
        assert (np.diff(km(time, event)[1], prepend=1.0) < 0).all()
    assert arm.report.n == n
    assert arm.report.events == arm.event.sum()
    reached = at_risk(arm.time, arm.report.risk_time) - arm.report.risk_n
    assert reached.tolist() == arm.report.risk_slack.tolist()
    said = sum("cannot be met" in text for text in arm.report.warnings)
    assert said == np.count_nonzero(reached)


def same(arm, other, factor=1.0):
    assert np.allclose(arm.time, other.time * factor, rtol=1e-9, atol=1e-9 * factor)
    assert arm.event.tolist() == other.event.tolist()


# Recovery ------------------------------------------------------------------------------------


def test_small_arms_come_back_exactly():
    found, whole_arm, arms = 0, 0, 80
    for seed in range(arms):
        time, event = simulate(seed)
        marks = np.unique(time[event == 0])
        x, y = points(time, event)
        arm = reconstruct(x, y, n=len(time), xmax=AXIS, censor_time=marks, **table(time))
        check(arm, len(time))
        (at, *counts), (got_at, *got_counts) = falls(time, event), falls(arm.time, arm.event)
        found += counts == got_counts and np.allclose(at, got_at, atol=1e-4 * AXIS)
        whole_arm += np.allclose(arm.time, np.sort(time), atol=1e-4 * AXIS)
    assert found >= 0.95 * arms
    assert whole_arm >= 0.95 * arms


@pytest.mark.parametrize("marked", [False, True])
def test_table_events_and_points_of_one_arm_do_not_contradict(marked):
    # Levels of a vector figure; columns of the table off the times that a pixel can have.
    for seed in range(40):
        time, event = simulate(seed, 5, 250)
        x, y = points(time, event)
        ticks = np.arange(0, time.max() - 0.01, 5) + 0.5 * AXIS / VECTOR
        known = {"risk_time": ticks, "risk_n": at_risk(time, ticks), "xmax": AXIS}
        marks = np.unique(time[event == 0]) if marked else None
        arm = reconstruct(
            x, y, n=len(time), events=int(event.sum()), censor_time=marks, draws=4, **known
        )
        check(arm, len(time))
        assert arm.report.method == "exact"
        assert arm.report.warnings == ()
        assert not arm.report.risk_slack.any()
        assert arm.event.sum() == event.sum()
        assert all(died.sum() == event.sum() for _, died in arm.draws)


@pytest.mark.parametrize("height", [400, VECTOR])
def test_the_patients_pass_through_the_points(height):
    for seed in range(15):
        time, event = simulate(seed, 20, 200, 600 if height == 400 else VECTOR)
        x, y = points(time, event, height)
        arm = reconstruct(x, y, n=len(time), xmax=AXIS, observation="trace")
        check(arm, len(time))
        at, levels = km(time, event)
        after = np.append((at[1:] + at[:-1]) / 2, time.max())
        read = np.round(levels * height) / height
        assert np.abs(km_at(arm.time, arm.event, after) - read).max() <= 1 / height


# Failure modes -------------------------------------------------------------------------------


@pytest.mark.parametrize("known", ["n", "table", "events"])
def test_a_flat_tail_with_heavy_censoring_has_no_deaths(known):
    # 10 deaths by month 10, then 90 patients lose follow-up on a flat curve.
    x = np.concatenate([np.arange(1.0, 11), np.linspace(11, 36, 60)])
    y = np.concatenate([1 - np.arange(1, 11) / 100, np.full(60, 0.9)])
    rows = {
        "risk_time": [0, 6.5, 12, 18, 24, 30, 36.0],
        "risk_n": [100, 94, 90, 60, 31, 12, 2],
    }
    given = {"n": {}, "table": rows, "events": {"events": 10, **rows}}[known]
    arm = reconstruct(x, y, n=100, draws=20, **given)
    check(arm, 100)
    assert arm.report.method == "exact"
    for time, event in ((arm.time, arm.event), *arm.draws):
        assert time[event == 1].max() < 10.3
        assert km_at(time, event, [36])[0] == pytest.approx(0.9, abs=0.01)
        if known != "n":
            assert event.sum() == 10
            assert at_risk(time, rows["risk_time"]).tolist() == rows["risk_n"]


def test_a_large_arm_on_few_pixels_keeps_its_plateau():
    # A death is half a pixel: it could hide, but 20 of 400 at risk would show any.
    x = np.concatenate([np.arange(1.0, 11), [36.0]])
    y = np.concatenate([1 - np.arange(1, 11) / 200, [0.95]])
    rows = {"risk_time": [0, 15.5, 30.0], "risk_n": [400, 20, 2]}
    arm = reconstruct(x, y, n=400, resolution=(0.1, 1 / 200), draws=20, **rows)
    check(arm, 400)
    for time, event in ((arm.time, arm.event), *arm.draws):
        assert km_at(time, event, [35.9])[0] == pytest.approx(0.95, abs=1 / 200)
        assert not event[time > 15.5].any()


def test_events_at_time_zero_and_a_curve_that_starts_below_one():
    for x, y in (([0, 5, 9], [0.9, 0.9, 0.8]), ([0, 0, 5, 5, 9], [1, 0.9, 0.9, 0.8, 0.8])):
        arm = reconstruct(x, y, n=10)
        check(arm, 10)
        assert arm.time[0] == 0
        assert arm.event[0] == 1
        assert arm.event.sum() == 2
        assert any("1 event(s) at time 0" in text for text in arm.report.warnings)
    flat = reconstruct([0, 9], [0.9, 0.9], n=10)
    assert flat.event.sum() == 1
    assert flat.time[0] == 0 and flat.event[0] == 1 and flat.time[-1] == 9
    assert flat.report.grade.letter == "D", "when the others left is not known"


def test_a_first_point_later_than_zero_is_a_drop_there():
    arm = reconstruct([2, 6], [0.9, 0.9], n=10)
    assert arm.time[arm.event == 1].tolist() == [2.0]
    assert km_at(arm.time, arm.event, [1.9, 6]).tolist() == pytest.approx([1, 0.9])


def test_everybody_dies_where_the_curve_falls_to_zero_and_no_mark_is_seen():
    time = np.array([1.0, 2, 3, 5, 7, 8, 12, 14])
    event = np.ones(8, int)
    x, y = points(time, event)
    for known in ({}, {"events": 8}, {"risk_time": [0, 4, 10], "risk_n": [8, 5, 2]}):
        for marks in (None, []):
            arm = reconstruct(x, y, n=8, xmax=AXIS, censor_time=marks, draws=5, **known)
            check(arm, 8)
            assert arm.time.tolist() == time.tolist()
            assert arm.event.all()
            assert all(died.all() for _, died in arm.draws)
    at_once = reconstruct([0, 3, 3], [1, 1, 0], n=7, censor_time=[])
    assert at_once.time.tolist() == [3.0] * 7
    assert at_once.event.all()


@pytest.mark.parametrize("known", ["n", "table", "events"])
def test_a_curve_that_reaches_zero_ends_there(known):
    time = np.array([1.0, 2, 2.5, 4, 5, 5.5, 7, 9])
    event = np.array([1, 1, 0, 1, 1, 0, 1, 1])
    x, y = points(time, event)
    ticks = [0, 3.5, 6.5, 9.5, 12]
    rows = {"risk_time": ticks, "risk_n": at_risk(time, ticks)}
    given = {"n": {}, "table": rows, "events": {"events": 6}}[known]
    arm = reconstruct(np.append(x, 12), np.append(y, 0), n=8, xmax=AXIS, draws=5, **given)
    check(arm, 8)
    assert arm.time.max() == 9
    assert km_at(arm.time, arm.event, [9])[0] == 0
    assert not arm.report.risk_slack.any()
    if known == "events":
        assert arm.event.sum() == 6


def test_top_and_foot_of_a_drop_may_come_in_either_order():
    time, event = simulate(5, 40, 60)
    x, y = points(time, event)
    foot_first = np.arange(len(x))
    foot_first[1:-1] = foot_first[1:-1].reshape(-1, 2)[:, ::-1].ravel()
    known = {"n": len(time), "xmax": AXIS, **table(time, 5.9)}
    given = reconstruct(x, y, **known)
    turned = reconstruct(x[foot_first], y[foot_first], **known)
    assert given.report.observation.kind == turned.report.observation.kind == "trace"
    same(given, turned)


def test_thousands_of_points_and_patients_take_little_time():
    rng = np.random.default_rng(1)
    time = np.round(np.minimum(rng.exponential(30, 3000), rng.uniform(10, 60, 3000)), 1) + 0.1
    event = (rng.random(3000) < 0.6).astype(int)
    grid = np.linspace(0, 60, 3000)
    y = np.round(km_at(time, event, grid), 3)
    ticks = np.arange(0, 54, 6.0) + 0.03
    reconstruct([2, 6], [0.9, 0.9], n=10)
    begin = clock.process_time()
    arm = reconstruct(
        grid, y, n=3000, events=int(event.sum()), risk_time=ticks, risk_n=at_risk(time, ticks)
    )
    assert clock.process_time() - begin < 10
    check(arm, 3000)
    assert not arm.report.risk_slack.any()
    assert abs(arm.event.sum() - event.sum()) <= 0.002 * event.sum()
    assert np.abs(km_at(arm.time, arm.event, grid[:2700]) - y[:2700]).max() < 0.004


@pytest.mark.parametrize(
    ("x", "ticks", "numbers", "last"),
    [
        ([2, 20], [6.5], [40], 20),  # does not start at 0
        ([2, 20], [1.5], [44], 20),  # starts with fewer than n
        ([2, 20], [0, 6, 9, 12], [50, 40, 31, 10], 20),  # intervals without points
        ([2, 10], [0, 6, 12], [50, 40, 3], 12),  # a column after the last point
        ([2, 10], [0, 6, 12, 18], [50, 40, 0, 0], 10),  # repeated zeros at the end
        ([2, 20], [0, 3], [50, 43], 20),  # the curve goes on after the table
    ],
)
def test_tables_that_do_not_match_the_points_in_time(x, ticks, numbers, last):
    arm = reconstruct(x, [0.9, 0.9], n=50, risk_time=ticks, risk_n=numbers, draws=10)
    check(arm, 50)
    assert arm.report.warnings == ()
    assert not arm.report.risk_slack.any()
    assert arm.time.max() == last
    for time, event in arm.draws:
        assert at_risk(time, ticks).tolist() == numbers
        assert np.abs(time[event == 1] - 2).max() < 0.2


# Contradictions ------------------------------------------------------------------------------


@pytest.mark.parametrize(("events", "why"), [(0, "two drops"), (9, "levels fix both at 1")])
def test_a_total_that_the_curve_excludes_is_named_and_not_forced(events, why):
    arm = reconstruct([2, 2, 4, 4, 9], [1, 0.9, 0.9, 0.8, 0.8], n=10, events=events)
    check(arm, 10)
    assert arm.event.sum() == 2, why
    total, change = arm.report.warnings
    assert f"{events} events were stated" in total
    assert "2 are reconstructed" in total
    assert f"2 instead of {events} events; points allow only 2" in change
    assert arm.report.events_stated == events


def test_a_table_that_contradicts_the_curve_is_named_with_its_size():
    # 100 patients, S falls to 0.7, but the table says that only 5 left.
    arm = reconstruct(
        [2, 4, 6, 9], [0.9, 0.8, 0.7, 0.7], n=100, risk_time=[0, 6.5], risk_n=[100, 95]
    )
    check(arm, 100)
    off = int(arm.report.risk_slack[1])
    assert off < -5
    named = f"the table's 95 at risk at 6.5 cannot be met: {95 + off} are left"
    assert any(named in text for text in arm.report.warnings)
    (change,) = (text for text in arm.report.warnings if text.startswith("smallest change"))
    most = int(change.split("agree: ")[1].split(" instead of 95 at risk at 6.5")[0])
    mended = reconstruct(
        [2, 4, 6, 9], [0.9, 0.8, 0.7, 0.7], n=100, risk_time=[0, 6.5], risk_n=[100, most]
    )
    assert mended.report.warnings == ()
    assert most >= 95 + off


def test_a_curve_that_no_patients_can_give_is_said():
    arm = reconstruct([1, 2, 3, 4, 5], [0.9, 0.8, 0.7, 0.6, 0.5], n=3)
    check(arm, 3)
    assert arm.report.max_difference > 0.05
    assert any("no curve of this many patients" in text for text in arm.report.warnings)
    assert any("10 instead of 3 patients" in text for text in arm.report.warnings)


# Hand clicks ---------------------------------------------------------------------------------


def clicked(seed, width=300, height=200):
    """Patients and 40 points clicked on their curve, off by about a pixel both ways."""
    time, event = simulate(seed, 80, 200, 5000)
    rng = np.random.default_rng([seed, 1])
    x = np.sort(rng.uniform(0, time.max(), 40))
    y = km_at(time, event, x) + rng.integers(-1, 2, 40) / height
    x = np.clip(x + rng.integers(-1, 2, 40) * AXIS / width, 0, AXIS)
    x, y = np.round(x / AXIS * width) / width * AXIS, np.round(y * height) / height
    return time, event, x, np.clip(y, 0, 1)


def test_clicks_are_read_closely_and_better_than_by_the_algorithm_of_2012():
    errors = {"exact": [], "guyot": []}
    for seed in range(30):
        time, event, x, y = clicked(seed)
        grid = np.linspace(0, np.sort(time)[-10], 400)
        for method, seen in errors.items():
            arm = reconstruct(x, y, n=len(time), xmax=AXIS, method=method)
            check(arm, len(time))
            off = km_at(arm.time, arm.event, grid) - km_at(time, event, grid)
            seen.append(np.sqrt(np.mean(off**2)) * 200)
        assert arm.report.observation.kind == "clicks"
    # In pixels; seen were 2.6 and 7.8, and 2.4 of the 40 points joined by straight lines.
    exact, guyot = np.array(errors["exact"]), np.array(errors["guyot"])
    assert exact.mean() < 3
    assert exact.max() < 6
    assert exact.mean() < 0.6 * guyot.mean()
    assert (exact < guyot).mean() > 0.8


# Invariance ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["trace", "clicks", "times"])
def test_the_unit_of_time_and_percent_change_nothing(kind):
    if kind == "clicks":
        time, event, x, y = clicked(3)
    else:
        time, event = simulate(11, 40, 60)
        x, y = points(time, event)
    known = {"n": len(time), "draws": 3, "observation": kind, "seed": 4}
    rows = table(time, 5.9)
    given = reconstruct(x, y, xmax=AXIS, **known, **rows)
    rows["risk_time"] = rows["risk_time"] / 12
    years = reconstruct(x / 12, y, xmax=AXIS / 12, **known, **rows)
    same(given, years, 12.0)
    rows["risk_time"] = rows["risk_time"] * 12
    same(given, reconstruct(x, y * 100, xmax=AXIS, **known, **rows))


def test_points_that_repeat_a_plateau_change_nothing():
    time, event = simulate(12, 40, 60)
    x, y = points(time, event)
    more_x = np.round(np.linspace(0, time.max(), 200) / AXIS * VECTOR) / VECTOR * AXIS
    more_x = more_x[np.abs(more_x[:, None] - x).min(axis=1) > 0.01]
    more_y = np.round(km_at(time, event, more_x) * VECTOR) / VECTOR
    known = {"n": len(time), "xmax": AXIS, **table(time, 5.9)}
    given = reconstruct(x, y, **known)
    order = np.argsort(np.append(x, more_x), kind="stable")
    same(given, reconstruct(np.append(x, more_x)[order], np.append(y, more_y)[order], **known))


def test_the_seed_decides_the_bytes():
    time, event = simulate(13, 100, 150, 600)
    x, y = points(time, event, 400)
    arms = [reconstruct(x, y, n=len(time), xmax=AXIS, draws=3, seed=s) for s in (1, 1, 2)]
    bytes_ = [b"".join(t.tobytes() + e.tobytes() for t, e in arm.draws) for arm in arms]
    assert bytes_[0] == bytes_[1] != bytes_[2]
    assert arms[0].time.tobytes() == arms[1].time.tobytes()
    assert arms[0].report.to_json() == arms[1].report.to_json()


# Posterior -----------------------------------------------------------------------------------


def all_paths(n, levels, half):
    """Every (censored, events, ..., censored) whose levels are those read, by brute force."""
    found = []

    def go(k, at_risk, surv, path):
        if k == len(levels):
            found.extend((*path, c) for c in range(at_risk or 1))
            return
        for c in range(at_risk):
            left = at_risk - c
            for d in range(1, left + 1):
                if abs(surv * (1 - d / left) - levels[k]) <= half:
                    go(k + 1, left - d, surv * (1 - d / left), (*path, c, d))

    go(0, n, 1.0, ())
    return found


def log_count(count, mean, shape):
    """Log of the negative binomial probability."""
    found = gammaln(shape + count) - gammaln(shape) - gammaln(count + 1)
    return (
        found + shape * np.log(shape / (shape + mean)) + count * np.log(mean / (shape + mean))
    )


def log_drop(count, mean, rho, shape):
    """Log probability of `count` events: the sum over the number of batches they came in."""
    terms = [
        log_count(batches, mean, shape)
        + np.log(comb(count - 1, batches - 1))
        + batches * np.log1p(-rho)
        + (count - batches) * np.log(rho)
        for batches in range(1, count + 1)
    ]
    return np.logaddexp.reduce(terms)


def log_gap(left, most, start, stop, rates, pixel):
    """Log prior of 0 to `most` censored, and no event, in a gap between drops.

    A gap is followed in pieces of at most 1/8 and, if longer than that, at least 1/16 of
    follow-up, each with the hazards of the segment in its middle.
    """
    censoring, events, shape = rates
    cuts = max(1, int((stop - start) * 16 + 1e-9))
    log_weight = np.full((most + 1, len(shape)), -np.inf)
    log_weight[0] = 0.0
    for low, high in pairwise(np.linspace(start, stop, cuts + 1)):
        segment = min(SEGMENTS - 1, int((low + high) / 2 * SEGMENTS + 1e-9))
        share, after = closing(high) - closing(low), np.full_like(log_weight, -np.inf)
        for gone in range(min(most, left) + 1):
            at_risk = left - gone
            if not at_risk:
                after[gone] = np.logaddexp(after[gone], log_weight[gone])
                continue
            quiet = events[:, segment] * (high - low - pixel / cuts) * at_risk
            now = log_weight[gone] + log_count(0, quiet, BATCH_SHAPE["trace"])
            for count in range(min(most - gone, at_risk) + 1):
                more = now + log_count(count, censoring[:, segment] * share * at_risk, shape)
                after[gone + count] = np.logaddexp(after[gone + count], more)
        log_weight = after
    return log_weight


def prior_shares(paths, n, borders, last, pixel, size=8_000):
    """Posterior of the paths: stated prior, its rates integrated out by simple Monte Carlo."""
    rng = np.random.default_rng(0)
    censoring, events = rng.normal(0, 0.7, (2, size, SEGMENTS))
    censoring[:, 0] = rng.normal(0, 2, size)
    level = np.clip(last, 0.5 / n, 1 - 0.5 / n)
    events[:, 0] = rng.normal(np.log(-np.log(level)), 1, size)
    # The hazard of censoring is known best at the end, that of events at the start.
    censoring = np.exp(censoring.cumsum(axis=1))[:, ::-1]
    events = np.exp(events.cumsum(axis=1))
    shape, rho = rng.choice([0.3, 1, 3, 10, 100], size), rng.beta(*TIES, size)
    rates, shares, gaps = (censoring, events, shape), np.array(borders) / borders[-1], {}
    segments = np.minimum(SEGMENTS - 1, (shares * SEGMENTS).astype(int))
    weight = []
    for path in paths:
        left, total = n, np.zeros(size)
        for i, count in enumerate(path):
            if i % 2:
                mean = events[:, segments[i // 2 + 1]] * pixel * left
                total += log_drop(count, mean, rho, BATCH_SHAPE["trace"])
            elif left:
                start, stop = shares[i // 2 : i // 2 + 2]
                if (i, left) not in gaps:
                    gaps[i, left] = log_gap(left, left, start, stop, rates, pixel)
                total += gaps[i, left][count]
            left -= count
        weight.append(np.exp(total).mean() * end_weights(n, last, 1e-4)[left])
    return np.array(weight) / np.sum(weight)


def path_of(time, event, at, end):
    """Censored and events of a draw in the form of `all_paths`."""
    path, before = [], -1.0
    for t in at:
        died = time[(event == 1) & (np.abs(time - t) < 0.01)]
        path += [int(((event == 0) & (time > before) & (time < died[0])).sum()), len(died)]
        before = died[0]
    return (*path, int(((event == 0) & (time > before) & (time < end)).sum()))


@pytest.mark.parametrize(
    ("n", "levels", "ambiguous"),
    [
        (8, [0.75, 0.5], 8),
        (6, [2 / 3, 1 / 3], 4),
        (8, [0.75, 0.5, 0.25], 5),
        (7, [6 / 7, 4 / 7, 2 / 7], 4),
        (6, [0.5, 0.0], 6),
    ],
)
def test_draws_are_all_the_paths_that_fit_in_their_shares(n, levels, ambiguous):
    at, end, many = np.array([5.0, 12.0, 30.0])[: len(levels)], 40.0, 12_000
    read = np.round(levels, 4)
    tops = np.append(1.0, read[:-1])
    x = np.concatenate([[0], np.repeat(at, 2), [end]])
    y = np.concatenate([[1], np.column_stack([tops, read]).ravel(), [read[-1]]])
    arm = reconstruct(x, y, n=n, draws=many, resolution=(end * 1e-4, 1e-4), observation="trace")
    paths = all_paths(n, read, 0.51e-4)
    assert len(paths) == ambiguous
    seen = Counter(path_of(time, event, at, end) for time, event in arm.draws)
    assert set(seen) <= set(paths)
    shares = prior_shares(paths, n, [0, *at, end], levels[-1], 1e-4)
    drawn = np.array([seen[path] / many for path in paths])
    assert (drawn[shares > 0.005] > 0).all()
    assert np.abs(drawn - shares).sum() / 2 < 0.07


# What is looked up in tables ------------------------------------------------------------------


def arm_of(stages, n):
    return search.Arm(
        stages.stage,
        stages.level,
        stages.clicks,
        stages.end_weight,
        n,
        stages.bin_width,
        stages.marks is not None,
    )


@pytest.mark.parametrize("kind", ["trace", "clicks"])
def test_readings_in_tables_weigh_as_when_computed(kind):
    time, event = simulate(3, 40, 60)
    x, y = points(time, event, 200)
    curve = clean(x, y, AXIS)
    seen = observe(curve, len(time), AXIS, kind, (AXIS / 300, 1 / 200))
    nobody = risk_table(None, None, len(time))
    arm = arm_of(STAGES[kind](curve, nobody, len(time), seen), len(time))
    read, step = search.look_up(arm), arm.bin_width / search.FINE
    rng, compared = np.random.default_rng(1), 0
    for k in np.flatnonzero(read.base >= 0):
        level, base, size = arm.level[k], read.base[k], read.size[k]
        for share in rng.random(20):
            s = read.origin[k] + share * (size - 3) * step
            above = s + rng.random() * 0.05
            want = search.level_weight(level, above, s, arm.clicks)
            got = search.between(read.table, base, size, (s - read.origin[k]) / step)
            if kind == "clicks":
                entry = (above - read.origin[k]) / step
                got *= search.above_weight(
                    level, above, arm.clicks, read.table, base, size, entry
                )
            assert got == pytest.approx(want, rel=0.02, abs=1e-4)
            compared += 1
    assert compared > 200


@pytest.mark.parametrize("tilt", [0.0, 0.4])
@pytest.mark.parametrize("mean", [0.01, 3.0, 900.0])
def test_weights_of_events_are_those_of_batches(mean, tilt):
    # Poisson batches of one event and a geometric number of others, summed directly.
    shape, rho, most = 1e7, 0.2, 1000
    rates = search.Rates(np.ones(1), np.ones(1), rho, 1.0, shape, 0.1, 0.1, tilt)
    weights = np.empty(most + 1)
    search.events_weight(most, mean, rates, weights)
    for d in (0, 1, 4, 60, 950):
        batches = np.arange(1, d + 1)
        log_each = (
            batches * np.log(mean * (1 - rho))
            - gammaln(batches + 1)
            + (d - batches) * np.log(rho)
            + gammaln(d)
            - gammaln(batches)
            - gammaln(d - batches + 1)
        )
        want = np.logaddexp.reduce(log_each) - mean if d else -mean
        if want > -600:
            assert np.log(weights[d]) == pytest.approx(want + tilt * d, rel=1e-4, abs=1e-3)


# Hand clicks without a table ------------------------------------------------------------------


def test_far_moves_leave_the_prior_as_it_is():
    anchor = np.array([np.zeros(SEGMENTS), np.full(SEGMENTS, np.inf)])
    anchor[:, -1] = 1.0, 0.5
    centre, root = _normal(anchor)
    # A random walk from the anchored end: the variance grows with every segment.
    steps = np.arange(SEGMENTS)[::-1]
    assert np.allclose(centre, 1.0)
    assert np.allclose((root**2).sum(axis=1), 0.25 + steps * search.SMOOTH**2)
    prior = search.Prior(anchor, anchor, 1.0, centre, root)
    rng = np.random.default_rng(0)
    moved = np.array(
        [
            search.far_move(centre + root @ rng.standard_normal(SEGMENTS), prior, rng)
            for _ in range(20_000)
        ]
    )
    assert np.allclose(moved.mean(axis=0), centre, atol=0.06)
    assert np.allclose(np.cov(moved.T), root @ root.T, atol=0.25)


def test_clicks_alone_do_not_settle_how_many_were_censored():
    # The search must not stay where it began, as where nobody is censored: the number of events
    # in the draws is that of the truth in most arms, and about the same from any seed.
    held, ratio = [], []
    for seed in range(8):
        time, event, x, y = clicked(seed)
        means, spreads = [], []
        for start in range(3):
            arm = reconstruct(x, y, n=len(time), xmax=AXIS, draws=39, seed=start)
            died = np.array([d.sum() for _, d in arm.draws])
            held.append(died.min() <= event.sum() <= died.max())
            means.append(died.mean())
            spreads.append(died.std())
        ratio.append(np.std(means, ddof=1) / max(np.mean(spreads), 1.0))
    assert np.mean(held) >= 0.75
    assert np.mean(ratio) < 0.6


@pytest.mark.parametrize("moves", [1, 3])
def test_far_moves_draw_the_same_as_small_steps_do(monkeypatch, moves):
    # Few clicks of few patients: what the draws say must not depend on how they were made.
    x, y = [0, 4, 9, 15, 22, 30], [1, 0.92, 0.81, 0.7, 0.55, 0.47]
    means = []
    for jumps in (0, moves):
        monkeypatch.setattr(exact, "JUMPS", jumps)
        arm = reconstruct(
            x, y, n=20, observation="clicks", resolution=(0.1, 0.005), draws=16_000
        )
        died = [event.sum() for _, event in arm.draws]
        left = [(time >= 30).sum() for time, _ in arm.draws]
        means.append((np.mean(died), np.mean(left)))
    # Standard errors are about 0.05; without the weight of the end 0.5 more are left.
    assert np.allclose(means[0], means[1], atol=0.2)


def test_patients_of_every_draw_have_the_survival_of_their_path():
    for seed in range(4):
        time, _, x, y = clicked(seed)
        n = len(time)
        curve = clean(x, y, AXIS)
        seen = observe(curve, n, AXIS)
        paths = exact.draw_paths(curve, risk_table(None, None, n), n, seen)
        _, draws = exact.point_and_ensemble(paths, seen, n, len(paths.left), 0)
        dying = paths.stages.stage[:, 0] != search.CENSOR
        for left, after, (own, event) in zip(paths.left, paths.at_risk, draws, strict=True):
            share = left / np.maximum(after + left, 1)
            assert km_at(own, event, [AXIS])[0] == pytest.approx(np.prod(1 - share[dying]))


@pytest.mark.parametrize(("n", "hidden"), [(60, False), (900, True)])
def test_pieces_of_gaps_make_up_the_whole_follow_up(n, hidden):
    # One long gap before, between and after the drops; a column of the table in the second.
    x, y = [0, 9, 9, 20, 20, 36], [1, 1, 0.9, 0.9, 0.75, 0.75]
    curve, table = clean(x, y, AXIS), risk_table([0, 14, 28], [n, n // 2, n // 5], n)
    seen = observe(curve, n, AXIS, "trace", (AXIS / 400, 1 / 400))
    stages = STAGES["trace"](curve, table, n, seen)
    kind, exposure = stages.stage[:, 0], stages.level[:, 0]
    assert (kind == search.HIDDEN).any() == hidden
    assert exposure[kind == search.CENSOR].sum() == pytest.approx(1)
    dying, quiet = exposure[kind != search.CENSOR].sum(), stages.level[:, 7].sum()
    # Each gap leaves a pixel to a drop, and there are three more gaps than drops.
    assert dying + quiet == pytest.approx(1, abs=4 / 400)
    assert sorted(row for row in stages.stage[:, 2] if row >= 0) == [n // 5, n // 2]
    lasting = np.diff(stages.span[kind == search.CENSOR])[:, 0] / AXIS
    assert lasting.max() < 2 * 1 / 16 + 1e-9
    # Each piece is in the segment of its middle.
    middle = stages.span.mean(axis=1) / AXIS * SEGMENTS
    assert (stages.stage[:, 1] == np.minimum(middle.astype(int), SEGMENTS - 1)).all()
