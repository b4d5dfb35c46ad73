"""R-hat and the effective number of draws, against chains whose mixing is known."""

import numpy as np
import pytest

from oligomdt.reconstructkm import mixing


def autoregressive(rho, chains, draws, seed):
    rng = np.random.default_rng(seed)
    found = np.empty((chains, draws))
    found[:, 0] = rng.normal(size=chains)
    for k in range(1, draws):
        noise = rng.normal(size=chains) * np.sqrt(1 - rho**2)
        found[:, k] = rho * found[:, k - 1] + noise
    return found


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_the_effective_size_of_short_autoregressive_chains(rho):
    """The variance of the mean of five such draws is known: sum of rho^|i - j| over 25."""
    values = autoregressive(rho, 4000, 5, 1)
    lags = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    known = 4000 / (rho**lags / 25).sum()
    assert mixing.effective_size(values) == pytest.approx(known, rel=0.1)


def test_independent_chains_agree():
    assert mixing.split_rhat(autoregressive(0, 4, 500, 2)) == pytest.approx(1, abs=0.01)


def test_chains_apart_are_seen():
    """Means 0, 0, 2, 2 and variance 1: all draws have the variance 1 + 8/7 over half chains."""
    values = autoregressive(0, 4, 4000, 3) + np.array([[0], [0], [2], [2]])
    assert mixing.split_rhat(values) == pytest.approx(np.sqrt(1 + 8 / 7), rel=0.02)
    assert mixing.effective_size(values) < 10


def test_a_chain_that_drifts_is_seen():
    """Both halves of every chain are steady, but not alike."""
    values = autoregressive(0, 4, 400, 4) + np.repeat([0, 3], 200)
    assert mixing.split_rhat(values) > 1.5


def test_draws_of_one_chain_alike_count_once():
    """Forty chains that do not move: forty data sets, however many are kept."""
    values = np.repeat(np.random.default_rng(5).normal(size=(40, 1)), 5, axis=1)
    assert mixing.split_rhat(values) == np.inf
    noise = 1e-3 * np.random.default_rng(6).normal(size=values.shape)
    assert mixing.effective_size(values + noise) == pytest.approx(40, rel=0.01)


def test_what_never_varies_is_no_disagreement():
    assert mixing.split_rhat(np.ones((4, 10))) == 1
    assert mixing.effective_size(np.ones((4, 10))) == 40


@pytest.mark.parametrize("values", [np.ones(10), np.ones((4, 3)), np.full((4, 8), np.nan)])
@pytest.mark.parametrize("statistic", [mixing.split_rhat, mixing.effective_size])
def test_bad_values_are_refused(statistic, values):
    with pytest.raises(ValueError, match="values has the shape"):
        statistic(values)
