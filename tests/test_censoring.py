"""One process of censoring shared by the arms of a figure."""

import numpy as np
import pytest

from oligomdt.reconstructkm import ArmInput, reconstruct_figure
from oligomdt.reconstructkm.censoring import (
    BETWEEN_ARMS_SD,
    CensoringHazard,
    closing,
    expected,
    log_closing_hazard,
)

AXIS = 30.0


def picture(rng, n, scale):
    """A trial's arm: patients, and the points of its curve in 300 by 200 pixels."""
    event, out = rng.exponential(scale, n), rng.uniform(6, 28, n)
    time, died = np.minimum(event, out), event <= out
    at = np.sort(time[died])
    level = np.cumprod(1 - 1 / (n - np.searchsorted(np.sort(time), at)))
    x = np.append(np.round(at / AXIS * 300) / 300 * AXIS, time.max())
    y = np.append(np.round(level * 200) / 200, np.round(level[-1] * 200) / 200)
    return time, died, x, y


def trial(seed):
    rng = np.random.default_rng(seed)
    truth, arms = {}, []
    for name, scale in (("control", 10.0), ("experimental", 150.0)):
        time, died, x, y = picture(rng, 90, scale)
        truth[name] = time, died
        arms.append(ArmInput(name, x, y, n=90))
    return truth, arms


def at_risk_error(truth, figure):
    grid = np.linspace(1, 25, 25)
    return sum(
        np.abs((truth[name][0][:, None] >= grid).sum(0) - (arm.time[:, None] >= grid).sum(0))
        .mean()
        .item()
        for name, arm in figure.arms.items()
    )


def test_sharing_brings_the_number_at_risk_nearer_to_the_truth():
    error = dict.fromkeys(("shared", "separate"), 0.0)
    for seed in range(12):
        truth, arms = trial(seed)
        for way in error:
            figure = reconstruct_figure(arms, draws=0, xmax=AXIS, censoring=way)
            error[way] += at_risk_error(truth, figure)
    assert error["shared"] < 0.9 * error["separate"]


def test_sharing_is_said_and_separate_arms_know_nothing_of_each_other():
    _, arms = trial(1)
    shared = reconstruct_figure(arms, draws=0, xmax=AXIS)
    assert any("share one process of censoring" in text for text in shared.assumptions)
    both = reconstruct_figure(arms, draws=0, xmax=AXIS, censoring="separate")
    alone = reconstruct_figure(arms[:1], draws=0, xmax=AXIS)
    assert not any("share one process" in text for text in both.assumptions)
    assert not any("share one process" in text for text in alone.assumptions)
    np.testing.assert_array_equal(both.arms["control"].time, alone.arms["control"].time)


def test_marks_take_the_place_of_a_shared_process():
    _, arms = trial(2)
    marked = [
        ArmInput(arm.name, arm.time, arm.surv, n=arm.n, censor_time=[8.0, 12.0, 20.0])
        for arm in arms
    ]
    figure = reconstruct_figure(marked, draws=0, xmax=AXIS)
    assert not any("share one process" in text for text in figure.assumptions)


def test_what_is_expected_does_not_depend_on_the_unit_of_time():
    months = CensoringHazard(24.0, np.array([-1.0, 0.5, 2.0]), np.array([0.3, 0.2, 0.4]))
    days = CensoringHazard(24.0 * 30, months.mean, months.sd)
    np.testing.assert_allclose(
        expected([months], 18.0, 8), expected([days], 18.0 * 30, 8), atol=1e-12
    )


def test_the_hazard_by_the_close_is_the_slope_of_what_it_adds_up_to():
    share, step = np.linspace(0.05, 0.95, 19), 1e-6
    slope = (closing(share + step) - closing(share - step)) / (2 * step)
    np.testing.assert_allclose(np.exp(log_closing_hazard(share)), slope, rtol=1e-6)
    assert closing(0.0) == 0 and closing(1.0) == pytest.approx(1)


def test_an_arm_followed_for_longer_is_censored_later():
    """The same patients a month: an arm of twice the follow-up has the same hazard a month."""
    short = CensoringHazard(12.0, np.zeros(8), np.full(8, 0.1))
    mean, _ = short.at(np.array([3.0]))
    along = expected([short], 24.0, 8)[0]
    at = 3.0 / 24.0
    assert along[0] + log_closing_hazard(0.5 / 8) - np.log(24.0) == pytest.approx(
        short.at(np.array([1.5]))[0][0]
    )
    assert mean[0] == pytest.approx(log_closing_hazard(2 * at) - np.log(12.0))


def test_several_arms_say_more_than_one_but_never_all():
    hazard = CensoringHazard(24.0, np.log([0.01, 0.02]), np.array([0.3, 0.2]))
    one, many = expected([hazard], 24.0, 2), expected([hazard] * 1000, 24.0, 2)
    np.testing.assert_allclose(one[0], many[0])
    assert (many[1] < one[1]).all()
    np.testing.assert_allclose(many[1], BETWEEN_ARMS_SD, rtol=1e-2)


def test_another_way_of_censoring_is_refused_by_name():
    with pytest.raises(ValueError, match="censoring is 'equal'; it must be one of shared"):
        reconstruct_figure(trial(0)[1], censoring="equal")
