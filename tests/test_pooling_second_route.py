"""The headline numbers again by another route: scipy on the textbook definitions alone.

Nothing of the package's own algebra is used: likelihoods are products of normal densities
maximised or integrated numerically. Tolerances are what the numerical route can resolve.
"""

import math

import numpy as np
import pytest
import reference
from scipy import integrate, optimize, stats

from oligomdt import pooling

TRIALS = {
    "three": ([-0.99, -1.05, -0.76], [0.45, 0.39, 0.42]),
    "two apart": ([-1.05, 0.10], [0.25, 0.28]),
    "five": ([-0.2, -0.9, 0.3, -0.5, -1.4], [0.2, 0.3, 0.25, 0.15, 0.4]),
}
CASES = pytest.mark.parametrize(("y", "s"), TRIALS.values(), ids=TRIALS)
POSTERIOR_CASES = pytest.mark.parametrize(
    ("y", "s"), [TRIALS["three"], TRIALS["two apart"]], ids=["three", "two apart"]
)


def normal_density(y, s, mu, tau):
    density = 1.0
    for value, error in zip(y, s, strict=True):
        v = error**2 + tau**2
        density *= math.exp(-0.5 * (value - mu) ** 2 / v) / math.sqrt(2 * math.pi * v)
    return density


def normal_probability(x, mean, sd):
    return 0.5 * math.erfc((mean - x) / (sd * math.sqrt(2)))


@CASES
def test_common_effect_is_the_least_squares_line(y, s):
    scaled = np.linalg.lstsq((1 / np.array(s))[:, None], np.array(y) / s, rcond=None)
    effect = pooling.pool(y, s, tau2="CE")
    assert effect.mu == pytest.approx(scaled[0][0], abs=1e-12)
    assert effect.q == pytest.approx(scaled[1][0], abs=1e-12)
    interval = stats.norm.interval(0.95, effect.mu, np.sum(np.array(s) ** -2.0) ** -0.5)
    assert (effect.ci_low, effect.ci_high) == pytest.approx(interval, abs=1e-12)
    assert effect.q_p == pytest.approx(stats.chi2.sf(scaled[1][0], len(y) - 1), abs=1e-12)


@CASES
def test_dersimonian_laird_makes_q_equal_its_expectation(y, s):
    v = np.square(s)
    hat = np.eye(len(y)) - np.outer(np.ones(len(y)), 1 / v) / np.sum(1 / v)
    form = hat.T @ np.diag(1 / v) @ hat
    moment = (np.array(y) @ form @ y - np.trace(form @ np.diag(v))) / np.trace(form)
    assert pooling.tau2(y, s, "DL") == pytest.approx(max(0, moment), abs=1e-12)


@CASES
@pytest.mark.parametrize("method", ["ML", "REML"])
def test_likelihood_estimates_maximise_the_density_itself(y, s, method):
    def minus_log(tau2):
        v = np.square(s) + tau2
        if method == "ML":
            mu = np.average(y, weights=1 / v)
            return -stats.norm.logpdf(y, mu, np.sqrt(v)).sum()
        # REML: the density of contrasts of the estimates, which do not contain mu.
        contrasts = np.eye(len(y))[1:] - np.eye(len(y))[0]
        covariance = contrasts @ np.diag(v) @ contrasts.T
        return -stats.multivariate_normal.logpdf(contrasts @ y, cov=covariance)

    found = optimize.minimize_scalar(
        minus_log, bounds=(0, 5), method="bounded", options={"xatol": 1e-12}
    )
    best = min((found.x, 0.0), key=minus_log)
    # A maximum is flat: its place can be found to the square root of the rounding error.
    assert pooling.tau2(y, s, method) == pytest.approx(best, abs=1e-6)


@CASES
def test_hartung_knapp_is_weighted_regression_with_estimated_scale(y, s):
    effect = pooling.pool(y, s, tau2="REML", ci="hksj")
    w = 1 / (np.square(s) + effect.tau2)
    z, x = np.sqrt(w) * y, np.sqrt(w)
    slope = (x @ z) / (x @ x)
    error = np.sqrt(np.sum((z - slope * x) ** 2) / (len(y) - 1) / (x @ x))
    interval = stats.t.interval(0.95, len(y) - 1, slope, error)
    assert (effect.ci_low, effect.ci_high) == pytest.approx(interval, abs=1e-10)
    p = 2 * stats.t.sf(abs(slope / error), len(y) - 1)
    assert effect.p == pytest.approx(p, abs=1e-12)


def joint(y, s, scale):
    half_normal = math.sqrt(2 / math.pi) / scale

    def density(mu, tau):
        return normal_density(y, s, mu, tau) * half_normal * math.exp(-0.5 * (tau / scale) ** 2)

    return density


def integral(function, width=8.0, top=3.0):
    value, _ = integrate.dblquad(function, 0, top, -width, width, epsabs=1e-11, epsrel=1e-8)
    return value


@POSTERIOR_CASES
def test_posterior_by_double_integration(y, s):
    density = joint(y, s, 0.5)
    whole = integral(density)
    posterior = pooling.bayes(y, s, tau_scale=0.5)
    assert posterior.log_marginal_likelihood == pytest.approx(np.log(whole), abs=1e-6)
    mean = integral(lambda mu, tau: mu * density(mu, tau)) / whole
    assert posterior.mu.mean == pytest.approx(mean, abs=1e-6)
    spread = integral(lambda mu, tau: tau * density(mu, tau)) / whole
    assert posterior.tau.mean == pytest.approx(spread, abs=1e-6)
    below, _ = integrate.dblquad(density, 0, 3, -8, np.log(0.8), epsabs=1e-11, epsrel=1e-8)
    assert posterior.mu.p_hr_below(0.8) == pytest.approx(below / whole, abs=1e-6)
    low, _ = integrate.dblquad(density, 0, 3, -8, posterior.mu.ci_low, epsabs=1e-11)
    assert low / whole == pytest.approx(0.025, abs=1e-6)
    new = integral(
        lambda mu, tau: normal_probability(0, mu, max(tau, 1e-12)) * density(mu, tau)
    )
    assert posterior.theta_new.p_hr_below(1) == pytest.approx(new / whole, abs=1e-6)


def test_shared_tau_difference_by_double_integration():
    # Group b is one study, whose mean has a flat prior: given tau, mean_b ~ N(y_b, s_b**2 +
    # tau**2), and the likelihood of tau is that of group a alone.
    y, s = [-0.99, -1.05, -0.21], [0.45, 0.39, 0.30]
    posterior = pooling.bayes_interaction(y, s, ["a", "a", "b"], tau_scale=0.5)
    density = joint(y[:2], s[:2], 0.5)
    whole = integral(density)

    def expectation(function):
        return integral(lambda mu, tau: function(mu, tau) * density(mu, tau)) / whole

    difference = posterior.differences["b"]
    mean = expectation(lambda mu, tau: y[2] - mu)
    below = expectation(lambda mu, tau: normal_probability(mu, y[2], math.hypot(s[2], tau)))
    assert difference.mean == pytest.approx(mean, abs=1e-6)
    assert difference.p_hr_below(1) == pytest.approx(below, abs=1e-6)
    assert posterior.tau.mean == pytest.approx(expectation(lambda mu, tau: tau), abs=1e-6)


def test_interaction_of_single_studies_is_the_z_test_of_two_estimates():
    y, s = np.array([-0.99, -0.21]), np.array([0.40, 0.30])
    result = pooling.interaction(y, s, ["NSCLC", "breast"], tau2="CE")
    z = (y[1] - y[0]) / np.hypot(*s)
    assert result.contrasts[0].ratio == pytest.approx(np.exp(y[1] - y[0]), rel=1e-12)
    assert result.contrasts[0].p == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-12)
    assert result.statistic == pytest.approx(z**2, rel=1e-12)


def test_f_test_of_two_groups_is_weighted_regression_on_an_indicator():
    y = np.array([-0.2, -0.9, 0.3, -0.5, -1.4])
    s = np.array([0.2, 0.3, 0.25, 0.15, 0.4])
    group = ["a", "b", "a", "b", "b"]
    result = pooling.interaction(y, s, group, tau2="REML", test="hksj")
    root = (s**2 + result.groups[0].tau2) ** -0.5
    x = root[:, None] * np.column_stack([np.ones(5), [g == "b" for g in group]])
    slope, rss, *_ = np.linalg.lstsq(x, root * y, rcond=None)
    error = np.sqrt(rss[0] / 3 * np.linalg.inv(x.T @ x)[1, 1])
    p = 2 * stats.t.sf(abs(slope[1] / error), 3)
    assert result.contrasts[0].log_ratio == pytest.approx(slope[1], abs=1e-12)
    assert result.contrasts[0].se == pytest.approx(error, abs=1e-12)
    assert result.p == pytest.approx(p, abs=1e-12)
    assert result.scale == pytest.approx(rss[0] / 3, abs=1e-12)


def test_rubin_against_the_worked_formula():
    # M = 4 draws: W = 0.05, B = 0.02 / 3, T = W + 5 / 4 B.
    combined = pooling.rubin(
        [0.1, 0.2, 0.1, 0.2], [0.2, 0.2, 0.2449489742783178, 0.2449489742783178]
    )
    b = 0.01 / 3
    assert combined.within == pytest.approx(0.05, abs=1e-12)
    assert combined.between == pytest.approx(b, abs=1e-12)
    assert combined.total == pytest.approx(0.05 + 1.25 * b, abs=1e-12)
    assert combined.share == pytest.approx(1.25 * b / (0.05 + 1.25 * b), abs=1e-12)
    assert combined.df == pytest.approx(3 * (1 + 0.05 / (1.25 * b)) ** 2, rel=1e-12)


def test_limits_at_mixed_levels_give_the_estimates_of_the_set():
    data = reference.load("datasets", "syn_k3_mixed_levels")["input"]
    for i, (hr, low, high, level) in enumerate(
        zip(data["hr"], data["ci_lb"], data["ci_ub"], data["ci_level"], strict=True)
    ):
        estimate = pooling.from_ci(hr, low, high, level)
        assert estimate.log_hr == pytest.approx(data["yi"][i], abs=1e-10)
        assert estimate.se == pytest.approx(data["sei"][i], abs=1e-10)
