"""Three-level model: the likelihood by another route, and models it must agree with."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from oligomdt import pooling

FEW = settings(deadline=None, max_examples=15)
RNG = np.random.default_rng(5)
CLUSTER = ["a", "a", "b", "b", "b", "c", "d", "d", "e", "f"]
SE = RNG.uniform(0.1, 0.4, 10)
SHARED = dict(zip("abcdef", RNG.normal(0, 0.5, 6), strict=True))
Y = -0.4 + np.array([SHARED[c] for c in CLUSTER]) + RNG.normal(0, np.hypot(SE, 0.2))


def density(y, se, cluster, mu, sigma2):
    """Log density as scipy has it."""
    same = np.equal.outer(cluster, cluster)
    covariance = sigma2[0] * same + np.diag(sigma2[1] + se**2)
    return stats.multivariate_normal(np.full(len(y), mu), covariance).logpdf(y)


def test_maximum_likelihood_is_the_maximum_of_the_density():
    effect = pooling.three_level(Y, SE, CLUSTER, method="ML")
    cluster = np.array(CLUSTER)
    start = [0.0, -2.0, -2.0]
    best = optimize.minimize(
        lambda x: -density(Y, SE, cluster, x[0], np.exp(x[1:])),
        start,
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 4000},
    )
    assert effect.log_likelihood == pytest.approx(-best.fun, abs=1e-8)
    assert effect.mu == pytest.approx(best.x[0], abs=1e-5)
    variances = (effect.sigma2_cluster, effect.sigma2_study)
    assert variances == pytest.approx(np.exp(best.x[1:]), abs=1e-5)


def test_restricted_likelihood_is_the_density_with_the_mean_integrated_out():
    effect = pooling.three_level(Y, SE, CLUSTER)
    sigma2, cluster = (effect.sigma2_cluster, effect.sigma2_study), np.array(CLUSTER)

    def restricted(variances):
        grid = np.linspace(-12, 12, 4001)
        heights = [density(Y, SE, cluster, effect.mu + g * effect.se, variances) for g in grid]
        area = np.trapezoid(np.exp(np.array(heights)), grid * effect.se)
        # The constant of the reference's software: the determinant of a design of ones.
        return np.log(area) + 0.5 * np.log(len(Y))

    assert restricted(sigma2) == pytest.approx(effect.log_likelihood, abs=1e-6)
    for factor in (0.7, 1.4):
        assert restricted((factor * sigma2[0], sigma2[1])) < effect.log_likelihood
        assert restricted((sigma2[0], factor * sigma2[1])) < effect.log_likelihood


@FEW
@given(
    st.lists(
        st.tuples(
            st.floats(-2, 2).map(lambda x: round(x, 2)),
            st.floats(0.05, 1).map(lambda x: round(x, 2)),
            st.sampled_from("abc"),
        ),
        min_size=4,
        max_size=9,
    ),
    st.sampled_from(("REML", "ML")),
)
def test_no_point_nearby_has_a_higher_likelihood(rows, method):
    y, se = (np.array([row[i] for row in rows]) for i in (0, 1))
    cluster = [row[2] for row in rows]
    if len(set(cluster)) in (1, len(cluster)):
        return
    effect = pooling.three_level(y, se, cluster, method=method)
    data = (y, se, np.array(cluster))
    mirrored = pooling.three_level(-y, se, cluster, method=method)
    assert mirrored.mu == pytest.approx(-effect.mu, abs=1e-6)
    for sigma2 in RNG.exponential(1, (40, 2)) * max(np.ptp(y) ** 2, 0.01) * [[0.3, 0.3]]:
        assert likelihood(*data, sigma2, method) <= effect.log_likelihood + 1e-9


def likelihood(y, se, cluster, sigma2, method):
    covariance = sigma2[0] * np.equal.outer(cluster, cluster) + np.diag(sigma2[1] + se**2)
    ones = np.ones(len(y))
    total = ones @ np.linalg.solve(covariance, ones)
    mu = ones @ np.linalg.solve(covariance, y) / total
    height = density(y, se, cluster, mu, sigma2)
    if method == "ML":
        return height
    return height + 0.5 * np.log(2 * np.pi * len(y) / total)


def test_clusters_that_share_nothing_give_the_two_level_model():
    """Residuals that cancel within clusters leave no variance between them."""
    y = np.array([-0.9, 0.1, 0.2, -1.0, -0.8, 0.0])
    se, cluster = np.full(6, 0.2), list("aabbcc")
    effect, two = pooling.three_level(y, se, cluster), pooling.pool(y, se)
    assert effect.sigma2_cluster == 0
    assert effect.sigma2_study == pytest.approx(two.tau2, rel=1e-8)
    assert (effect.mu, effect.se) == pytest.approx((two.mu, two.se))


def test_copies_within_a_cluster_count_as_one_trial():
    """Studies of a cluster that agree exactly: the variance is all between the clusters."""
    y, se = np.repeat([-1.0, -0.2, 0.3, -0.6], 2), np.full(8, 0.1)
    effect = pooling.three_level(y, se, np.repeat(list("abcd"), 2))
    means = pooling.pool(y[::2], se[::2] / 2**0.5)
    assert effect.sigma2_study == 0
    assert effect.sigma2_cluster == pytest.approx(means.tau2, rel=1e-8)
    assert (effect.mu, effect.se) == pytest.approx((means.mu, means.se))
    assert effect.se > pooling.pool(y, se).se


def test_robust_standard_error_by_matrices():
    effect = pooling.three_level(Y, SE, CLUSTER)
    same = np.equal.outer(np.array(CLUSTER), np.array(CLUSTER))
    covariance = effect.sigma2_cluster * same + np.diag(effect.sigma2_study + SE**2)
    bread = 1 / np.linalg.inv(covariance).sum()
    row = np.linalg.inv(covariance).sum(axis=0)
    rest = Y - effect.mu
    meat = row @ (np.outer(rest, rest) * same) @ row
    robust = effect.robust()
    assert robust.se == pytest.approx(np.sqrt(6 / 5 * meat) * bread, rel=1e-9)
    half = stats.t(5).ppf(0.975) * robust.se
    assert (robust.ci_low, robust.ci_high) == pytest.approx(
        (effect.mu - half, effect.mu + half)
    )
    assert robust.p == pytest.approx(2 * stats.t(5).sf(abs(effect.mu) / robust.se))
    assert (robust.df, robust.clusters, robust.mu) == (5, 6, effect.mu)


def test_order_and_unit_change_nothing():
    one = pooling.three_level(Y, SE, CLUSTER)
    order = RNG.permutation(10)
    other = pooling.three_level(Y[order], SE[order], [CLUSTER[i] for i in order])
    scaled = pooling.three_level(3 * Y, 3 * SE, CLUSTER)
    for name in ("mu", "se", "sigma2_cluster", "sigma2_study", "log_likelihood"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), abs=1e-9)
    assert scaled.mu == pytest.approx(3 * one.mu, rel=1e-9)
    assert scaled.sigma2_cluster == pytest.approx(9 * one.sigma2_cluster, rel=1e-7)
    assert scaled.robust().se == pytest.approx(3 * one.robust().se, rel=1e-9)


def test_interval_and_row_say_what_they_are():
    wald, t = (pooling.three_level(Y, SE, CLUSTER, test=test) for test in ("wald", "t"))
    assert (t.df, wald.df) == (9, np.inf)
    assert t.ci_high - t.ci_low > wald.ci_high - wald.ci_low
    assert wald.hr_low < wald.hr < wald.hr_high
    row = wald.to_dict()
    assert (row["k"], row["clusters"], row["notes"]) == (10, 6, "")
    assert wald.weights.sum() == pytest.approx(1)


def test_a_single_cluster_of_several_is_noted():
    effect = pooling.three_level([-0.9, -0.2, -0.5, -0.3], [0.3] * 4, ["a", "a", "b", "c"])
    assert "one cluster only holds more than one study" in effect.notes[0]


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        (["a", "a", "a"], "cluster has one value only; three levels need at least two"),
        (["a", "b", "c"], "cluster: each holds one study, .* use pool"),
        (["a", "b"], "cluster has 2 values and log_hr has 3"),
        (["a", None, "a"], "study 2: cluster is None; name its cluster"),
    ],
)
def test_bad_clusters_are_refused(cluster, message):
    with pytest.raises(ValueError, match=message):
        pooling.three_level([-0.4, -0.2, 0.1], [0.2, 0.2, 0.2], cluster)


def test_bad_options_are_refused():
    data = ([-0.4, -0.2, 0.1], [0.2, 0.2, 0.2], ["a", "a", "b"])
    with pytest.raises(ValueError, match="method is 'DL'; it must be one of REML, ML"):
        pooling.three_level(*data, method="DL")
    with pytest.raises(ValueError, match="test is 'hksj'; it must be one of wald, t"):
        pooling.three_level(*data, test="hksj")
    with pytest.raises(ValueError, match="level is 0; it must lie between 0 and 1"):
        pooling.three_level(*data, level=0)
    with pytest.raises(ValueError, match="study 3: se is 0.0"):
        pooling.three_level(data[0], [0.2, 0.2, 0], data[2])


def test_messages_keep_the_names_of_the_studies():
    labels = ["group A", "group B", "group C"]
    with pytest.raises(ValueError, match="study group B: cluster is None; name its cluster"):
        pooling.three_level([-0.4, -0.2, 0.1], [0.2] * 3, ["x", None, "y"], labels=labels)
