"""Contrasts beyond one hazard ratio: properties, other routes, and what they refuse.

That they agree with R is tested in test_meta_reference.py.
"""

import importlib
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import minimize
from test_survival import CLOSE, DATA, FEW, SETS, doubled, frame, ipd_frames, swapped

from oligomdt import survival

TRIALS = DATA.parent / "ipd"


def five_trials():
    rows = pd.read_csv(TRIALS / "ipd_five_trials.csv").rename(columns={"status": "event"})
    return rows.assign(arm=np.where(rows["arm"] == 1, "experimental", "control"))


def fitted(function, *arguments, **options):
    """Result of a function, or a discarded example where no finite one exists."""
    try:
        return function(*arguments, **options)
    except ValueError:
        assume(False)


# One value of each estimator that turns its sign with the arms, and does not depend on the
# order of the patients.
CONTRASTS = {
    "exact": lambda ipd: survival.cox(ipd, ties="exact").log_hr,
    "weighted": lambda ipd: survival.weighted_logrank(ipd, 1, 0.5).z,
    "peto_peto": lambda ipd: survival.peto_peto(ipd).z,
    "landmark": lambda ipd: survival.landmark(ipd, 3).difference,
    "cumulative hazards": lambda ipd: survival.landmark(ipd, 3).log_cumhaz_ratio,
    "early": lambda ipd: survival.piecewise(ipd, 6).early.log_hr,
    "late": lambda ipd: survival.piecewise(ipd, 6).late.log_hr,
    "change": lambda ipd: survival.piecewise(ipd, 6).change,
    "time-varying level": lambda ipd: survival.time_varying(ipd).coefficients[0],
    "time-varying slope": lambda ipd: survival.time_varying(ipd).coefficients[1],
    "exponential": lambda ipd: survival.accelerated(ipd, "exponential").log_time_ratio,
    "weibull": lambda ipd: survival.accelerated(ipd, "weibull").log_time_ratio,
    "lognormal": lambda ipd: survival.accelerated(ipd, "lognormal").log_time_ratio,
    "loglogistic": lambda ipd: survival.accelerated(ipd, "loglogistic").log_time_ratio,
}


@pytest.mark.parametrize("name", CONTRASTS)
@FEW
@given(ipd=ipd_frames(), seed=st.integers(0, 99))
def test_swapped_arms_turn_the_sign_and_order_means_nothing(name, ipd, seed):
    value = fitted(CONTRASTS[name], ipd)
    assume(np.isfinite(value))
    scale = 1 + abs(value)
    assert CONTRASTS[name](swapped(ipd)) == pytest.approx(-value, abs=1e-7 * scale)
    shuffled = ipd.sample(frac=1, random_state=seed)
    assert CONTRASTS[name](shuffled) == pytest.approx(value, abs=1e-7 * scale)


@FEW
@given(ipd_frames(), st.sampled_from([0.25, 2.0, 30.4375]))
def test_the_unit_of_time_changes_no_ratio(ipd, factor):
    scaled = ipd.assign(time=ipd["time"] * factor)
    fit = fitted(survival.time_varying, ipd)
    times = np.linspace(fit.first, fit.last, 5)
    ours, theirs = fit.hr_at(times), survival.time_varying(scaled).hr_at(times * factor)
    assert theirs["log_hr"].tolist() == pytest.approx(ours["log_hr"].tolist(), abs=1e-6)
    assert theirs["se"].tolist() == pytest.approx(ours["se"].tolist(), rel=1e-6)
    pieces, again = (
        fitted(survival.piecewise, ipd, 6),
        survival.piecewise(scaled, 6 * factor),
    )
    assert again.change == pytest.approx(pieces.change, abs=1e-9)
    assert survival.weighted_logrank(scaled, 0, 1).z == pytest.approx(
        survival.weighted_logrank(ipd, 0, 1).z, abs=1e-9
    )


# Weighted log-rank --------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_without_weights_it_is_the_logrank_test(name):
    weighted, plain = survival.weighted_logrank(frame(name)), survival.logrank(frame(name))
    assert (weighted.u, weighted.v) == pytest.approx((plain.o_minus_e, plain.variance), **CLOSE)
    assert weighted.p == pytest.approx(plain.p, **CLOSE)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("rho", "gamma"), [(1, 0), (0, 1), (0.5, 2)])
def test_weighted_logrank_is_that_of_lifelines(name, rho, gamma):
    from lifelines.statistics import logrank_test

    ipd = frame(name)
    arms = [ipd[ipd["arm"] == arm] for arm in ("control", "experimental")]
    times, events = ([own[column] for own in arms] for column in ("time", "event"))
    theirs = logrank_test(*times, *events, weightings="fleming-harrington", p=rho, q=gamma)
    ours = survival.weighted_logrank(ipd, rho, gamma)
    assert ours.chi2 == pytest.approx(theirs.test_statistic, rel=1e-6)


def test_weighted_logrank_by_hand():
    # Events: control at 1, experimental at 2, control at 3; both arms together stand at 1,
    # 3/4 and 1/2 just before them. At 3 nobody else is at risk.
    ipd = pd.DataFrame({"time": [1, 3, 2, 4], "event": [1, 1, 1, 0]})
    ipd["arm"] = ["control"] * 2 + ["experimental"] * 2
    test = survival.weighted_logrank(ipd, rho=1)
    assert test.u == pytest.approx(1 * (0 - 2 / 4) + 3 / 4 * (1 - 2 / 3) + 1 / 2 * (0 - 1 / 2))
    assert test.v == pytest.approx(1 / 4 + 9 / 16 * 2 / 9 + 1 / 4 * 1 / 4)


@FEW
@given(ipd_frames())
def test_strata_add_their_differences_and_variances(ipd):
    one = fitted(survival.weighted_logrank, ipd, 1, 1)
    two = survival.weighted_logrank(doubled(ipd), 1, 1, strata="copy")
    assert (two.u, two.v) == pytest.approx((2 * one.u, 2 * one.v), rel=1e-9, abs=1e-12)


def test_early_weights_see_an_early_difference_better_and_late_ones_a_late_one():
    rng = np.random.default_rng(3)
    arm = np.repeat(["control", "experimental"], 400)
    hazard_early, late = np.where(arm == "control", 0.2, 0.05), rng.exponential(10, 800)
    first = rng.exponential(1 / hazard_early)
    early_gain = pd.DataFrame({"time": np.where(first < 4, first, 4 + late), "arm": arm})
    early_gain["event"] = 1
    same = rng.exponential(10, 800)
    rest = rng.exponential(np.where(arm == "control", 4, 16))
    late_gain = pd.DataFrame({"time": np.where(same < 4, same, 4 + rest), "arm": arm})
    late_gain["event"] = 1
    z = {
        (name, weights): survival.weighted_logrank(ipd, *weights).z
        for name, ipd in (("early", early_gain), ("late", late_gain))
        for weights in ((1, 0), (0, 1))
    }
    assert z["early", (1, 0)] < z["early", (0, 1)]
    assert z["late", (0, 1)] < z["late", (1, 0)]


# Landmarks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_landmark_is_the_difference_of_the_curves(name):
    ipd = frame(name)
    time = float(ipd["time"].median())
    at = survival.survival_at(ipd, time).set_index("arm")
    test = survival.landmark(ipd, time, level=0.9)
    for arm in ("control", "experimental"):
        assert getattr(test, arm) == at.loc[arm, "surv"]
        assert getattr(test, f"{arm}_se") == at.loc[arm, "se"]
    assert test.difference == at.loc["experimental", "surv"] - at.loc["control", "surv"]
    # 1.644854: the normal quantile of 95 %, from tables.
    assert test.difference_ci_high - test.difference == pytest.approx(
        1.644854 * test.difference_se, rel=1e-6
    )


def test_log_cumulative_hazard_ratio_is_that_of_the_published_survival():
    from oligomdt import pooling

    test = survival.landmark(frame("lung"), 365)
    arms = (test.experimental, test.experimental_se), (test.control, test.control_se)
    theirs = pooling.from_landmark(*arms[0], *arms[1])
    assert (test.log_cumhaz_ratio, test.log_cumhaz_ratio_se) == pytest.approx(
        (theirs.log_hr, theirs.se), **CLOSE
    )


def test_no_ratio_of_cumulative_hazards_where_one_curve_stands_at_one():
    ipd = pd.DataFrame({"time": [1, 5, 6, 4, 5, 6], "event": [1, 1, 0, 1, 0, 0]})
    ipd["arm"] = ["control"] * 3 + ["experimental"] * 3
    test = survival.landmark(ipd, 2)
    assert (test.control, test.experimental) == pytest.approx((2 / 3, 1.0))
    assert np.isnan([test.log_cumhaz_ratio, test.log_cumhaz_ratio_se]).all()
    assert test.difference == pytest.approx(1 / 3)


def test_a_landmark_after_follow_up_is_refused():
    ipd = pd.DataFrame({"time": [1, 5, 9, 12], "event": [1, 0, 1, 0]})
    ipd["arm"] = ["control"] * 2 + ["experimental"] * 2
    with pytest.raises(ValueError, match=r"time: 6 is after the last time of the control arm"):
        survival.landmark(ipd, 6)
    with pytest.raises(ValueError, match="time: 0 is not a positive time"):
        survival.landmark(ipd, 0)
    everyone_died = ipd.assign(event=1)
    assert survival.landmark(everyone_died, 6).control == 0


# Before and after a cut ---------------------------------------------------------------------


@FEW
@given(ipd_frames(), st.integers(2, 12))
def test_the_pieces_share_the_likelihood_of_the_whole(ipd, cut):
    whole, pieces = fitted(survival.cox, ipd), fitted(survival.piecewise, ipd, cut)
    early, late = pieces.early, pieces.late
    assert early.log_likelihood_null + late.log_likelihood_null == pytest.approx(
        whole.log_likelihood_null, abs=1e-9
    )
    assert early.log_likelihood + late.log_likelihood >= whole.log_likelihood - 1e-9
    assert early.events + late.events == whole.events
    # One hazard ratio lies between the two that it averages.
    low, high = sorted((early.log_hr, late.log_hr))
    assert low - 1e-9 <= whole.log_hr <= high + 1e-9


def test_an_event_at_the_cut_is_early():
    ipd = pd.DataFrame({"time": [2, 6, 8, 9, 3, 6, 7, 10], "event": [1, 1, 1, 1, 1, 1, 1, 0]})
    ipd["arm"] = ["control"] * 4 + ["experimental"] * 4
    pieces = survival.piecewise(ipd, 6)
    assert (pieces.early.events, pieces.late.events) == (4, 3)
    assert (pieces.early.n, pieces.late.n) == (8, 4)


def test_change_is_late_against_early_with_both_errors():
    pieces = survival.piecewise(frame("veteran"), 60)
    early, late = pieces.early, pieces.late
    assert pieces.change == pytest.approx(np.log(late.hr / early.hr))
    assert pieces.change_se**2 == pytest.approx(early.se**2 + late.se**2)
    # |z| of 1.5414 has p = 0.1232 in tables.
    assert pieces.change_p == pytest.approx(0.1232, abs=1e-4)


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (0, "cut: 0 is not a positive time"),
        (np.nan, "cut: nan is not a positive time"),
        (2.5, "up to the cut at 2.5: no event in the experimental arm"),
        (8, "after the cut at 8: ipd has no patient in the control arm"),
        (12, r"cut: 12 is not before the last time \(12\)"),
    ],
)
def test_a_cut_without_a_finite_hazard_ratio_on_both_sides_is_refused(cut, message):
    ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12], "event": [1, 1, 1, 0, 1, 1, 1, 0]})
    ipd["arm"] = ["control"] * 4 + ["experimental"] * 4
    with pytest.raises(ValueError, match=message):
        survival.piecewise(ipd, cut)


# A hazard ratio that changes with time --------------------------------------------------------


def log_partial_likelihood(coefficients, ipd, g):
    """Sum over the events, one by one, without ties."""
    time, one = ipd["time"].to_numpy(), (ipd["arm"] == "experimental").to_numpy()
    total = 0.0
    for t, x in zip(time[ipd["event"] == 1], one[ipd["event"] == 1], strict=True):
        log_hr = coefficients[0] + coefficients[1] * g(t)
        total += x * log_hr - np.log(np.exp(log_hr * one[time >= t]).sum())
    return total


def untied(seed=5, n=60):
    rng = np.random.default_rng(seed)
    time, end = rng.weibull(1.3, n) * 12, rng.uniform(6, 30, n)
    ipd = pd.DataFrame({"time": np.minimum(time, end), "event": (time <= end).astype(int)})
    return ipd.assign(arm=np.where(np.arange(n) % 2, "experimental", "control"))


@pytest.mark.parametrize(("transform", "g"), [("log", np.log), ("identity", float)])
def test_time_varying_fit_maximises_the_partial_likelihood(transform, g):
    ipd = untied()
    fit = survival.time_varying(ipd, transform)
    best = minimize(
        lambda b: -log_partial_likelihood(b, ipd, g), [0, 0], method="BFGS", tol=1e-10
    )
    assert fit.log_likelihood == pytest.approx(-best.fun, abs=1e-9)
    assert fit.coefficients == pytest.approx(best.x, abs=1e-4)
    # Curvature by second differences.
    step, information = 1e-3, np.zeros((2, 2))
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        for si, sj in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            at = fit.coefficients + step * (si * np.eye(2)[i] + sj * np.eye(2)[j])
            information[i, j] -= si * sj * log_partial_likelihood(at, ipd, g) / (4 * step**2)
    assert np.linalg.inv(information) == pytest.approx(fit.covariance, rel=2e-4)


def test_hazard_ratio_over_time_and_its_interval():
    fit = survival.time_varying(frame("veteran"))
    at = fit.hr_at([30, 300]).set_index("time")
    a, b = fit.coefficients
    for time in (30, 300):
        assert at.loc[time, "hr"] == pytest.approx(np.exp(a + b * np.log(time)))
        variance = (
            fit.covariance[0, 0]
            + 2 * np.log(time) * fit.covariance[0, 1]
            + np.log(time) ** 2 * fit.covariance[1, 1]
        )
        assert at.loc[time, "se"] == pytest.approx(variance**0.5)
        ratio = np.log(at.loc[time, "hr_high"] / at.loc[time, "hr_low"])
        assert ratio == pytest.approx(2 * 1.959964 * variance**0.5, rel=1e-6)


def test_no_hazard_ratio_is_claimed_where_there_are_no_events():
    ipd = untied()
    fit = survival.time_varying(ipd)
    events = ipd.loc[ipd["event"] == 1, "time"]
    assert fit.first == events.min()
    assert fit.last <= events.max()
    at = fit.hr_at([fit.first / 2, fit.first, fit.last, fit.last + 0.01])
    assert at["hr"].isna().tolist() == [True, False, False, True]
    assert at["hr_low"].isna().tolist() == [True, False, False, True]
    with pytest.raises(ValueError, match="every time must be finite and above 0"):
        fit.hr_at(0)


@FEW
@given(ipd_frames())
def test_two_strata_of_the_same_patients_double_the_information(ipd):
    one = fitted(survival.time_varying, ipd)
    two = survival.time_varying(doubled(ipd), strata="copy")
    scale = 1 + np.abs(one.coefficients).max()
    assert two.coefficients == pytest.approx(one.coefficients, abs=1e-6 * scale)
    assert two.covariance == pytest.approx(one.covariance / 2, rel=1e-5)


@FEW
@given(ipd_frames())
def test_time_varying_fit_is_refused_where_the_likelihood_keeps_rising(ipd):
    # Where it rises along a line, one more doubling far out still gains or loses nothing.
    lines = [(-1, 0), (1, 0)]
    lines += [(-b * t, b) for b in (-1, 1) for t in np.arange(0, 16, 0.5)]
    most = max(likelihood_gain(ipd, 40 * np.array(line)) for line in lines)
    try:
        fit = survival.time_varying(ipd, "identity")
    except ValueError as error:
        assert "one time parts" in str(error)
        assert most >= -1e-6
    else:
        assert most < -1
        assert np.isfinite(fit.covariance).all()
        assert np.linalg.eigvalsh(fit.covariance).min() > 0


def likelihood_gain(ipd, coefficients):
    """Breslow's log-likelihood at twice the coefficients less the one at the coefficients."""
    time, one = ipd["time"].to_numpy(float), (ipd["arm"] == "experimental").to_numpy()
    event = ipd["event"].to_numpy() == 1
    values = []
    for factor in (1, 2):
        total = 0.0
        for t in np.unique(time[event]):
            log_hr = factor * (coefficients[0] + coefficients[1] * t)
            here = event & (time == t)
            n1, n0 = (one & (time >= t)).sum(), (~one & (time >= t)).sum()
            d1, d = (one & here).sum(), here.sum()
            with np.errstate(divide="ignore"):
                total += d1 * log_hr - d * np.logaddexp(np.log(n1) + log_hr, np.log(n0))
        values.append(total)
    return values[1] - values[0]


@pytest.mark.parametrize(("transform", "g"), [("log", np.log), ("identity", float)])
def test_events_with_one_arm_at_risk_say_nothing_of_the_hazard_ratio(transform, g):
    ipd = untied()
    last = ipd.groupby("arm")["time"].max().min()
    alone = ipd["time"] > last
    ipd["event"] = ipd["event"].where(~alone, 1)
    assert alone.any()
    fit = survival.time_varying(ipd, transform)
    moved = ipd.assign(time=ipd["time"].where(~alone, ipd["time"] * 1e9))
    again = survival.time_varying(moved, transform)
    assert again.coefficients.tolist() == fit.coefficients.tolist()
    assert (again.last, again.log_likelihood) == (fit.last, fit.log_likelihood)
    assert fit.log_likelihood == pytest.approx(log_partial_likelihood(fit.coefficients, ipd, g))


def test_time_varying_arguments():
    ipd = untied()
    with pytest.raises(ValueError, match="'km' is not one of log, identity"):
        survival.time_varying(ipd, "km")
    with pytest.raises(ValueError, match="needs event times above 0"):
        survival.time_varying(ipd.assign(time=ipd["time"] - ipd["time"].min(), event=1))
    with pytest.raises(ValueError, match="one time parts the events"):
        survival.time_varying(ipd.assign(event=(ipd["arm"] == "control").astype(int)))


# Treatment by trial --------------------------------------------------------------------------


def test_interaction_is_that_of_r():
    want = json.loads((TRIALS / "ipd_five_trials.json").read_text())
    test = survival.interaction_test(five_trials())
    assert test.df == want["treatment_by_trial_lr_test"]["df"]
    assert test.chi2 == pytest.approx(want["treatment_by_trial_lr_test"]["chisq"], **CLOSE)
    assert test.p == pytest.approx(want["treatment_by_trial_lr_test"]["p"], **CLOSE)
    zph = survival.ph_test(five_trials(), strata="trial")
    assert zph.chi2 == pytest.approx(want["stratified_cox_zph_km"]["chisq"], **CLOSE)


@FEW
@given(ipd_frames())
def test_copies_of_one_trial_do_not_differ(ipd):
    fitted(survival.cox, ipd)
    test = survival.interaction_test(doubled(ipd), by="copy")
    assert (test.df, test.chi2) == (1, pytest.approx(0, abs=1e-9))
    assert test.p == pytest.approx(1, abs=1e-4)


def test_interaction_does_not_see_the_baseline_hazards_of_the_trials():
    ipd = five_trials()
    slower = ipd.assign(time=ipd["time"].where(ipd["trial"] != "trial2", ipd["time"] * 7))
    assert survival.interaction_test(slower).chi2 == pytest.approx(
        survival.interaction_test(ipd).chi2, abs=1e-9
    )


def test_interaction_names_the_trial_without_a_finite_hazard_ratio():
    ipd = five_trials()
    silent = (ipd["trial"] == "trial3") & (ipd["arm"] == "control")
    with pytest.raises(ValueError, match="trial 'trial3': no event in the control arm"):
        survival.interaction_test(ipd.assign(event=ipd["event"].where(~silent, 0)))
    with pytest.raises(ValueError, match="'trial' has one value only"):
        survival.interaction_test(ipd[ipd["trial"] == "trial1"])
    with pytest.raises(ValueError, match="no column 'study'"):
        survival.interaction_test(ipd, by="study")


def test_several_weights_at_once_are_those_one_by_one(monkeypatch):
    module = importlib.import_module("oligomdt.survival.weighted")
    ipd = doubled(frame(SETS[0]))
    powers = [(0, 0), (1, 0), (0, 1), (0.5, 2)]
    single = [survival.weighted_logrank(ipd, *pair, strata="copy") for pair in powers]
    made = []
    for name in ("patients", "event_table"):
        make = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *args, make=make: made.append(args) or make(*args)
        )
    assert survival.weighted_logranks(ipd, powers, "copy") == single
    assert len(made) == 2


@pytest.mark.parametrize(
    ("powers", "message"),
    [
        ([], "powers is empty"),
        ([(0, 0), (1,)], r"powers: \(1,\) is not a pair"),
        ([0, 1], "powers: 0 is not a pair"),
        ([(0, 0), (0, -1)], "gamma: -1 is not a finite power"),
    ],
)
def test_bad_weights_are_refused(powers, message):
    with pytest.raises(ValueError, match=message):
        survival.weighted_logranks(frame(SETS[0]), powers)
