"""Many draws pooled at once: every row is what `pool` gives; Rubin's rules over rows."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_pooling_properties import INTERVALS, METHODS, intervals, methods, studies

from oligomdt import pooling

FEW = settings(deadline=None, max_examples=25)
RENAMED = {"tau2_low": "tau2_ci_low", "tau2_high": "tau2_ci_high"}


def check_rows(draws, y, s, rows):
    """Compare rows with those of `pool`, number by number."""
    frame = draws.to_frame()
    for i in rows:
        effect = pooling.pool(y[i], s[i], draws.method, draws.ci_method, draws.level)
        wanted = effect.to_dict()
        for column in frame.columns.drop("wald_se"):
            ours, theirs = frame.loc[i, column], wanted[RENAMED.get(column, column)]
            if column in ("df", "p") and wanted["se"] == 0:
                continue
            message = f"draw {i}, {column}"
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9, nan_ok=True), message
        assert draws.weights[i] == pytest.approx(effect.weights, abs=1e-9)
        plain = pooling.pool(y[i], s[i], draws.method, "wald").se
        assert frame.loc[i, "wald_se"] == pytest.approx(plain, rel=1e-9)


def trials(k, draws=500, seed=0):
    """Draws of every kind: alike, apart, and with standard errors of very different size."""
    rng = np.random.default_rng(seed)
    y, s = rng.normal(-0.4, 0.4, (draws, k)), rng.uniform(0.15, 0.4, (draws, k))
    y[::5] *= 5
    y[1::5] = -0.4 + 0.1 * (y[1::5] + 0.4)
    s[::7] *= rng.choice([0.05, 1, 4], s[::7].shape)
    return y, s


@pytest.mark.parametrize("tau2", METHODS)
@pytest.mark.parametrize("k", [2, 3, 10])
def test_every_row_is_that_of_pool(tau2, k):
    y, s = trials(k)
    for ci in INTERVALS:
        check_rows(pooling.pool_draws(y, s, tau2, ci, 0.9), y, s, range(0, 500, 41))


@FEW
@given(studies, methods, intervals, st.floats(0.5, 0.99))
def test_any_studies_give_the_row_of_pool(data, tau2, ci, level):
    y, s = (np.vstack([values, values[::-1]]) for values in data)
    check_rows(pooling.pool_draws(y, s, tau2, ci, level), y, s, (0, 1))


PRECISE, IMPRECISE = [0.02] * 5, [0.9] * 3


@pytest.mark.parametrize(
    ("y", "peak"),
    [
        ([0.02, 0.03, 0.04, -0.07, -0.04, -2.31, -5.45, 2.67], 4.26),
        ([-0.03, -0.07, 0.1, -0.03, 0.02, -4.49, -0.63, 0.87], 0.00403),
    ],
)
def test_the_highest_of_several_maxima_is_taken(y, peak):
    # The likelihood has one maximum for the precise studies and one for the others.
    y, s = np.array([y]), np.array([PRECISE + IMPRECISE])
    draws = pooling.pool_draws(y, s)
    assert draws.tau2[0] == pytest.approx(peak, rel=0.01)
    check_rows(draws, y, s, [0])


def test_identical_estimates():
    y, s = np.full((2, 3), -0.4), np.array([[0.1, 0.2, 0.5]] * 2)
    for tau2 in METHODS:
        draws = pooling.pool_draws(y, s, tau2)
        check_rows(draws, y, s, [0])
        assert np.isnan(draws.tau2_low).all()
    with pytest.raises(ValueError, match="draw 1: se is 0"):
        pooling.pool_draws(y, s, ci="hksj").combine()


def test_the_number_of_draws_changes_nothing():
    # More draws than are handled together, and the same ones alone.
    y, s = trials(3, draws=5000)
    together, alone = pooling.pool_draws(y, s), pooling.pool_draws(y[4990:], s[4990:])
    for name, values in alone.to_frame().items():
        np.testing.assert_array_equal(together.to_frame()[name].to_numpy()[4990:], values)
    assert (together.draws, together.k, alone.draws) == (5000, 3, 10)


@pytest.mark.parametrize("ci", INTERVALS)
def test_another_interval_needs_no_new_fit(ci):
    y, s = trials(4, draws=50)
    changed = pooling.pool_draws(y, s).with_interval(ci).to_frame()
    direct = pooling.pool_draws(y, s, ci=ci).to_frame()
    np.testing.assert_array_equal(changed.to_numpy(), direct[changed.columns].to_numpy())


# Rubin's rules --------------------------------------------------------------------------------


def test_combined_draws_are_rubins():
    y, s = trials(3, draws=40)
    draws = pooling.pool_draws(y, s)
    combined, both = draws.combine(), pooling.rubin(draws.mu, draws.se)
    assert (combined.mu, combined.se) == pytest.approx((both.log_hr, both.se), rel=1e-12)
    assert (combined.df, combined.share) == pytest.approx((both.df, both.share), rel=1e-12)
    limits = stats.t.interval(0.95, both.df, both.log_hr, both.se)
    assert (combined.ci_low, combined.ci_high) == pytest.approx(limits, rel=1e-9)


@pytest.mark.parametrize("ci", ["hksj", "adhoc", "wider"])
@pytest.mark.parametrize("k", [2, 3, 5])
def test_draws_that_add_nothing_leave_the_interval_as_it_is(k, ci):
    y, s = np.repeat([[-0.9, -0.1, -0.5, -0.4, 0.3][:k]], 50, axis=0), np.full((50, k), 0.2)
    combined = pooling.pool_draws(y, s, ci=ci).combine()
    one = pooling.pool(y[0], s[0], ci=ci)
    assert combined.df == pytest.approx(k - 1, rel=1e-9)
    assert (combined.mu, combined.se) == pytest.approx((one.mu, one.se), rel=1e-12)
    assert (combined.ci_low, combined.ci_high) == pytest.approx(
        (one.ci_low, one.ci_high), rel=1e-9
    )


@pytest.mark.parametrize("spread", [1e-6, 0.05, 0.3, 3.0])
def test_degrees_of_freedom_of_few_studies_survive_the_draws(spread):
    rng = np.random.default_rng(1)
    y, s = [-0.9, -0.1, -0.5] + rng.normal(0, spread, (5, 3)), np.full((5, 3), 0.2)
    draws = pooling.pool_draws(y, s, ci="adhoc")
    combined, plain = draws.combine(), pooling.rubin(draws.mu, draws.se)
    # Fewer than either alone, and not fewer than half of the smaller one.
    least = min(plain.df, 2)
    assert least / 2 <= combined.df <= least
    assert combined.ci_high - combined.ci_low >= 2 * stats.t(2).ppf(0.975) * combined.se


def test_swapping_the_arms_mirrors_all_draws():
    y, s = trials(3, draws=60)
    one, other = pooling.pool_draws(y, s, ci="hksj"), pooling.pool_draws(-y, s, ci="hksj")
    np.testing.assert_allclose(other.mu, -one.mu, atol=1e-10)
    np.testing.assert_allclose(other.ci_low, -one.ci_high, atol=1e-9)
    assert other.combine().ci_low == pytest.approx(-one.combine().ci_high, abs=1e-9)


# Speed and bad input --------------------------------------------------------------------------


def test_ten_thousand_draws_take_less_than_five_seconds():
    y, s = trials(10, draws=10_000)
    start = time.process_time()
    draws = pooling.pool_draws(y, s)
    for ci in INTERVALS:
        draws.with_interval(ci).combine()
    assert time.process_time() - start < 5


Y, S = [[-0.9, -0.1], [-0.5, -0.3]], [[0.2, 0.3], [0.25, 0.3]]


@pytest.mark.parametrize(
    ("y", "s", "options", "message"),
    [
        (Y[0], S[0], {}, "log_hr has 1 dimensions; give one row per draw"),
        (Y, S[0], {}, "se has 1 dimensions"),
        (Y, S[:1], {}, r"log_hr has shape \(2, 2\) and se \(1, 2\)"),
        (np.empty((0, 3)), np.empty((0, 3)), {}, "log_hr has no row"),
        ([[-1.0]], [[0.2]], {}, "log_hr has 1 columns; pooling needs at least two studies"),
        (Y, [S[0], [0.2, 0.0]], {}, "study 2 of draw 2: se is 0.0; .* above 0"),
        ([Y[0], [math.nan, 0]], S, {}, "study 1 of draw 2: log_hr is nan"),
        (Y, [S[0], [math.nan, 1]], {}, "study 1 of draw 2: se is nan"),
        (Y, [S[0], [1e-170, 1]], {}, "study 1 of draw 2: se is 1e-170; it must lie between"),
        (Y, S, {"tau2": "reml"}, "tau2 is 'reml'"),
        (Y, S, {"ci": "z"}, "ci is 'z'"),
        (Y, S, {"level": 95}, "for 95 % write 0.95"),
    ],
)
def test_bad_draws_are_refused(y, s, options, message):
    with pytest.raises(ValueError, match=message):
        pooling.pool_draws(y, s, **options)


def test_one_draw_is_not_combined():
    with pytest.raises(ValueError, match="one draw has no variance between draws"):
        pooling.pool_draws(Y[:1], S[:1]).combine()


def test_ragged_rows_are_refused():
    with pytest.raises(TypeError, match="log_hr must hold numbers only, in rows of equal"):
        pooling.pool_draws([[1.0], [1.0, 2.0]], S)
