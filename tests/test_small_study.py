"""Small-study methods: refused below ten studies; each checked by a second route."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import integrate, optimize, stats

from oligomdt import pooling
from oligomdt.pooling import small_study

RNG = np.random.default_rng(3)
EVENTS = np.array([12, 15, 22, 30, 41, 55, 70, 88, 120, 160, 210, 300])
SE = 2 / np.sqrt(EVENTS) * RNG.uniform(1, 1.3, EVENTS.size)
Y = -0.3 - 4 / EVENTS + RNG.normal(0, SE)
ALL = {
    "event_asymmetry": lambda y, s: pooling.event_asymmetry(y, s, EVENTS[: len(y)]),
    "event_asymmetry_by_arm": lambda y, s: pooling.event_asymmetry_by_arm(
        y, EVENTS[: len(y)] / 2, EVENTS[: len(y)] / 2
    ),
    "egger": pooling.egger,
    "egger_random": pooling.egger_random,
    "begg": pooling.begg,
    "trim_and_fill": pooling.trim_and_fill,
    "henmi_copas": pooling.henmi_copas,
}
each = pytest.mark.parametrize("name", ALL)


@each
@pytest.mark.parametrize("k", [1, 2, 9])
def test_fewer_than_ten_studies_are_refused_with_the_reason(name, k):
    message = f"log_hr has {k} values; .* at least 10 studies: with fewer they cannot tell"
    with pytest.raises(ValueError, match=message):
        ALL[name](Y[:k], SE[:k])


@each
def test_ten_studies_are_not_refused(name):
    ALL[name](Y[:10], SE[:10])


# Tests for survival data: no reference numbers exist, so another library and the definition


@pytest.mark.parametrize("by_arm", [False, True])
def test_event_based_tests_agree_with_another_library(by_arm):
    control = np.round(EVENTS * 0.6)
    experimental = EVENTS - control
    if by_arm:
        ours = pooling.event_asymmetry_by_arm(Y, experimental, control)
        weight = 1 / (1 / experimental + 1 / control)
    else:
        ours = pooling.event_asymmetry(Y, SE, EVENTS)
        weight = SE**-2
    theirs = sm.WLS(Y, sm.add_constant(1 / EVENTS), weights=weight).fit()
    assert (ours.limit, ours.slope) == pytest.approx(tuple(theirs.params), rel=1e-9)
    assert ours.slope_se == pytest.approx(theirs.bse[1], rel=1e-9)
    assert ours.p == pytest.approx(theirs.pvalues[1], rel=1e-9)
    assert ours.df == theirs.df_resid == len(Y) - 2


def test_event_based_test_rejects_as_often_as_it_says():
    """No small-study effect, variances known up to a factor: 10 % of the p-values below 0.1."""
    rng = np.random.default_rng(7)
    runs = 2000
    drawn = -0.3 + rng.normal(0, 1.4 * SE, (runs, SE.size))
    found = sum(pooling.event_asymmetry(y, SE, EVENTS).p < 0.1 for y in drawn)
    assert stats.binomtest(int(found), runs, 0.1).pvalue > 0.01


def test_all_evidence_on_a_line_gives_back_the_line():
    test = pooling.event_asymmetry(-0.2 - 10 / EVENTS + 1e-9 * RNG.normal(size=12), SE, EVENTS)
    assert (test.limit, test.slope) == pytest.approx((-0.2, -10), abs=1e-6)
    assert test.p < 1e-12


# The general methods ----------------------------------------


@each
def test_swapping_the_arms_mirrors_the_result(name):
    one, other = ALL[name](Y, SE), ALL[name](-Y, SE)
    match name:
        case "begg":
            assert (other.tau, other.p) == pytest.approx((-one.tau, one.p), abs=1e-12)
        case "trim_and_fill":
            assert (one.filled, {one.side, other.side}) == (other.filled, {"left", "right"})
            assert other.effect.mu == pytest.approx(-one.effect.mu, abs=1e-9)
        case "henmi_copas":
            mirrored = (-one.mu, one.se, -one.ci_high, -one.ci_low)
            own = (other.mu, other.se, other.ci_low, other.ci_high)
            assert own == pytest.approx(mirrored, abs=1e-9)
        case _:
            assert other.slope == pytest.approx(-one.slope, abs=1e-7)
            assert (other.slope_se, other.p) == pytest.approx((one.slope_se, one.p), abs=1e-7)


@each
def test_the_order_of_the_studies_changes_nothing(name):
    order = RNG.permutation(EVENTS.size)
    calls = {
        "event_asymmetry": lambda i: pooling.event_asymmetry(Y[i], SE[i], EVENTS[i]),
        "event_asymmetry_by_arm": lambda i: pooling.event_asymmetry_by_arm(
            Y[i], EVENTS[i] / 3, EVENTS[i] / 2
        ),
    }
    call = calls.get(name, lambda i: ALL[name](Y[i], SE[i]))
    one, other = call(np.arange(EVENTS.size)), call(order)
    keys = {"begg": ("tau", "p"), "henmi_copas": ("ci_low", "ci_high")}
    if name == "trim_and_fill":
        one, other = one.effect, other.effect
        keys[name] = ("mu", "se")
    for key in keys.get(name, ("slope", "slope_se", "p")):
        assert getattr(other, key) == pytest.approx(getattr(one, key), abs=1e-9)


def test_mixed_egger_maximises_the_restricted_likelihood():
    design = np.column_stack([np.ones_like(SE), SE])
    y = Y + RNG.normal(0, 0.4, Y.size)

    def minus(tau2):
        w = np.diag(1 / (SE**2 + tau2))
        information = design.T @ w @ design
        beta = np.linalg.solve(information, design.T @ w @ y)
        rest = y - design @ beta
        logs = np.linalg.slogdet(information)[1] - np.log(np.diag(w)).sum()
        return logs + rest @ w @ rest

    best = optimize.minimize_scalar(minus, bounds=(0, 2), options={"xatol": 1e-10})
    assert best.x > 0.01
    weights = 1 / (SE**2 + best.x)
    line = sm.WLS(y, design, weights=weights).fit(cov_type="fixed scale")
    ours = pooling.egger_random(y, SE)
    assert (ours.limit, ours.slope) == pytest.approx(tuple(line.params), abs=1e-6)
    assert ours.slope_se == pytest.approx(line.bse[1], abs=1e-6)


def test_trim_and_fill_gives_back_most_of_what_was_taken_away():
    """A symmetric funnel, without its five studies at the far right and whole."""
    se = np.repeat(np.linspace(0.05, 0.6, 15), 2)
    y = -0.3 + np.tile([-1, 1], 15) * 1.2 * se
    kept = np.argsort(y)[:-5]
    filled = pooling.trim_and_fill(y[kept], se[kept])
    assert filled.side == "right"
    assert 3 <= filled.filled <= 5
    before = pooling.pool(y[kept], se[kept]).mu
    assert before < filled.effect.mu < -0.3 + 0.5 * (-0.3 - before)
    added = filled.log_hr[len(kept) :]
    assert (added > -0.3).all()
    assert pooling.trim_and_fill(y, se).filled <= 1
    assert pooling.trim_and_fill(y[kept], se[kept], side="left").filled == 0


def test_trim_and_fill_leaves_studies_in_place():
    filled = pooling.trim_and_fill(Y, SE)
    assert filled.log_hr[: len(Y)] == pytest.approx(Y)
    assert len(filled.log_hr) == len(filled.se) == filled.effect.k == len(Y) + filled.filled


def test_moments_behind_henmi_and_copas_are_those_of_simulated_errors():
    w, tau2 = np.array([4.0, 9, 25, 100, 16]), 0.08
    given = small_study._given_error(w, tau2)
    errors = RNG.normal(0, np.sqrt(1 / w + tau2), (400_000, w.size))
    mean = errors @ w / w.sum()
    r = mean * np.sqrt(w.sum())
    q = ((errors - mean[:, None]) ** 2 * w).sum(axis=1)
    assert r.var() == pytest.approx(given.spread, rel=0.01)
    slope, constant = np.polyfit(r**2, q, 1)
    assert constant == pytest.approx(given.mean[0], rel=0.02)
    assert slope == pytest.approx(given.mean[1], rel=0.06)
    fitted = given.mean[0] + given.mean[1] * r**2
    slope, constant = np.polyfit(r**2, (q - fitted) ** 2, 1)
    assert constant == pytest.approx(given.variance[0], rel=0.05)
    assert slope == pytest.approx(given.variance[1], rel=0.25)


def test_henmi_copas_limit_solves_its_equation_on_the_paper_s_scale():
    """The tail of (estimate - truth) / se beyond the limit is 2.5 %, by scipy.stats."""
    interval = pooling.henmi_copas(Y, SE)
    w = SE**-2
    squares = (w**2).sum() / w.sum()
    tau2 = (interval.se**2 * w.sum() - 1) / squares
    given = small_study._given_error(w, tau2)
    limit = (interval.ci_high - interval.mu) / interval.se

    def density(r):
        mean = given.mean[0] + given.mean[1] * r**2
        variance = given.variance[0] + given.variance[1] * r**2
        # U > limit is tau2_hat < (r**2 / limit**2 - 1) / squares, DerSimonian and Laird's.
        most = len(Y) - 1 + (w.sum() - squares) * (r**2 / limit**2 - 1) / squares
        below = stats.gamma(mean**2 / variance, scale=variance / mean).cdf(most)
        return below * stats.norm(0, math.sqrt(given.spread)).pdf(r)

    assert integrate.quad(density, limit, 40)[0] == pytest.approx(0.025, abs=1e-7)


def test_henmi_copas_without_heterogeneity_is_near_the_common_effect():
    y = -0.3 + 0.3 * SE * np.tile([-1, 1], 6)
    interval, common = pooling.henmi_copas(y, SE), pooling.pool(y, SE, tau2="CE")
    assert (interval.mu, interval.se) == pytest.approx((common.mu, common.se))
    wider = pooling.henmi_copas(y, SE, level=0.99)
    assert wider.ci_low < interval.ci_low < interval.ci_high < wider.ci_high


# Bad input ----------------------------------------


def test_events_that_cannot_be_are_refused():
    bad = EVENTS.astype(float)
    bad[2] = 0
    with pytest.raises(ValueError, match="study 3: events is 0.0; it must be a finite number"):
        pooling.event_asymmetry(Y, SE, bad)
    with pytest.raises(ValueError, match="events has 3 values and log_hr has 12"):
        pooling.event_asymmetry(Y, SE, EVENTS[:3])
    with pytest.raises(ValueError, match="control has 3 values and log_hr has 12"):
        pooling.event_asymmetry_by_arm(Y, EVENTS, EVENTS[:3])
    with pytest.raises(ValueError, match="study C: log_hr is nan"):
        names = pd.Index(list("ABCDEFGHIJKL"))
        pooling.event_asymmetry(np.where(EVENTS == 22, np.nan, Y), SE, EVENTS, names)


def test_a_size_that_does_not_vary_is_refused():
    same = np.full(EVENTS.size, 0.3)
    with pytest.raises(ValueError, match="events is the same in all studies; no trend"):
        pooling.event_asymmetry(Y, SE, np.full(EVENTS.size, 40))
    for function in (pooling.egger, pooling.egger_random, pooling.begg):
        with pytest.raises(ValueError, match="se is the same in all studies; no trend"):
            function(Y, same)


REGRESSIONS = ["event_asymmetry", "event_asymmetry_by_arm", "egger"]


@pytest.mark.parametrize("name", REGRESSIONS)
@pytest.mark.parametrize("value", [-0.2, -0.3, 0.0, 1e-3])
def test_scatter_of_rounding_errors_gives_no_p_value(name, value):
    with pytest.raises(ValueError, match="log_hr lies on one line without any scatter"):
        ALL[name](np.full(12, value), SE)
    with pytest.raises(ValueError, match="without any scatter"):
        pooling.egger(value - SE, SE)


@pytest.mark.parametrize("value", [-0.2, -0.3])
def test_estimates_that_are_all_equal_have_no_order(value):
    for function in (pooling.begg, pooling.trim_and_fill):
        with pytest.raises(ValueError, match="log_hr is the same in all studies; no trend"):
            function(np.full(12, value), SE)


def test_standard_errors_that_differ_by_rounding_are_the_same():
    nearly = 0.3 * (1 + 1e-15 * np.arange(12))
    calls = (pooling.egger, pooling.egger_random, pooling.begg, pooling.trim_and_fill)
    for function in calls:
        with pytest.raises(ValueError, match="se is the same in all studies; no trend"):
            function(Y, nearly)
    assert pooling.trim_and_fill(Y, nearly, side="left").side == "left"


def test_standard_errors_that_hardly_differ_keep_their_digits():
    """The p-value does not change where the standard errors come closer together."""
    apart = np.linspace(-1, 1, 12)
    one, other = (pooling.egger(Y, 0.3 * (1 + width * apart)) for width in (1e-4, 1e-6))
    assert other.p == pytest.approx(one.p, rel=1e-3)
    assert other.slope == pytest.approx(100 * one.slope, rel=1e-3)


def test_unknown_side_and_level_are_refused():
    with pytest.raises(ValueError, match="side is 'up'; it must be one of left, right"):
        pooling.trim_and_fill(Y, SE, side="up")
    with pytest.raises(ValueError, match="level is 95; .* write 0.95"):
        pooling.henmi_copas(Y, SE, level=95)


@pytest.mark.parametrize(
    ("se", "level"), [(SE, 1e-12), ([1e-3] + [0.5] * 11, 0.001), ([1e-5] + [0.5] * 11, 0.95)]
)
def test_limits_that_cannot_be_found_are_refused(se, level):
    with pytest.raises(ValueError, match=f"henmi_copas finds no limits at level {level:g}"):
        pooling.henmi_copas(6 * Y, se, level=level)
