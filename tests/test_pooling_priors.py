"""Named priors on tau: against scipy.stats, double integration and the moments that exist."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from oligomdt import pooling
from oligomdt.pooling import (
    Exponential,
    HalfCauchy,
    HalfNormal,
    HalfT,
    LogNormal,
    Uniform,
    priors,
)

# Each prior beside its distribution in scipy.stats.
PRIORS = {
    "half-normal": (HalfNormal(0.5), stats.halfnorm(scale=0.5)),
    "half-Cauchy": (HalfCauchy(0.3), stats.halfcauchy(scale=0.3)),
    "half-t": (HalfT(0.4, 3), None),
    "exponential": (Exponential(0.4), stats.expon(scale=0.4)),
    "uniform": (Uniform(1.5), stats.uniform(0, 1.5)),
    "log-normal": (LogNormal(math.log(0.3), 1.2), stats.lognorm(1.2, scale=0.3)),
}
each_prior = pytest.mark.parametrize("prior", [p for p, _ in PRIORS.values()], ids=PRIORS)
THREE = ([-0.99, -1.05, -0.76], [0.45, 0.39, 0.42])
APART = ([-1.05, 0.10], [0.25, 0.28])


def test_which_improper_priors_have_a_posterior():
    """Mass of the posterior of two studies up to a limit, and up to one far beyond it."""
    y, v = np.array(APART[0]), np.square(APART[1])

    def mass(prior, limit):
        def density(log_tau):
            w = 1 / (v + math.exp(2 * log_tau))
            mean = w @ y / w.sum()
            log = (np.log(w).sum() - math.log(w.sum()) - w @ (y - mean) ** 2) / 2
            return math.exp(log + log_tau) * prior(math.exp(log_tau))

        return integrate.quad(density, -15, math.log(limit), limit=400)[0]

    def jeffreys(tau):
        return math.sqrt(np.sum((tau / (v + tau**2)) ** 2))

    assert mass(jeffreys, 1e6) == pytest.approx(mass(jeffreys, 1e3), rel=0.01)
    grown = [mass(lambda tau: 1.0, limit) for limit in (1e3, 1e6, 1e9)]
    assert grown[2] - grown[1] == pytest.approx(grown[1] - grown[0], rel=1e-3) and grown[0] > 1
    said = " ".join(priors.__doc__.split())
    assert "Jeffreys' prior has one with two studies, but none with one" in said


def density_of(prior):
    """Density of a prior by scipy.stats."""
    if isinstance(prior, HalfT):
        return lambda tau: 2 * stats.t.pdf(tau, prior.df, scale=prior.scale)
    return next(d for p, d in PRIORS.values() if p == prior).pdf


def quantile_of(prior):
    """Quantiles of a prior by scipy.stats."""
    if isinstance(prior, HalfT):
        return lambda u: prior.scale * stats.t.ppf((1 + u) / 2, prior.df)
    return next(d for p, d in PRIORS.values() if p == prior).ppf


@each_prior
def test_density_and_quantiles_are_those_of_scipy(prior):
    tau = np.array([0.01, 0.2, 0.9, 1.4])
    assert np.exp(prior.log_density(tau)) == pytest.approx(density_of(prior)(tau), rel=1e-12)
    for probability in (0.01, 0.5, 0.975):
        mass, _ = integrate.quad(density_of(prior), 0, prior.quantile(probability), limit=200)
        assert mass == pytest.approx(probability, abs=1e-8)
    assert prior.median == prior.quantile(0.5)
    assert prior.log_density(-0.1) == -np.inf


def test_no_tau_beyond_the_limit_of_a_uniform_prior():
    assert Uniform(1.5).log_density([1.5, 1.5001]).tolist() == [-math.log(1.5), -np.inf]
    posterior = pooling.bayes([-1, 3], [0.2, 0.2], tau_prior=Uniform(0.5))
    assert posterior.tau.nodes.max() < 0.5
    assert 0.49 < posterior.tau.quantile(0.999) < 0.5


# Posteriors by double integration ------------------------------------------------------------


class Joint:
    """The posterior as a function of mu and tau, integrated by scipy alone.

    tau = t / (1 - t) and mu = mean + x * spread bring infinite ranges onto finite ones.
    """

    def __init__(self, prior, y, s):
        self.prior, self.y, self.s = density_of(prior), np.array(y), np.array(s)
        self.top = prior.limit / (1 + prior.limit) if prior.limit < np.inf else 1
        self.whole = self.integral(lambda mu, tau: 1.0)

    def integral(self, function, below=math.inf):
        centre = self.y.mean()

        def slice_of(t):
            tau = t / (1 - t)
            v = self.s**2 + tau**2
            spread = math.sqrt(v.max())
            top = min(20.0, (below - centre) / spread)
            norm = self.prior(tau) / (1 - t) ** 2 / np.sqrt(2 * np.pi * v).prod() * spread

            def inside(x):
                mu = centre + x * spread
                return function(mu, tau) * math.exp(-0.5 * ((self.y - mu) ** 2 / v).sum())

            value, _ = integrate.quad(inside, -20, top, epsabs=0, epsrel=1e-9, limit=200)
            return norm * value

        edges = [0, *(e for e in (0.02, 0.1, 0.3, 0.6, 0.9, 0.999) if e < self.top), self.top]
        return sum(
            integrate.quad(slice_of, a, b, epsabs=1e-11, epsrel=1e-8, limit=200)[0]
            for a, b in zip(edges, edges[1:], strict=False)
        )

    def mean(self, function):
        return self.integral(function) / self.whole

    def p_below(self, value):
        return self.integral(lambda mu, tau: 1.0, below=value) / self.whole


@each_prior
@pytest.mark.parametrize("data", [THREE, APART], ids=["three", "two apart"])
def test_posterior_by_double_integration(prior, data):
    posterior, joint = pooling.bayes(*data, tau_prior=prior), Joint(prior, *data)
    assert posterior.log_marginal_likelihood == pytest.approx(math.log(joint.whole), abs=1e-7)
    assert joint.p_below(math.log(0.8)) == pytest.approx(posterior.mu.p_hr_below(0.8), abs=1e-7)
    assert joint.p_below(posterior.mu.ci_low) == pytest.approx(0.025, abs=1e-7)


@pytest.mark.parametrize("prior", [HalfCauchy(0.3), HalfT(0.4, 3)], ids=lambda p: p.name)
def test_moments_of_heavy_tails_by_double_integration(prior):
    posterior, joint = pooling.bayes(*THREE, tau_prior=prior), Joint(prior, *THREE)
    assert joint.mean(lambda mu, tau: mu) == pytest.approx(posterior.mu.mean, abs=1e-7)
    assert joint.mean(lambda mu, tau: tau) == pytest.approx(posterior.tau.mean, abs=1e-7)
    second = joint.mean(lambda mu, tau: (mu - posterior.mu.mean) ** 2)
    assert math.sqrt(second) == pytest.approx(posterior.mu.sd, abs=1e-6)


# What exists ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prior", "k", "mean", "sd"),
    [
        (HalfCauchy(0.5), 1, False, False),
        (HalfCauchy(0.5), 2, True, False),
        (HalfCauchy(0.5), 3, True, True),
        (HalfT(0.5, 2), 1, True, False),
        (HalfT(0.5, 3), 1, True, True),
        (Exponential(0.5), 1, True, True),
        (Uniform(5), 1, True, True),
        (LogNormal(-1, 2), 1, True, True),
    ],
)
def test_moments_that_do_not_exist_are_not_given_a_number(prior, k, mean, sd):
    # The posterior density of tau falls as tau to the power of minus (df + k).
    posterior = pooling.bayes([-1.0, 0.2, -0.4][:k], [0.3] * k, tau_prior=prior)
    for one in (posterior.mu, posterior.theta_new):
        assert np.isfinite(one.mean) == mean
        assert np.isfinite(one.sd) == sd
        assert np.isfinite([one.median, one.ci_low, one.ci_high, one.p_hr_below(1)]).all()
    assert np.isfinite(posterior.tau.mean) == mean
    assert np.isfinite(posterior.tau.sd) == sd
    assert all(np.isfinite([one.mean, one.sd]).all() for one in posterior.shrinkage)
    assert np.isfinite(posterior.log_marginal_likelihood)


@each_prior
def test_with_one_study_the_posterior_of_tau_is_the_prior(prior):
    posterior = pooling.bayes(-0.5, 0.2, tau_prior=prior)
    for probability in (0.025, 0.5, 0.975):
        got, wanted = posterior.tau.quantile(probability), prior.quantile(probability)
        assert got == pytest.approx(wanted, rel=1e-8)
    assert posterior.mu.median == pytest.approx(-0.5, abs=1e-8)
    # mu is the study plus a deviation of spread tau: one integral over the prior's quantiles.
    low = posterior.mu.ci_low

    def below(u):
        return stats.norm.cdf(low, -0.5, math.hypot(0.2, quantile_of(prior)(u)))

    mass, _ = integrate.quad(below, 0, 1, epsabs=1e-10, limit=400)
    assert mass == pytest.approx(0.025, abs=1e-7)


def test_a_group_of_one_study_each_leaves_the_moments_of_the_prior():
    groups = ["a", "b"]
    heavy = pooling.bayes_interaction([-1, 0.2], [0.3, 0.3], groups, tau_prior=HalfCauchy(0.5))
    assert np.isnan(heavy.differences["b"].mean)
    assert heavy.differences["b"].median == pytest.approx(1.2, abs=1e-8)
    three = [-1, -0.8, 0.2], [0.3] * 3, ["a", "a", "b"]
    borrowed = pooling.bayes_interaction(*three, tau_prior=HalfCauchy(0.5)).differences["b"]
    assert np.isfinite(borrowed.mean) and np.isinf(borrowed.sd)


# Relations between the families --------------------------------------------------------------


def limits(y, s, prior):
    posterior = pooling.bayes(y, s, tau_prior=prior)
    ends = (posterior.mu.ci_low, posterior.mu.ci_high)
    return [*ends, posterior.mu.p_hr_below(1), posterior.log_marginal_likelihood]


few = settings(deadline=None, max_examples=15)
pairs = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.05, 2)), min_size=1, max_size=5).map(
    lambda rows: np.round(np.array(rows).T, 3)
)


@few
@given(pairs, st.sampled_from([0.05, 0.5, 3.0]))
def test_half_t_with_one_degree_of_freedom_is_the_half_cauchy(data, scale):
    one, other = limits(*data, HalfT(scale, 1)), limits(*data, HalfCauchy(scale))
    assert one == pytest.approx(other, abs=1e-9, rel=1e-9)


@few
@given(pairs)
def test_half_t_with_many_degrees_of_freedom_is_the_half_normal(data):
    one, other = limits(*data, HalfT(0.5, 10**10)), limits(*data, HalfNormal(0.5))
    assert one == pytest.approx(other, abs=1e-7)


@few
@given(pairs, st.sampled_from([p for p, _ in PRIORS.values()]))
def test_swapping_the_arms_mirrors_the_posterior(data, prior):
    y, s = data
    one, other = (pooling.bayes(sign * y, s, tau_prior=prior) for sign in (1, -1))
    assert other.mu.ci_low == pytest.approx(-one.mu.ci_high, abs=1e-7)
    assert other.mu.p_hr_below(1) == pytest.approx(1 - one.mu.p_hr_below(1), abs=1e-9)
    assert other.tau.median == pytest.approx(one.tau.median, abs=1e-9)


@few
@given(pairs, st.floats(0.1, 10))
def test_another_unit_scales_the_posterior(data, factor):
    y, s = data
    one = pooling.bayes(y, s, tau_prior=HalfCauchy(0.4))
    other = pooling.bayes(factor * y, factor * s, tau_prior=HalfCauchy(0.4 * factor))
    assert other.mu.ci_low == pytest.approx(factor * one.mu.ci_low, rel=1e-6, abs=1e-7)
    assert other.tau.ci_high == pytest.approx(factor * one.tau.ci_high, rel=1e-6)


def test_a_log_normal_prior_without_spread_is_a_known_tau():
    y, s = APART
    posterior = pooling.bayes(y, s, tau_prior=LogNormal(math.log(0.6), 1e-6))
    w = 1 / (np.square(s) + 0.36)
    assert posterior.mu.mean == pytest.approx(np.average(y, weights=w), abs=1e-6)
    assert posterior.mu.sd == pytest.approx(w.sum() ** -0.5, abs=1e-6)


def test_a_heavier_tail_at_the_same_median_gives_a_wider_interval():
    median = HalfNormal(0.5).median
    light = pooling.bayes(*APART, tau_scale=0.5).mu
    heavy = pooling.bayes(*APART, tau_prior=HalfCauchy(median)).mu
    assert heavy.ci_low < light.ci_low < light.ci_high < heavy.ci_high


def test_tau_scale_is_short_for_the_half_normal():
    default, scale = pooling.bayes(*THREE), pooling.bayes(*THREE, tau_scale=0.5)
    prior = pooling.bayes(*THREE, tau_prior=HalfNormal(0.5))
    assert default.to_dict() == scale.to_dict() == prior.to_dict()
    assert prior.tau_scale == 0.5
    other = pooling.bayes(*THREE, tau_prior=HalfT(0.5, 4))
    assert np.isnan(other.tau_scale)
    assert other.to_dict()["method"] == "Bayes half-t(0.5, 4)"


# Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: HalfNormal(0), "scale is 0; it must be a finite number above 0"),
        (lambda: HalfCauchy(-1), "scale is -1"),
        (lambda: Exponential(math.inf), "scale is inf"),
        (lambda: HalfNormal(1e-170), "scale is 1e-170; it must lie between 1e-09 and 1e"),
        (lambda: Uniform(1e9), "upper is 1000000000.0; it must lie between"),
        (lambda: Uniform(math.nan), "upper is nan"),
        (lambda: HalfT(0.5, 0), "df is 0; it must be a finite number above 0"),
        (lambda: HalfT(0.5, 2.5), "df is 2.5; it must be a whole number, at least 1"),
        (lambda: LogNormal(0, 0), "sigma is 0"),
        (lambda: LogNormal(0, 6), "sigma is 6; it must lie between 1e-06 and 5"),
        (lambda: LogNormal(math.nan, 1), "mu is nan; it must lie between"),
        (lambda: LogNormal(50, 1), "mu is 50; .* the logarithm of the prior median"),
        (lambda: HalfNormal(1).quantile(95), "probability is 95; .* 95 per cent is 0.95"),
        (
            lambda: pooling.bayes(*THREE, tau_scale=1, tau_prior=HalfCauchy(1)),
            r"tau_scale is 1 and tau_prior is half-Cauchy\(1\); give one of them",
        ),
        (
            lambda: pooling.bayes_interaction(
                *THREE, ["a", "a", "b"], tau_scale=1, tau_prior=HalfCauchy(1)
            ),
            "give one of them",
        ),
    ],
)
def test_bad_priors_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("prior", [0.5, "half-normal", HalfNormal])
def test_a_prior_that_is_none_is_refused(prior):
    with pytest.raises(TypeError, match="tau_prior is .* must be a prior such as HalfNormal"):
        pooling.bayes(*THREE, tau_prior=prior)
