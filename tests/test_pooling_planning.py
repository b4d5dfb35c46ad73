"""Planning: simulated trials, double integration, limits that must hold, and bad input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from oligomdt import pooling
from oligomdt.pooling import HalfCauchy, HalfNormal

CLOSE = ([-0.3, -0.1], [0.4, 0.5])
OPEN = ([-0.3, -0.35, -0.25, -0.3], [0.3] * 4)
CLEAR = ([-0.9, -1.0, -1.2], [0.4, 0.4, 0.5])
NO_SPREAD = HalfNormal(1e-7)
few = settings(deadline=None, max_examples=25)
ratios = st.floats(0.2, 0.95) | st.floats(1.05, 4)
shares = st.floats(0.2, 0.8)


# One trial -----------------------------------------------------------------------------------


@few
@given(ratios, st.floats(0.3, 0.99), st.floats(0.001, 0.2), shares)
def test_the_required_events_give_the_power(hr, wanted, alpha, share):
    events = pooling.required_events(hr, wanted, alpha, share)
    assert pooling.power(events, hr, alpha, share).same_direction == pytest.approx(wanted)


@few
@given(ratios, shares)
def test_swapping_the_arms_changes_no_plan(hr, share):
    assert pooling.required_events(1 / hr, allocation=1 - share) == pytest.approx(
        pooling.required_events(hr, allocation=share)
    )
    one = pooling.power(80, hr, allocation=share)
    other = pooling.power(80, 1 / hr, allocation=1 - share)
    assert other.same_direction == pytest.approx(one.same_direction)
    assert other.two_sided == pytest.approx(one.two_sided)


def test_without_an_effect_the_power_is_the_level():
    assert pooling.power(100, 1.0).two_sided == pytest.approx(0.05, abs=1e-12)


def test_power_of_simulated_exponential_trials():
    # 120 events of 1:1 trials without censoring: log-rank-like test of two exponential rates.
    rng, per_arm, hr = np.random.default_rng(7), 60, 0.65
    times = rng.exponential(size=(4000, 2, per_arm)) / np.array([[hr], [1.0]])
    rates = per_arm / times.sum(axis=2)
    z = np.log(rates[:, 0] / rates[:, 1]) / math.sqrt(2 / per_arm)
    share = np.mean(z < -stats.norm.ppf(0.975))
    # Three simulation standard errors.
    assert pooling.power(120, hr).same_direction == pytest.approx(share, abs=0.024)


def test_equivalent_events_turn_round_the_standard_error():
    assert pooling.equivalent_events(2 / math.sqrt(90)) == pytest.approx(90)
    assert pooling.equivalent_events(0.3, allocation=2 / 3) == pytest.approx(4.5 / 0.09)


def test_information_size_against_the_definition_of_diversity():
    # D2 = 1 - (variance of the common effect) / (variance of the random effects).
    y, s = [-1.05, 0.10, -0.6], [0.25, 0.28, 0.3]
    common, random = (pooling.pool(y, s, tau2=method).se for method in ("CE", "REML"))
    d2 = 1 - common**2 / random**2
    needed = pooling.information_size(0.7, d2=d2)
    assert needed == pytest.approx(pooling.required_events(0.7) * random**2 / common**2)


def test_spent_level_is_said_to_be_cumulative():
    assert "cumulative" in pooling.alpha_spent.__doc__
    assert "this look and all before it" in pooling.alpha_spent.__doc__


def test_spent_level_grows_to_the_whole():
    spent = [pooling.alpha_spent(t, 0.05) for t in np.linspace(0.05, 1, 20)]
    assert np.all(np.diff(spent) > 0) and spent[-1] == pytest.approx(0.05, abs=1e-12)
    # Lan and DeMets 1983: at half the information the level is that of z = 2.77.
    assert pooling.alpha_spent(0.5) == pytest.approx(2 * stats.norm.sf(2.7718), abs=1e-6)


# The pooled result afterwards ----------------------------------------------------------------


@pytest.mark.parametrize("tau2", [0.0, 0.06])
def test_conditional_power_by_pooling_simulated_trials(tau2):
    rng = np.random.default_rng(3)
    y, s, events, truth = -0.3, 0.25, 80, -0.2
    variance = 4 / events + tau2
    new = truth + math.sqrt(variance) * rng.standard_normal(20000)
    effects = np.array([[y] * new.size, new])
    w = np.array([1 / s**2, 1 / variance])
    z = (w @ effects / w.sum()) * math.sqrt(w.sum())
    power = pooling.conditional_power(y, s, events, truth, tau2)
    assert power.benefit == pytest.approx(np.mean(z < -1.959964), abs=0.011)
    assert power.z_mean == pytest.approx(z.mean(), abs=0.02)
    assert power.z_sd == pytest.approx(z.std(), abs=0.02)
    pooled = pooling.pool([y, truth], np.sqrt([s**2, variance]), tau2="CE")
    assert power.updated_log_hr == pytest.approx(pooled.mu, abs=1e-12)
    assert power.updated_se == pytest.approx(pooled.se, abs=1e-12)


@few
@given(st.floats(-1, 1), st.floats(0.1, 0.6), st.floats(20, 400), st.floats(0, 0.2))
def test_predictive_power_is_conditional_power_averaged_over_the_truth(y, s, events, tau2):
    # Common effect: the truth of the new trial is N(y, s**2 + tau2) before it starts.
    spread = math.sqrt(s**2 + tau2)

    def weighted(x):
        truth = y + spread * x
        return pooling.conditional_power(y, s, events, truth).benefit * stats.norm.pdf(x)

    mean, _ = integrate.quad(weighted, -9, 9, limit=200)
    assert pooling.predictive_power(y, s, events, tau2).benefit == pytest.approx(mean, abs=1e-7)


@pytest.mark.parametrize("tau", [0.0, 0.25, 0.5])
def test_random_effects_predictive_power_by_pooling_all_trials_again(tau):
    """Draw an average, a trial of it and its result; pool every trial with the known tau."""
    y, s, events, n = np.array(CLEAR[0]) / 2, np.array(CLEAR[1]), 60, 40000
    w = 1 / (s**2 + tau**2)
    mu, se = (w @ y) / w.sum(), w.sum() ** -0.5
    rng = np.random.default_rng(11)
    truth = rng.normal(rng.normal(mu, se, n), tau)
    new = rng.normal(truth, math.sqrt(4 / events))
    last = 1 / (4 / events + tau**2)
    z = (w @ y + last * new) / math.sqrt(w.sum() + last)
    power = pooling.predictive_power_random_effects(mu, se, events, tau**2)
    assert power.benefit == pytest.approx(np.mean(z < -1.959964), abs=0.01)
    assert power.harm == pytest.approx(np.mean(z > 1.959964), abs=0.01)
    assert power.z_sd == pytest.approx(z.std(), rel=0.02)
    assert power.updated_se == pytest.approx((w.sum() + last) ** -0.5, rel=1e-12)


def test_without_spread_both_predictive_powers_are_one():
    one = pooling.predictive_power(-0.3, 0.22, 90)
    assert pooling.predictive_power_random_effects(-0.3, 0.22, 90, 0.0) == one
    # However many events: the new trial is one of those that differ.
    huge = pooling.predictive_power_random_effects(-0.3, 0.22, 1e12, 0.09)
    assert huge.updated_se == pytest.approx((0.22**-2 + 1 / 0.09) ** -0.5)


@few
@given(st.floats(-1, 1), st.floats(0.1, 0.6), st.floats(20, 400), st.floats(-1, 1), shares)
def test_swapping_the_arms_swaps_benefit_and_harm(y, s, events, truth, share):
    one = pooling.conditional_power(y, s, events, truth, 0.02, allocation=share)
    other = pooling.conditional_power(-y, s, events, -truth, 0.02, allocation=1 - share)
    assert (other.benefit, other.harm) == pytest.approx((one.harm, one.benefit))
    one, other = (pooling.predictive_power(v, s, events, 0.02) for v in (y, -y))
    assert (other.benefit, other.harm) == pytest.approx((one.harm, one.benefit))


# What a new trial must show ------------------------------------------------------------------


def test_without_spread_the_result_needed_is_the_closed_form():
    # Common effect: (w y + new / v) / sqrt(w + 1 / v) = -1.96.
    y, s = CLOSE
    common, v = pooling.pool(y, s, tau2="CE"), 4 / 150
    w = common.se**-2
    line = v * (-stats.norm.ppf(0.975) * math.sqrt(w + 1 / v) - w * common.mu)
    direct = pooling.result_needed_common_effect(common.mu, common.se, 150)
    assert direct.benefit == pytest.approx(math.exp(line), rel=1e-12)
    for end, (low, high) in ((direct.benefit, (0, 1)), (direct.harm, (1, 9))):
        pooled = pooling.pool([*y, math.log(end)], [*s, math.sqrt(v)], tau2="CE")
        assert min(abs(pooled.ci_low), abs(pooled.ci_high)) == pytest.approx(0, abs=1e-12)
        assert low < pooled.hr < high
    needed = pooling.result_needed(*CLOSE, events=150, tau_prior=NO_SPREAD)
    ((low, high),) = needed.benefit
    assert low == pytest.approx(0.01)  # the bound of the search
    assert high == pytest.approx(math.exp(line), rel=1e-6)


@pytest.mark.parametrize("data", [OPEN, CLEAR], ids=["open", "clear"])
@pytest.mark.parametrize("prior", [HalfNormal(0.5), HalfCauchy(0.3)], ids=lambda p: p.name)
def test_at_the_ends_of_a_range_the_interval_just_touches_the_line(data, prior):
    y, s = data
    needed = pooling.result_needed(y, s, events=120, tau_prior=prior)
    assert needed.benefit
    for end in needed.benefit[-1]:
        if 0.0101 < end < 99:
            after = pooling.bayes(
                [*y, math.log(end)], [*s, 2 / math.sqrt(120)], tau_prior=prior
            )
            assert after.hr_high == pytest.approx(1, abs=1e-8)
    inside = math.sqrt(math.prod(needed.benefit[-1]))
    after = pooling.bayes([*y, math.log(inside)], [*s, 2 / math.sqrt(120)], tau_prior=prior)
    assert after.hr_high < 1


def test_a_result_far_from_the_others_does_not_settle_it():
    # The wider tau makes the interval of the mean wider: the range has a lower end.
    ((low, high),) = pooling.result_needed(*OPEN, 200, tau_prior=HalfCauchy(0.3)).benefit
    assert 0.05 < low < high < 1
    y, s = [*OPEN[0], math.log(low / 2)], [*OPEN[1], 2 / math.sqrt(200)]
    assert pooling.bayes(y, s, tau_prior=HalfCauchy(0.3)).hr_high > 1


def test_two_trials_may_leave_nothing_that_one_more_can_settle():
    for events in (2, 200, 20000):
        needed = pooling.result_needed(*CLOSE, events, tau_prior=HalfCauchy(0.3))
        assert needed.benefit == needed.harm == ()
    today = pooling.bayes(*CLOSE, tau_prior=HalfCauchy(0.3))
    assert needed.now == pytest.approx(today.mu.p_hr_below(1))


def test_a_top_between_two_steps_of_the_search_is_found():
    # A line just under the largest probability that any result can bring.
    prior, error = HalfCauchy(0.3), 2 / math.sqrt(30)

    def below(x):
        return -pooling.bayes(
            [*CLOSE[0], x], [*CLOSE[1], error], tau_prior=prior
        ).mu.p_hr_below(1)

    best = optimize.minimize_scalar(below, bounds=(-4, 0), method="bounded")

    def needed(line):
        return pooling.result_needed(*CLOSE, 30, line, tau_prior=prior).benefit

    ((low, high),) = needed(-best.fun - 1e-7)
    assert low < math.exp(best.x) < high < low * 1.05
    assert needed(-best.fun + 1e-7) == ()


def test_swapping_the_arms_mirrors_the_result_needed():
    y, s = OPEN
    one = pooling.result_needed(y, s, events=150, allocation=0.6)
    assert len(one.benefit) == 2
    other = pooling.result_needed([-v for v in y], s, events=150, allocation=0.4)
    mirrored = [(1 / high, 1 / low) for low, high in other.harm[::-1]]
    assert np.array(mirrored) == pytest.approx(np.array(one.benefit), rel=1e-7)
    assert other.now == pytest.approx(1 - one.now)


# Predictive power of the Bayesian answer -----------------------------------------------------


def test_without_spread_bayesian_and_common_effect_predictive_power_agree():
    common = pooling.pool(*CLOSE, tau2="CE")
    wanted = pooling.predictive_power(common.mu, common.se, 150)
    chance = pooling.bayesian_predictive_power(*CLOSE, events=150, tau_prior=NO_SPREAD)
    assert chance.benefit == pytest.approx(wanted.benefit, abs=1e-6)
    assert chance.harm == pytest.approx(wanted.harm, abs=1e-6)


def test_bayesian_predictive_power_by_simulation():
    rng, size, events = np.random.default_rng(11), 2500, 150
    today = pooling.bayes(*OPEN)
    tau = today.tau.weights.ravel()
    node = rng.choice(tau.size, size, p=tau / tau.sum())
    truth = rng.normal(today.theta_new.means[node], today.theta_new.sds[node])
    seen = rng.normal(truth, 2 / math.sqrt(events))
    after = [
        pooling.bayes([*OPEN[0], x], [*OPEN[1], 2 / math.sqrt(events)]).mu.p_hr_below(1)
        for x in seen
    ]
    chance = pooling.bayesian_predictive_power(*OPEN, events=events)
    assert chance.benefit == pytest.approx(np.mean(np.array(after) >= 0.975), abs=0.025)
    # What is believed today is the average of what will be believed.
    assert np.mean(after) == pytest.approx(today.mu.p_hr_below(1), abs=0.02)
    assert 0 <= chance.unsearched < 1e-4


def test_what_is_clear_can_be_lost():
    today = pooling.bayes(*CLEAR)
    assert today.mu.p_hr_below(1) > 0.975
    chance = pooling.bayesian_predictive_power(*CLEAR, events=200)
    assert 0.5 < chance.benefit < 1
    assert chance.harm < 1e-3


# Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pooling.required_events(1), "hr is 1; no number of events"),
        (lambda: pooling.required_events(0), "hr is 0; it must be a finite number above 0"),
        (lambda: pooling.required_events(0.6, power=80), "80 per cent is 0.8"),
        (lambda: pooling.required_events(0.6, power=0.01), "must be above alpha / 2 = 0.025"),
        (lambda: pooling.required_events(0.6, alpha=0), "alpha is 0; it must lie between"),
        (lambda: pooling.required_events(0.6, allocation=1), "allocation is 1"),
        (lambda: pooling.required_events(0.6, allocation=2), "2 per cent is 0.02"),
        (lambda: pooling.power(0, 0.6), "events is 0; it must be a finite number above 0"),
        (lambda: pooling.power(-5, 0.6), "events is -5"),
        (lambda: pooling.power(math.inf, 0.6), "events is inf"),
        (lambda: pooling.equivalent_events(0), "se is 0"),
        (lambda: pooling.equivalent_events(1e-200), "se is 1e-200; it must lie between 1e-08"),
        (
            lambda: pooling.result_needed_common_effect(-0.3, 1e-9, 5),
            "se is 1e-09; it must lie between 1e-08 and 1e\\+08",
        ),
        (lambda: pooling.conditional_power(-0.3, 1e-200, 90, 0), "se is 1e-200"),
        (lambda: pooling.predictive_power(-0.3, 1e-200, 90), "se is 1e-200"),
        (lambda: pooling.information_size(0.6, d2=1), "d2 is 1; it must be at least 0"),
        (lambda: pooling.information_size(0.6, d2=-0.1), "d2 is -0.1"),
        (lambda: pooling.information_size(0.6, d2=math.nan), "d2 is nan"),
        (
            lambda: pooling.predictive_power_random_effects(0, 0.2, 90, -0.1),
            "tau2 is -0.1; it must be at least 0",
        ),
        (
            lambda: pooling.predictive_power_random_effects(0, 0, 90, 0.1),
            "se is 0",
        ),
        (lambda: pooling.alpha_spent(0), "fraction is 0; it must be above 0 and at most 1"),
        (lambda: pooling.alpha_spent(1.2), "fraction is 1.2"),
        (lambda: pooling.conditional_power(-0.3, 0, 90, 0), "se is 0"),
        (lambda: pooling.conditional_power(math.nan, 0.2, 90, 0), "log_hr is nan"),
        (lambda: pooling.conditional_power(-0.3, 0.2, 90, math.inf), "assumed_log_hr is inf"),
        (lambda: pooling.conditional_power(-0.3, 0.2, 90, 0, -0.1), "tau2 is -0.1"),
        (lambda: pooling.predictive_power(-0.3, 0.2, 0), "events is 0"),
        (lambda: pooling.predictive_power(-0.3, 0.2, 90, math.nan), "tau2 is nan"),
        (lambda: pooling.predictive_power(-0.3, 0.2, 90, alpha=5), "5 per cent is 0.05"),
        (lambda: pooling.result_needed([], [], 90), "log_hr is empty"),
        (lambda: pooling.result_needed(*CLOSE, 0), "events is 0"),
        (lambda: pooling.result_needed(*CLOSE, 90, 0.5), "must lie between 0.5 and 1"),
        (lambda: pooling.result_needed(*CLOSE, 90, hr=0), "hr is 0"),
        (lambda: pooling.bayesian_predictive_power([-1], [0], 90), "study 1: se is 0"),
        (lambda: pooling.bayesian_predictive_power(*CLOSE, 90, 1), "probability is 1"),
    ],
)
def test_bad_plans_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_text_is_no_number():
    with pytest.raises(TypeError, match="d2 is 'much'; it must be a number"):
        pooling.information_size(0.6, d2="much")


def test_an_answer_that_nothing_overturns_needs_no_finite_result():
    """Today's weight is so large that any hazard ratio of the new trial keeps the answer."""
    needed = pooling.result_needed_common_effect(-0.3, 1e-7, 5)
    assert needed.benefit == math.inf
    assert needed.harm == math.inf
