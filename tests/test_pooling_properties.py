"""Properties that hold for any studies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligomdt import pooling

METHODS = ("CE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")
INTERVALS = ("wald", "hksj", "adhoc", "wider")
FEW = settings(deadline=None, max_examples=25)

effects = st.floats(-3, 3).map(lambda x: round(x, 3))
errors = st.floats(0.05, 2).map(lambda x: round(x, 3))
studies = st.lists(st.tuples(effects, errors), min_size=2, max_size=8).map(
    lambda rows: np.array(rows, dtype=float).T
)
methods, intervals = st.sampled_from(METHODS), st.sampled_from(INTERVALS)


@FEW
@given(studies, methods, intervals)
def test_swapping_the_arms_mirrors_everything(data, tau2, ci):
    y, s = data
    one, other = pooling.pool(y, s, tau2, ci), pooling.pool(-y, s, tau2, ci)
    assert other.mu == pytest.approx(-one.mu, abs=1e-9)
    mirrored = (-one.ci_high, -one.ci_low)
    assert (other.ci_low, other.ci_high) == pytest.approx(mirrored, abs=1e-7)
    assert other.tau2 == pytest.approx(one.tau2, abs=1e-9)


@FEW
@given(studies, methods, intervals)
def test_the_order_of_the_studies_does_not_matter(data, tau2, ci):
    y, s = data
    one, other = pooling.pool(y, s, tau2, ci), pooling.pool(y[::-1], s[::-1], tau2, ci)
    assert other.mu == pytest.approx(one.mu, abs=1e-9)
    assert (other.ci_low, other.ci_high) == pytest.approx((one.ci_low, one.ci_high), abs=1e-7)
    assert other.weights[::-1] == pytest.approx(one.weights, abs=1e-9)


@FEW
@given(studies, methods, intervals, st.floats(0.01, 100))
def test_another_unit_scales_everything(data, tau2, ci, factor):
    y, s = data
    one, other = pooling.pool(y, s, tau2, ci), pooling.pool(factor * y, factor * s, tau2, ci)
    assert other.mu == pytest.approx(factor * one.mu, rel=1e-6, abs=1e-9 * factor)
    assert other.tau2 == pytest.approx(factor**2 * one.tau2, rel=1e-6, abs=1e-9 * factor**2)
    assert other.i2 == pytest.approx(one.i2, abs=1e-6)


@FEW
@given(studies, st.data())
def test_a_study_split_in_two_halves_counts_the_same(data, draw):
    y, s = data
    i = draw.draw(st.integers(0, len(y) - 1))
    halves = np.append(s, s[i])
    halves[[i, -1]] *= 2**0.5
    whole = pooling.pool(y, s, tau2="CE")
    split = pooling.pool(np.append(y, y[i]), halves, tau2="CE")
    assert split.mu == pytest.approx(whole.mu, abs=1e-12)
    assert split.se == pytest.approx(whole.se, abs=1e-12)
    assert split.q == pytest.approx(whole.q, abs=1e-9 * max(1, whole.q))


@FEW
@given(studies, methods, intervals)
def test_a_higher_level_is_a_wider_interval_around_the_mean(data, tau2, ci):
    y, s = data
    narrow, wide = (pooling.pool(y, s, tau2, ci, level) for level in (0.8, 0.95))
    assert wide.ci_low <= narrow.ci_low <= narrow.mu <= narrow.ci_high <= wide.ci_high
    if not wide.tau2_ci.null_set and not narrow.tau2_ci.null_set:
        assert wide.tau2_ci.low <= narrow.tau2_ci.low <= narrow.tau2_ci.high
        assert narrow.tau2_ci.high <= wide.tau2_ci.high


@FEW
@given(studies, methods, intervals)
def test_interval_and_p_value_agree(data, tau2, ci):
    effect = pooling.pool(*data, tau2, ci)
    edge = min(abs(effect.ci_low), abs(effect.ci_high))
    if effect.se > 0 and edge > 1e-9:
        assert (effect.p < 0.05) == (effect.ci_low > 0 or effect.ci_high < 0)


@FEW
@given(studies, methods)
def test_adhoc_and_wider_are_never_shorter_than_their_parts(data, tau2):
    width = {}
    for ci in INTERVALS:
        effect = pooling.pool(*data, tau2, ci)
        width[ci] = effect.ci_high - effect.ci_low
    assert width["wider"] == pytest.approx(max(width["wald"], width["hksj"]))
    assert width["adhoc"] >= width["wider"] * (1 - 1e-12)


@FEW
@given(studies)
def test_with_two_studies_the_estimators_of_tau2_agree(data):
    # max(0, (y1 - y2)**2 / 2 - (v1 + v2) / 2), whatever the method.
    y, s = data[:, :2]
    expected = max(0.0, (y[0] - y[1]) ** 2 / 2 - (s**2).mean())
    for method in ("DL", "HE", "REML", "PM", "EB"):
        assert pooling.tau2(y, s, method) == pytest.approx(expected, abs=1e-9)


@FEW
@given(studies)
def test_a_prior_without_spread_is_the_common_effect(data):
    y, s = data
    posterior, common = pooling.bayes(y, s, tau_scale=1e-7), pooling.pool(y, s, "CE")
    assert posterior.mu.mean == pytest.approx(common.mu, abs=1e-6)
    assert posterior.mu.sd == pytest.approx(common.se, abs=1e-6)
    limits = (posterior.mu.ci_low, posterior.mu.ci_high)
    assert limits == pytest.approx((common.ci_low, common.ci_high), abs=1e-6)


@FEW
@given(studies, st.sampled_from([0.1, 0.5, 2.0]))
def test_the_posterior_is_a_distribution(data, scale):
    posterior = pooling.bayes(*data, tau_scale=scale)
    for one in (posterior.mu, posterior.theta_new, *posterior.shrinkage):
        assert one.ci_low < one.median < one.ci_high
        assert one.p_below(one.quantile(0.9)) == pytest.approx(0.9, abs=1e-9)
    assert 0 < posterior.tau.ci_low < posterior.tau.median < posterior.tau.ci_high
    assert posterior.theta_new.ci_high > posterior.mu.ci_high
    assert posterior.theta_new.mean == pytest.approx(posterior.mu.mean, abs=1e-12)


@FEW
@given(studies, st.sampled_from(["CE", "DL", "REML"]))
def test_another_reference_turns_the_ratio_over(data, tau2):
    y, s = np.hstack([data, data[:, :1]])
    group = ["a"] + ["b"] * (len(y) - 1)
    one = pooling.interaction(y, s, group, tau2=tau2).contrasts[0]
    other = pooling.interaction(y, s, group, tau2=tau2, reference="b").contrasts[0]
    assert other.ratio == pytest.approx(1 / one.ratio, rel=1e-9)
    assert other.p == pytest.approx(one.p, abs=1e-9)


@FEW
@given(studies, st.sampled_from(["wald", "hksj", "adhoc"]))
def test_with_two_groups_the_joint_test_is_that_of_the_contrast(data, test):
    y, s = np.hstack([data, data + 0.1])
    group = ["a", "b"] * (len(y) // 2)
    result = pooling.interaction(y, s, group, tau2="DL", test=test)
    assert result.p == pytest.approx(result.contrasts[0].p, abs=1e-9)


@FEW
@given(studies)
def test_rubin_adds_nothing_where_draws_agree(data):
    y, s = data
    combined = pooling.rubin(np.full(len(s), y[0]), s)
    assert combined.share == pytest.approx(0, abs=1e-20)
    assert combined.se == pytest.approx(np.sqrt((s**2).mean()), rel=1e-12)
    assert pooling.rubin(y, s).se >= np.sqrt((s**2).mean()) * (1 - 1e-12)
