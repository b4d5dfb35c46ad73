"""Profile-likelihood intervals, the error of tau2, diversity, likelihood and shrinkage."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import optimize, stats
from test_pooling_properties import studies

from oligomdt import pooling

FEW = settings(deadline=None, max_examples=15)
SETS = pytest.mark.parametrize(
    ("y", "s"),
    [
        ([-0.99, -1.05, -0.76], [0.45, 0.39, 0.42]),
        ([-1.05, 0.10], [0.25, 0.28]),
        ([-0.2, -0.9, 0.3, -0.5, -1.4], [0.2, 0.3, 0.25, 0.15, 0.4]),
    ],
    ids=["three", "two apart", "five"],
)
Y, S = np.array([-0.2, -0.9, 0.3, -0.5, -1.4]), np.array([0.2, 0.3, 0.25, 0.15, 0.4])
HALF = stats.chi2.ppf(0.95, 1) / 2


def log_likelihood(mu, log_tau, y, s):
    return stats.norm.logpdf(y, mu, np.hypot(s, np.exp(log_tau))).sum()


def highest(y, s, mu=None):
    """The maximum over tau (and mu) by a general optimiser from several starts."""

    def minus(x):
        return -log_likelihood(x[-1] if mu is None else mu, x[0], y, s)

    ends = [(np.log(1e-6), np.log(10)), (-5, 5)][: 2 if mu is None else 1]
    starts = [[a, np.mean(y)][: len(ends)] for a in (-5.0, -2.0, -1.0, 0.0, 1.0)]
    fits = [optimize.minimize(minus, start, bounds=ends, tol=1e-14) for start in starts]
    return max(-fit.fun for fit in fits)


@SETS
def test_limits_of_the_mean_lie_half_a_quantile_below_the_maximum(y, s):
    effect = pooling.profile_mu(y, s)
    top = highest(y, s)
    for limit in (effect.ci_low, effect.ci_high):
        assert top - highest(y, s, limit) == pytest.approx(HALF, abs=1e-5)
    assert effect.ci_low < effect.mu < effect.ci_high
    assert effect.tau2 == pytest.approx(pooling.tau2(y, s, "ML"), abs=1e-12)


@SETS
def test_limits_of_tau2_by_the_density_of_contrasts(y, s):
    contrasts = np.eye(len(y))[1:] - np.eye(len(y))[0]

    def density(tau2):
        covariance = contrasts @ np.diag(np.square(s) + tau2) @ contrasts.T
        return stats.multivariate_normal.logpdf(contrasts @ y, cov=covariance)

    interval = pooling.profile_tau2(y, s)
    top = density(pooling.tau2(y, s))
    assert top - density(interval.high) == pytest.approx(HALF, abs=1e-9)
    below = top - density(interval.low)
    assert below == pytest.approx(HALF, abs=1e-9) if interval.low > 0 else below <= HALF


@pytest.mark.parametrize(
    ("y", "s"), [([1.1, -0.5, -1.2], [0.02, 1.0, 1.0]), ([-1.6, 1.0, 0.1], [1.0, 0.02, 1.0])]
)
def test_the_interval_of_the_mean_holds_every_hump(y, s):
    # One study is very precise: the mean is near it, or tau is large.
    effect = pooling.profile_mu(y, s)
    grid = np.linspace(-6, 6, 6001)
    tau = np.append(0, np.geomspace(1e-5, 20, 300))
    height = np.full(grid.size, -np.inf)
    for one in tau:
        v = np.square(s) + one**2
        density = -0.5 * (np.log(v) + (y - grid[:, None]) ** 2 / v).sum(axis=-1)
        height = np.maximum(height, density)
    inside = height >= height.max() - HALF
    assert (np.diff(inside.astype(int)) == 1).sum() == 2
    limits = (grid[inside][0], grid[inside][-1])
    assert (effect.ci_low, effect.ci_high) == pytest.approx(limits, abs=0.005)


@FEW
@given(studies)
def test_swapping_the_arms_mirrors_the_profile(data):
    y, s = data
    one, other = pooling.profile_mu(y, s), pooling.profile_mu(-y, s)
    limits = (one.mu, one.ci_low, one.ci_high)
    assert (-other.mu, -other.ci_high, -other.ci_low) == pytest.approx(limits, abs=1e-7)
    for method in ("ML", "REML"):
        same = tuple(pooling.profile_tau2(-y, s, method))
        assert same == pytest.approx(tuple(pooling.profile_tau2(y, s, method)), rel=1e-7)


@FEW
@given(studies)
def test_a_higher_level_is_a_wider_profile(data):
    y, s = data
    narrow, wide = (pooling.profile_mu(y, s, level) for level in (0.8, 0.95))
    assert wide.ci_low < narrow.ci_low < narrow.mu < narrow.ci_high < wide.ci_high
    narrow, wide = (pooling.profile_tau2(y, s, "ML", level) for level in (0.8, 0.95))
    assert 0 <= wide.low <= narrow.low <= pooling.tau2(y, s, "ML") < narrow.high < wide.high


@FEW
@given(studies)
def test_another_unit_scales_the_profile(data):
    y, s = data
    one, other = pooling.profile_mu(y, s), pooling.profile_mu(30 * y, 30 * s)
    wanted = (30 * one.ci_low, 30 * one.ci_high)
    assert (other.ci_low, other.ci_high) == pytest.approx(wanted, abs=1e-6)
    low, high = pooling.profile_tau2(30 * y, 30 * s)
    assert (low, high) == pytest.approx([900 * x for x in pooling.profile_tau2(y, s)], rel=1e-6)


def test_identical_estimates_have_a_profile():
    effect = pooling.profile_mu([-0.4] * 4, [0.2] * 4)
    assert (effect.ci_low + effect.ci_high) / 2 == pytest.approx(-0.4, abs=1e-12)
    assert effect.tau2 == 0
    low, high = pooling.profile_tau2([-0.4] * 4, [0.2] * 4)
    # REML of equal estimates is -3/2 log(v + t): it falls by half a quantile where
    # v + t = v exp(chi2 / 3).
    assert (low, high) == pytest.approx((0, 0.04 * (np.exp(2 * HALF / 3) - 1)), rel=1e-9)


# Standard error of tau2, diversity, likelihood ------------------------------------------------


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_error_of_tau2_is_the_expected_curvature(method):
    # The mean of the second derivative over simulated estimates, by finite differences.
    effect = pooling.pool(Y, S, tau2=method)
    v = S**2 + effect.tau2
    rng = np.random.default_rng(3)
    draws = effect.mu + rng.normal(size=(40_000, 5)) * np.sqrt(v)

    def height(tau2):
        w = 1 / (S**2 + tau2)
        mean = (draws * w).sum(axis=1) / w.sum()
        value = 0.5 * (np.log(w).sum() - (w * (draws - mean[:, None]) ** 2).sum(axis=1))
        if method == "ML":
            return 0.5 * (np.log(w).sum() - (w * (draws - effect.mu) ** 2).sum(axis=1))
        return value - 0.5 * np.log(w.sum())

    h = 1e-3
    bend = (height(effect.tau2 + h) - 2 * height(effect.tau2) + height(effect.tau2 - h)) / h**2
    assert effect.tau2_se == pytest.approx((-bend.mean()) ** -0.5, rel=0.03)


@pytest.mark.parametrize("method", ["DL", "HE", "HS", "SJ"])
def test_error_of_tau2_is_the_spread_of_the_untruncated_estimate(method):
    # With a large tau2 the estimate is hardly ever truncated.
    s = np.array([0.2, 0.3, 0.25, 0.15, 0.4, 0.2, 0.1, 0.3, 0.3, 0.2])
    rng = np.random.default_rng(1)
    y = rng.normal(size=(20_000, 10)) * np.sqrt(s**2 + 4)
    found = pooling.pool_draws(y, np.broadcast_to(s, y.shape), method).tau2
    one = pooling.heterogeneity.tau2_error(np.array([2.0, -2.0] * 5), s**2, 4.0, method)
    assert one == pytest.approx(found.std(), rel=0.05)


def test_diversity_is_the_share_of_the_variance_that_tau2_adds():
    random, common = pooling.pool(Y, S), pooling.pool(Y, S, "CE")
    assert random.d2 == pytest.approx(1 - (common.se / random.se) ** 2, abs=1e-12)
    assert (common.d2, np.isnan(common.tau2_se)) == (0, True)
    assert np.isnan([getattr(pooling.pool(-1, 0.2), n) for n in ("d2", "tau2_se")]).all()


def test_log_likelihood_is_that_of_the_densities():
    for method in ("CE", "DL", "ML"):
        effect = pooling.pool(Y, S, method)
        density = stats.norm.logpdf(Y, effect.mu, np.sqrt(S**2 + effect.tau2)).sum()
        assert effect.log_likelihood == pytest.approx(density, abs=1e-12)
    effect = pooling.pool(Y, S, "REML")
    # Orthonormal contrasts of the estimates.
    basis = np.linalg.svd(np.ones((1, 5)))[2][1:]
    covariance = basis @ np.diag(S**2 + effect.tau2) @ basis.T
    density = stats.multivariate_normal.logpdf(basis @ Y, cov=covariance)
    assert effect.log_likelihood == pytest.approx(density, abs=1e-12)


# Shrinkage ------------------------------------------------------------------------------------


def test_shrinkage_is_the_conditional_distribution_of_the_true_effects():
    # Joint density of the five true effects and their mean (flat prior), given the estimates.
    effect = pooling.pool(Y, S, labels=list("ABCDE"))
    frame = pooling.shrinkage(effect, Y, S)
    precision = np.diag(np.append(S**-2.0 + 1 / effect.tau2, 5 / effect.tau2))
    precision[5, :5] = precision[:5, 5] = -1 / effect.tau2
    covariance = np.linalg.inv(precision)
    assert frame["label"].tolist() == list("ABCDE")
    means = covariance @ np.append(Y / S**2, 0)
    assert frame["log_hr"].to_numpy() == pytest.approx(means[:5], abs=1e-12)
    assert frame["se"].to_numpy() == pytest.approx(np.sqrt(np.diag(covariance))[:5], abs=1e-12)


def test_shrinkage_without_spread_is_the_mean():
    effect = pooling.pool(Y, S, "CE")
    frame = pooling.shrinkage(effect, Y, S)
    assert frame["log_hr"].to_numpy() == pytest.approx([effect.mu] * 5)
    assert frame["se"].to_numpy() == pytest.approx([effect.se] * 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pooling.profile_mu(Y[:1], S[:1]), "one study has no profile of the mean"),
        (lambda: pooling.profile_tau2(Y[:1], S[:1]), "tau2 has no interval with one study"),
        (
            lambda: pooling.profile_tau2(Y, S, "DL"),
            "method is 'DL'; it must be one of ML, REML",
        ),
        (lambda: pooling.profile_mu(Y, S, level=95), "for 95 % write 0.95"),
        (lambda: pooling.profile_mu([], []), "log_hr is empty"),
        (lambda: pooling.profile_mu(Y, S, labels=["A"] * 5), "labels: 'A' is given twice"),
        (
            lambda: pooling.shrinkage(pooling.pool(-1, 0.2), [-1], [0.2]),
            "one study has no tau2",
        ),
        (
            lambda: pooling.shrinkage(pooling.pool(Y, S), Y[::-1], S[::-1]),
            "not the studies that `effect` was pooled from",
        ),
        (  # with equal standard errors a permutation has the same mean and weights
            lambda: pooling.shrinkage(pooling.pool(Y, [0.2] * 5), Y[::-1], [0.2] * 5),
            "not the studies that `effect` was pooled from, in its order",
        ),
        (lambda: pooling.shrinkage(pooling.pool(Y, S), Y[:4], S[:4]), "not the studies"),
        (lambda: pooling.shrinkage(pooling.pool(Y, S), Y + 0.1, S), "not the studies"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
