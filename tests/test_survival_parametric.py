"""Parametric fits by closed forms and by another route.

That they agree with R is tested in test_meta_reference.py.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize
from test_survival import FEW, SETS, frame, ipd_frames
from test_survival_contrasts import fitted

from oligomdt import survival

DISTRIBUTIONS = ["exponential", "weibull", "lognormal", "loglogistic"]
# The distribution of the time itself, in scipy's own parameters.
SCIPY = {
    "exponential": lambda mu, sigma: stats.expon(scale=np.exp(mu)),
    "weibull": lambda mu, sigma: stats.weibull_min(1 / sigma, scale=np.exp(mu)),
    "lognormal": lambda mu, sigma: stats.lognorm(sigma, scale=np.exp(mu)),
    "loglogistic": lambda mu, sigma: stats.fisk(1 / sigma, scale=np.exp(mu)),
}


def log_likelihood(parameters, ipd, distribution):
    intercept, arm, log_scale = parameters
    of_time = SCIPY[distribution](
        intercept + arm * (ipd["arm"] == "experimental").to_numpy(), np.exp(log_scale)
    )
    time, died = ipd["time"].to_numpy(), ipd["event"].to_numpy() == 1
    return np.where(died, of_time.logpdf(time), of_time.logsf(time)).sum()


@pytest.mark.parametrize("name", ["aml", "veteran", "syn_ties"])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_fit_maximises_the_density_itself(name, distribution):
    ipd = frame(name)
    fit = survival.accelerated(ipd, distribution)
    at = np.array([fit.intercept, fit.log_time_ratio, np.log(fit.scale)])
    assert log_likelihood(at, ipd, distribution) == pytest.approx(fit.log_likelihood, abs=1e-8)
    best = minimize(
        lambda x: -log_likelihood(x, ipd, distribution), [3, 0, 0], method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000},
    )  # fmt: skip
    assert -best.fun <= fit.log_likelihood + 1e-8
    free = slice(None, 2) if distribution == "exponential" else slice(None)
    assert at[free] == pytest.approx(best.x[free], abs=1e-5)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_covariance_is_the_inverse_curvature_of_the_density(distribution):
    ipd = frame("aml")
    fit = survival.accelerated(ipd, distribution)
    at = np.array([fit.intercept, fit.log_time_ratio, np.log(fit.scale)])
    size, step = len(fit.covariance), 1e-3
    information = np.zeros((size, size))
    unit = step * np.eye(3)
    for i in range(size):
        for j in range(size):
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                point = at + a * unit[i] + b * unit[j]
                value = log_likelihood(point, ipd, distribution)
                information[i, j] -= a * b * value / (4 * step**2)
    assert np.linalg.inv(information) == pytest.approx(fit.covariance, rel=1e-4, abs=1e-6)
    assert fit.se == fit.covariance[1, 1] ** 0.5
    assert size == (2 if distribution == "exponential" else 3)


@pytest.mark.parametrize("name", SETS)
def test_exponential_fit_is_events_by_time(name):
    ipd = frame(name)
    fit = survival.accelerated(ipd, "exponential", level=0.9)
    total = ipd.groupby("arm")[["event", "time"]].sum()
    rate = total["event"] / total["time"]
    assert fit.log_hr == pytest.approx(np.log(rate["experimental"] / rate["control"]))
    assert fit.se**2 == pytest.approx((1 / total["event"]).sum())
    assert fit.log_hr_se == pytest.approx(fit.se)
    assert fit.time_ratio == pytest.approx(rate["control"] / rate["experimental"])
    # 1.644854: the normal quantile of 95 %, from tables.
    assert fit.ci_high - fit.log_time_ratio == pytest.approx(1.644854 * fit.se, rel=1e-6)
    assert fit.aic == pytest.approx(4 - 2 * fit.log_likelihood)


def test_lognormal_fit_of_uncensored_times_is_their_means():
    rng = np.random.default_rng(2)
    ipd = pd.DataFrame({"time": rng.lognormal(2, 0.7, 50), "event": 1})
    ipd["arm"] = np.where(np.arange(50) < 20, "control", "experimental")
    logs = np.log(ipd["time"]).groupby(ipd["arm"])
    fit = survival.accelerated(ipd, "lognormal")
    mean = logs.mean()
    assert fit.intercept == pytest.approx(mean["control"])
    assert fit.log_time_ratio == pytest.approx(mean["experimental"] - mean["control"])
    within = np.mean((np.log(ipd["time"]) - logs.transform("mean")) ** 2)
    assert fit.scale == pytest.approx(within**0.5)
    assert fit.se == pytest.approx((within * (1 / 20 + 1 / 30)) ** 0.5)
    assert np.isnan([fit.log_hr, fit.log_hr_se]).all()


@pytest.mark.parametrize("name", SETS)
def test_weibull_hazard_ratio_is_the_time_ratio_on_the_hazard_scale(name):
    fit = survival.accelerated(frame(name), "weibull")
    assert fit.log_hr == pytest.approx(-fit.log_time_ratio / fit.scale)
    slope = np.array([0, -1 / fit.scale, fit.log_time_ratio / fit.scale])
    assert fit.log_hr_se**2 == pytest.approx(slope @ fit.covariance @ slope)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_simulated_time_ratio_is_found(distribution):
    rng = np.random.default_rng(11)
    arm = np.arange(4000) % 2
    time = SCIPY[distribution](2 + 0.5 * arm, 0.8).rvs(random_state=rng)
    end = rng.uniform(2, 60, 4000)
    ipd = pd.DataFrame({"time": np.minimum(time, end), "event": (time <= end).astype(int)})
    ipd["arm"] = np.where(arm == 1, "experimental", "control")
    fit = survival.accelerated(ipd, distribution)
    assert abs(fit.log_time_ratio - 0.5) < 4 * fit.se < 0.25
    assert fit.scale == pytest.approx(1 if distribution == "exponential" else 0.8, abs=0.05)
    others = [survival.accelerated(ipd, other).aic for other in DISTRIBUTIONS]
    # The exponential is also a Weibull; else the true distribution fits best.
    assert fit.aic <= min(others) + 2


@FEW
@given(ipd_frames(), st.sampled_from(DISTRIBUTIONS), st.sampled_from([0.25, 30.4375]))
def test_the_unit_of_time_moves_the_intercept_only(ipd, distribution, factor):
    fit = fitted(survival.accelerated, ipd, distribution)
    scaled = survival.accelerated(ipd.assign(time=ipd["time"] * factor), distribution)
    assert scaled.intercept == pytest.approx(fit.intercept + np.log(factor), abs=1e-7)
    assert scaled.log_time_ratio == pytest.approx(fit.log_time_ratio, abs=1e-7)
    assert scaled.scale == pytest.approx(fit.scale, rel=1e-7)
    assert scaled.log_likelihood == pytest.approx(
        fit.log_likelihood - np.log(factor) * ipd["event"].sum(), abs=1e-6
    )


@FEW
@given(
    ipd_frames(),
    st.sampled_from(["weibull", "lognormal", "loglogistic"]),
    st.sampled_from([1e-6, 0.5, 50.0]),
)
def test_a_power_of_time_multiplies_every_coefficient(ipd, distribution, power):
    fit = fitted(survival.accelerated, ipd, distribution)
    raised = survival.accelerated(ipd.assign(time=ipd["time"] ** power), distribution)
    for name in ("intercept", "log_time_ratio", "se", "scale"):
        assert getattr(raised, name) / power == pytest.approx(
            getattr(fit, name), rel=1e-6, abs=1e-6
        )


@FEW
@given(ipd_frames(), st.sampled_from(DISTRIBUTIONS))
def test_every_fit_is_finite_or_refused_for_a_named_reason(ipd, distribution):
    try:
        fit = survival.accelerated(ipd, distribution)
    except ValueError as error:
        assert "no event in the" in str(error) or "all at one time, its last" in str(error)
    else:
        assert np.isfinite([fit.intercept, fit.log_time_ratio, fit.scale, fit.aic]).all()
        assert np.linalg.eigvalsh(fit.covariance).min() > 0


def test_what_has_no_finite_fit_is_refused():
    ipd = pd.DataFrame({"time": [3.0, 3, 2, 5, 5, 4], "event": [1, 1, 0, 1, 1, 0]})
    ipd["arm"] = ["control"] * 3 + ["experimental"] * 3
    with pytest.raises(ValueError, match="scale of the weibull distribution shrinks to 0"):
        survival.accelerated(ipd)
    assert np.isfinite(survival.accelerated(ipd, "exponential").se)
    for arm in ("control", "experimental"):
        silent = ipd.assign(event=ipd["event"].where(ipd["arm"] != arm, 0))
        with pytest.raises(ValueError, match=f"no event in the {arm} arm: its time scale"):
            survival.accelerated(silent, "exponential")
    with pytest.raises(ValueError, match="times must be above 0"):
        survival.accelerated(ipd.assign(time=ipd["time"] - 2))
    with pytest.raises(ValueError, match="'gompertz' is not one of 'exponential'"):
        survival.accelerated(ipd, "gompertz")
