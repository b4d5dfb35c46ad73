"""Every kind of bad IPD frame or argument gives one error that names it."""

import numpy as np
import pandas as pd
import pytest

from oligomdt import survival

GOOD = pd.DataFrame(
    {
        "time": [2.0, 4, 6, 8, 3, 7, 9, 12],
        "event": [1, 1, 1, 0, 1, 1, 0, 0],
        "arm": ["control"] * 4 + ["experimental"] * 4,
    }
)
ONE_ARM = [
    survival.km,
    survival.median,
    survival.followup,
    lambda ipd: survival.quantile(ipd, 0.25),
    lambda ipd: survival.survival_at(ipd, 6),
    lambda ipd: survival.cumulative_hazard(ipd, 6),
]
COMPARISONS = [
    survival.cox,
    lambda ipd: survival.cox(ipd, ties="exact"),
    survival.logrank,
    survival.weighted_logrank,
    survival.peto_peto,
    survival.ph_test,
    survival.ph_correlation_test,
    survival.time_varying,
    survival.accelerated,
    lambda ipd: survival.interaction_test(
        ipd.assign(trial="A") if isinstance(ipd, pd.DataFrame) else ipd
    ),
    lambda ipd: survival.landmark(ipd, 6),
    lambda ipd: survival.piecewise(ipd, 5),
    lambda ipd: survival.rmst(ipd, 8),
]
ESTIMATORS = ONE_ARM + COMPARISONS
BAD_FRAMES = {
    "missing column": (GOOD.drop(columns="event"), "no column 'event'"),
    "empty": (GOOD.iloc[:0], "empty"),
    "negative time": (GOOD.assign(time=-GOOD["time"]), "'time': -12 is negative"),
    "infinite time": (GOOD.assign(time=np.inf), "'time': missing or non-finite"),
    "missing time": (GOOD.assign(time=np.nan), "'time': missing or non-finite"),
    "text time": (GOOD.assign(time="soon"), "'time' must be numeric"),
    "event of 2": (GOOD.assign(event=2), "'event': 2 is neither"),
    "missing event": (GOOD.assign(event=np.nan), "'event': missing"),
    "unknown arm": (GOOD.assign(arm="SBRT"), "'SBRT' is neither 'control'"),
    "missing arm": (GOOD.assign(arm=None), "None is neither 'control'"),
    "stacked draws": (GOOD.assign(draw=range(8)), "8 draws of the same patients"),
}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("bad", BAD_FRAMES)
def test_a_bad_frame_is_refused_by_every_estimator(estimator, bad):
    ipd, message = BAD_FRAMES[bad]
    with pytest.raises(ValueError, match=message):
        estimator(ipd)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_something_else_than_a_frame_is_refused(estimator):
    with pytest.raises(TypeError, match="DataFrame, not dict"):
        estimator({"time": [1]})


@pytest.mark.parametrize("estimator", COMPARISONS)
@pytest.mark.parametrize("arm", ["control", "experimental"])
def test_a_comparison_needs_both_arms(estimator, arm):
    with pytest.raises(ValueError, match=f"no patient in the {arm} arm"):
        estimator(GOOD[GOOD["arm"] != arm])


@pytest.mark.parametrize("arm", ["control", "experimental"])
@pytest.mark.parametrize(
    "estimator", [survival.cox, survival.ph_test, survival.ph_correlation_test, COMPARISONS[1]]
)
def test_no_event_in_an_arm_is_an_infinite_hazard_ratio(arm, estimator):
    ipd = GOOD.assign(event=GOOD["event"].where(GOOD["arm"] != arm, 0))
    with pytest.raises(ValueError, match=f"no event in the {arm} arm"):
        estimator(ipd)


@pytest.mark.parametrize("first", ["control", "experimental"])
def test_separated_arms_are_an_infinite_hazard_ratio(first):
    other = "control" if first == "experimental" else "experimental"
    ipd = pd.DataFrame(
        {"time": [1, 2, 3, 4, 5, 6], "event": 1, "arm": [first] * 3 + [other] * 3}
    )
    for ties in ("efron", "breslow", "exact"):
        with pytest.raises(ValueError, match="every event was in the same arm"):
            survival.cox(ipd, ties=ties)


def test_a_large_but_finite_hazard_ratio_is_found():
    # One late control event among many early experimental ones: finite, near the boundary.
    ipd = pd.DataFrame(
        {
            "time": [*range(1, 31), 1.5, *range(40, 69)],
            "event": [1] * 31 + [0] * 29,
            "arm": ["experimental"] * 30 + ["control"] * 30,
        }
    )
    fit = survival.cox(ipd)
    assert 2 < fit.log_hr < 10
    assert np.isfinite(fit.se)


def test_logrank_without_events_has_nothing_to_test():
    for test in (survival.logrank, survival.weighted_logrank, survival.peto_peto):
        with pytest.raises(ValueError, match="nothing to test"):
            test(GOOD.assign(event=0))


@pytest.mark.parametrize("power", [-1, np.nan, np.inf])
def test_powers_of_the_weights_must_be_finite_and_not_negative(power):
    with pytest.raises(ValueError, match="rho: .* is not a finite power"):
        survival.weighted_logrank(GOOD, rho=power)
    with pytest.raises(ValueError, match="gamma: .* is not a finite power"):
        survival.weighted_logrank(GOOD, gamma=power)


@pytest.mark.parametrize("probability", [0, 1, 25, np.nan])
def test_a_quantile_has_a_probability(probability):
    with pytest.raises(ValueError, match="is not between 0 and 1"):
        survival.quantile(GOOD, probability)


@pytest.mark.parametrize("level", [95, 0, 1, -0.5])
def test_a_level_is_a_proportion(level):
    for call in (
        lambda: survival.km(GOOD, level=level),
        lambda: survival.median(GOOD, level=level),
        lambda: survival.cox(GOOD, level=level),
        lambda: survival.rmst(GOOD, 8, level=level),
        lambda: survival.quantile(GOOD, 0.5, level=level),
        lambda: survival.followup(GOOD, level=level),
        lambda: survival.cumulative_hazard(GOOD, 6, level=level),
        lambda: survival.landmark(GOOD, 6, level=level),
        lambda: survival.piecewise(GOOD, 5, level=level),
        lambda: survival.time_varying(GOOD, level=level),
        lambda: survival.accelerated(GOOD, level=level),
    ):
        with pytest.raises(ValueError, match=r"write 0\.95 for 95 %"):
            call()


def test_unknown_choices_are_named():
    with pytest.raises(ValueError, match="'logit' is not one of log-log"):
        survival.km(GOOD, transform="logit")
    with pytest.raises(ValueError, match="'exakt' is not one of 'efron'"):
        survival.cox(GOOD, ties="exakt")
    with pytest.raises(ValueError, match="'sqrt' is not one of km"):
        survival.ph_test(GOOD, "sqrt")
    with pytest.raises(ValueError, match="'sqrt' is not one of km"):
        survival.ph_correlation_test(GOOD, "sqrt")
    with pytest.raises(ValueError, match="no column 'trial'"):
        survival.cox(GOOD, strata="trial")
    with pytest.raises(ValueError, match="'site': missing value"):
        survival.logrank(GOOD.assign(site=None), strata="site")


@pytest.mark.parametrize("tau", [0, -3, np.nan])
def test_tau_must_be_positive(tau):
    with pytest.raises(ValueError, match="not a positive time"):
        survival.rmst(GOOD, tau)


def test_tau_must_be_within_follow_up():
    with pytest.raises(ValueError, match=r"after the last time of the control arm \(8\)"):
        survival.rmst(GOOD, 10)


def test_tau_may_be_beyond_a_curve_that_has_reached_zero():
    died = GOOD.assign(event=1)
    assert survival.rmst(died, 20).control.rmst == pytest.approx(5.0)


@pytest.mark.parametrize("times", [-1, [3, np.nan]])
def test_landmark_times_must_be_finite_and_not_negative(times):
    for function in (survival.survival_at, survival.cumulative_hazard):
        with pytest.raises(ValueError, match="every time must be finite"):
            function(GOOD, times)


def test_survival_is_unknown_after_the_last_patient():
    rows = survival.survival_at(GOOD, [8, 10]).set_index(["arm", "time"])
    assert np.isnan(rows.loc[("control", 10), "surv"])
    assert rows.loc[("control", 10), "n_risk"] == 0
    assert rows.loc[("experimental", 10), "surv"] == 0.5


def test_ph_test_needs_events_at_two_times():
    ipd = pd.DataFrame({"time": [3, 3, 3, 5], "event": [1, 1, 0, 0]})
    ipd["arm"] = ["control", "experimental"] * 2
    for test in (survival.ph_test, survival.ph_correlation_test):
        with pytest.raises(ValueError, match="both arms at risk are at one time"):
            test(ipd)


@pytest.mark.parametrize("wrong", ["0.9", None, [0.9], True, pd.NA])
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("level", lambda value: survival.cox(GOOD, level=value)),
        ("level", lambda value: survival.km(GOOD, level=value)),
        ("level", lambda value: survival.rmst(GOOD, 8, level=value)),
        ("level", lambda value: survival.accelerated(GOOD, level=value)),
        ("tau", lambda value: survival.rmst(GOOD, value)),
        ("time", lambda value: survival.landmark(GOOD, value)),
        ("cut", lambda value: survival.piecewise(GOOD, value)),
        ("rho", lambda value: survival.weighted_logrank(GOOD, rho=value)),
        ("gamma", lambda value: survival.weighted_logrank(GOOD, gamma=value)),
        ("probability", lambda value: survival.quantile(GOOD, value)),
    ],
)
def test_an_argument_that_is_not_one_number_is_refused_by_name(name, call, wrong):
    with pytest.raises(TypeError, match=f"{name}: .* is not a number; give a single one"):
        call(wrong)


@pytest.mark.parametrize("wrong", ["6", None, [[1, 2], [3, 4]], ["1", 2], [1, [2, 3]]])
@pytest.mark.parametrize(
    "call",
    [
        lambda times: survival.survival_at(GOOD, times),
        lambda times: survival.cumulative_hazard(GOOD, times),
        lambda times: survival.time_varying(GOOD).hr_at(times),
    ],
)
def test_times_that_are_no_numbers_are_refused(call, wrong):
    with pytest.raises(TypeError, match="times: .* does not hold numbers; give one or a flat"):
        call(wrong)


def test_any_kind_of_number_is_an_argument():
    one = survival.rmst(GOOD, 8, level=0.9)
    for kind in (int, np.int64, np.float32, np.array):
        assert survival.rmst(GOOD, kind(8), level=np.float64(0.9)) == one
