"""How well Markov chains have mixed: split R-hat and the effective number of draws."""

from __future__ import annotations

import numpy as np


def split_rhat(values: np.ndarray) -> float:
    """Split R-hat: spread of all draws over the spread within half chains.

    Gelman et al., Bayesian Data Analysis, third edition 2013, section 11.4. It is 1 where the
    chains agree; above about 1.05 they do not.

    Parameters
    ----------
    values : array_like, (chains, draws)
        At least two chains of at least four draws.

    Returns
    -------
    float
        1 where the quantity never varies; infinity where only the chains differ.

    Raises
    ------
    ValueError
        If `values` is not such an array.

    Examples
    --------
    >>> float(round(split_rhat([[1, 2, 1, 2], [1, 2, 1, 2]]), 3))
    0.707
    """
    halves = _halves(values)
    draws = halves.shape[1]
    within = halves.var(axis=1, ddof=1).mean()
    total = (draws - 1) / draws * within + halves.mean(axis=1).var(ddof=1)
    if total == 0:
        return 1.0
    return float(np.sqrt(total / within)) if within > 0 else np.inf


def effective_size(values: np.ndarray) -> float:
    """Number of independent draws whose mean would vary as much as that of the chains.

    The variance of all draws over the variance of their mean, which the spread of the chains'
    own means shows (Gelman et al. 2013, section 11.5). It is made for many short chains: the
    more chains, the surer.

    Parameters
    ----------
    values : array_like, (chains, draws)
        At least two independent chains of at least four draws.

    Returns
    -------
    float
        From the number of chains, where their draws are all alike, to the number of draws.

    Raises
    ------
    ValueError
        If `values` is not such an array.

    Examples
    --------
    >>> effective_size([[1, 1, 1, 1], [2, 2, 2, 2]])
    2.0
    """
    values = _table(values)
    chains, draws = values.shape
    means = values.mean(axis=1).var(ddof=1)
    within = values.var(axis=1, ddof=1).mean()
    # What `draws` of a chain would add to the spread of the means if they were independent.
    total = means + (draws - 1) / draws * within
    if total == 0 or means * values.size <= chains * total:
        return float(values.size)
    return float(chains * total / means)


def _table(values) -> np.ndarray:
    values = np.asarray(values, float)
    if values.ndim != 2 or len(values) < 2 or values.shape[1] < 4 or np.isnan(values).any():
        raise ValueError(
            f"values has the shape {values.shape}; give numbers, one row for each of at least "
            "two chains, of at least four draws"
        )
    return values


def _halves(values) -> np.ndarray:
    values = _table(values)
    half = values.shape[1] // 2
    return np.concatenate([values[:, :half], values[:, values.shape[1] - half :]])
