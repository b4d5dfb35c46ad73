"""The numbers of the summary page again, from the printed hazard ratios, with scipy alone.

Hazard ratios, limits and levels are typed here as the articles print them. Nothing of the
package computes: standard errors come from the limits, posteriors from adaptive quadrature over
tau and a root of the distribution function, REML from a scalar minimiser. The route resolves
1e-6; the summary page prints two decimals.
"""

import math

import pytest
from scipy import integrate, optimize, stats

from oligomdt import analysis

# Hazard ratio, lower and upper limit, level.
CURB_NSCLC = (0.41, 0.22, 0.75, 0.95)
GOMEZ = (0.35, 0.18, 0.66, 0.90)
IYENGAR = (0.304, 0.113, 0.815, 0.95)
CURB_BREAST = (0.78, 0.43, 1.43, 0.95)
EXTEND_BREAST = (0.91, 0.34, 2.48, 0.95)
LU002 = (0.93, 0.66, 1.31, 0.95)
NSCLC, BREAST = [CURB_NSCLC, GOMEZ, IYENGAR], [CURB_BREAST, EXTEND_BREAST]
SCALE = 0.5
CLOSE = {"abs": 1e-6}


def read(printed):
    """Log hazard ratios and standard errors."""
    pairs = []
    for hr, low, high, level in printed:
        z = stats.norm.isf((1 - level) / 2)
        pairs.append((math.log(hr), (math.log(high) - math.log(low)) / (2 * z)))
    return pairs


def given_tau(pairs, tau):
    """Mean, variance and log likelihood (mu integrated out) of one group."""
    weights = [1 / (s**2 + tau**2) for _, s in pairs]
    total = sum(weights)
    mean = sum(w * y for w, (y, _) in zip(weights, pairs, strict=True)) / total
    log_lik = sum(
        stats.norm.logpdf(y, mean, math.sqrt(1 / w))
        for w, (y, _) in zip(weights, pairs, strict=True)
    )
    return mean, 1 / total, log_lik + 0.5 * math.log(2 * math.pi / total)


class Posterior:
    """Distribution of `centre(tau)` with variance `spread(tau)`, tau integrated out."""

    def __init__(self, groups, describe):
        self.groups, self.describe = groups, describe
        self.norm = self._over_tau(lambda tau: 1.0)

    def _weight(self, tau):
        log_lik = sum(given_tau(pairs, tau)[2] for pairs in self.groups)
        return math.exp(log_lik) * stats.halfnorm.pdf(tau, scale=SCALE)

    def _over_tau(self, function):
        parts = [(0, 0.3), (0.3, 1), (1, 5)]
        return sum(
            integrate.quad(lambda t: function(t) * self._weight(t), *part, epsabs=1e-14)[0]
            for part in parts
        )

    def below(self, x):
        def share(tau):
            mean, variance = self.describe(tau)
            return stats.norm.cdf((x - mean) / math.sqrt(variance))

        return self._over_tau(share) / self.norm

    def quantile(self, p):
        return optimize.brentq(lambda x: self.below(x) - p, -10, 10, xtol=1e-10)

    def three(self):
        return [math.exp(self.quantile(p)) for p in (0.5, 0.025, 0.975)]


def pooled(printed):
    pairs = read(printed)
    return Posterior([pairs], lambda tau: given_tau(pairs, tau)[:2])


def predicted(printed):
    pairs = read(printed)

    def describe(tau):
        mean, variance, _ = given_tau(pairs, tau)
        return mean, variance + tau**2

    return Posterior([pairs], describe)


def contrast(first, second):
    one, two = read(first), read(second)

    def describe(tau):
        (a, va, _), (b, vb, _) = given_tau(one, tau), given_tau(two, tau)
        return a - b, va + vb

    return Posterior([one, two], describe)


def reml(pairs):
    """Estimate and Wald limits."""
    best = optimize.minimize_scalar(
        lambda tau: -given_tau(pairs, tau)[2],
        bounds=(0, 5),
        method="bounded",
        options={"xatol": 1e-12},
    )
    tau = best.x if best.fun < -given_tau(pairs, 0.0)[2] else 0.0
    mean, variance, _ = given_tau(pairs, tau)
    half = stats.norm.isf(0.025) * math.sqrt(variance)
    return [math.exp(x) for x in (mean, mean - half, mean + half)]


@pytest.fixture(scope="module")
def estimates():
    return analysis.published_estimates()


@pytest.fixture(scope="module")
def numbers():
    return analysis.headline()


def shown(values, numbers, names):
    return [f"{value:.2f}" for value in values] == [numbers[name] for name in names]


@pytest.mark.parametrize(("group", "printed"), [("NSCLC", NSCLC), ("breast", BREAST)])
def test_pooled_hazard_ratio(group, printed, estimates, numbers):
    own = pooled(printed)
    row = analysis.histology_synthesis(estimates).query("role == 'primary' and group == @group")
    assert row[["hr", "low", "high"]].iloc[0].tolist() == pytest.approx(own.three(), **CLOSE)
    assert row["p_benefit"].item() == pytest.approx(own.below(0), **CLOSE)
    assert row["p_relevant"].item() == pytest.approx(own.below(math.log(0.8)), **CLOSE)
    assert shown(own.three(), numbers, [f"{group}_{end}" for end in ("hr", "low", "high")])


@pytest.mark.parametrize(("group", "printed"), [("NSCLC", NSCLC), ("breast", BREAST)])
def test_hazard_ratio_of_a_new_trial(group, printed, numbers):
    limits = predicted(printed).three()[1:]
    assert shown(limits, numbers, [f"{group}_predictive_{end}" for end in ("low", "high")])


def test_with_the_largest_trial(numbers):
    own = pooled([*NSCLC, LU002]).three()
    names = [f"NSCLC_with_NRG-LU002_{end}" for end in ("hr", "low", "high")]
    assert shown(own, numbers, names)


def test_ratio_of_hazard_ratios(estimates, numbers):
    own = contrast(NSCLC, BREAST)
    rows = analysis.interaction(estimates).query("role == 'primary'").set_index("contrast")
    row = rows.loc["all trials"]
    assert row[["ratio", "low", "high"]].tolist() == pytest.approx(own.three(), **CLOSE)
    assert row["p_below_1"] == pytest.approx(own.below(0), **CLOSE)
    assert shown(own.three(), numbers, ["ratio", "ratio_low", "ratio_high"])


def test_ratio_within_the_one_trial_that_holds_both(numbers):
    (a, sa), (b, sb) = read([CURB_NSCLC, CURB_BREAST])
    half = stats.norm.isf(0.025) * math.hypot(sa, sb)
    own = [math.exp(x) for x in (a - b, a - b - half, a - b + half)]
    names = ["within_CURB_ratio", "within_CURB_ratio_low", "within_CURB_ratio_high"]
    assert shown(own, numbers, names)


@pytest.mark.parametrize(("group", "printed"), [("NSCLC", NSCLC), ("breast", BREAST)])
def test_common_effect_and_reml_beside_it(group, printed, estimates):
    pairs = read(printed)
    mean, variance, _ = given_tau(pairs, 0.0)
    half = stats.norm.isf(0.025) * math.sqrt(variance)
    common = [math.exp(x) for x in (mean, mean - half, mean + half)]
    rows = analysis.histology_synthesis(estimates).query("group == @group").set_index("method")
    for method, own in (("common effect", common), ("REML Wald", reml(pairs))):
        row = rows.loc[method]
        assert row[["hr", "low", "high"]].tolist() == pytest.approx(own, **CLOSE)
