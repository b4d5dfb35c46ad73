"""The normal-normal model for a given between-study variance.

``log_hr[i] ~ N(mean of its group, se[i]**2 + tau2)``. With one group this is the
random-effects model; with several it is a comparison of groups that share one tau2.
"""

from typing import NamedTuple

import numpy as np

__all__ = [
    "Fit",
    "fit",
    "log_likelihood",
    "products_of_pairs",
    "restricted_log_likelihood",
    "score",
]


class Fit(NamedTuple):
    """Weighted least squares at one or more values of tau2 (leading axis, if any).

    Attributes
    ----------
    weights : numpy.ndarray, shape (..., k)
        ``1 / (se**2 + tau2)``.
    total : numpy.ndarray, shape (..., groups)
        Sum of the weights in each group; its inverse is the variance of the mean.
    mean : numpy.ndarray, shape (..., groups)
        Weighted mean of each group.
    residual : numpy.ndarray, shape (..., k)
        Estimate minus the mean of its group.
    q : numpy.ndarray, shape (...)
        Weighted sum of the squared residuals.
    """

    weights: np.ndarray
    total: np.ndarray
    mean: np.ndarray
    residual: np.ndarray
    q: np.ndarray


def fit(
    log_hr: np.ndarray, variance: np.ndarray, design: np.ndarray, tau2: float | np.ndarray
) -> Fit:
    """Fit the group means by inverse-variance weights.

    Parameters
    ----------
    log_hr, variance : numpy.ndarray, shape (k,)
        Log hazard ratios and sampling variances.
    design : numpy.ndarray, shape (k, groups)
        1 where the study belongs to the group, else 0.
    tau2 : float or numpy.ndarray
        Between-study variance, at least 0.

    Returns
    -------
    Fit

    Examples
    --------
    >>> y, v = np.array([0.0, 1.0]), np.array([1.0, 3.0])
    >>> fit(y, v, np.ones((2, 1)), 0.0).mean.round(6).tolist()
    [0.25]
    """
    weights = 1 / (variance + np.asarray(tau2, dtype=float)[..., None])
    total = weights @ design
    mean = ((weights * log_hr) @ design) / total
    residual = log_hr - mean @ design.T
    return Fit(weights, total, mean, residual, (weights * residual**2).sum(axis=-1))


def log_likelihood(f: Fit) -> np.ndarray:
    """Log-likelihood at the fitted means, without its constant (Viechtbauer 2005)."""
    return 0.5 * (np.log(f.weights).sum(axis=-1) - f.q)


def restricted_log_likelihood(f: Fit) -> np.ndarray:
    """Restricted log-likelihood, without its constant: the means are integrated out."""
    return log_likelihood(f) - 0.5 * np.log(f.total).sum(axis=-1)


def score(f: Fit, design: np.ndarray, method: str) -> np.ndarray:
    """Twice the derivative of the (restricted) log-likelihood in tau2.

    Viechtbauer W (2005), doi:10.3102/10769986030003261. `method` is "ML" or "REML".
    """
    slope = (f.weights**2 * f.residual**2).sum(axis=-1) - f.weights.sum(axis=-1)
    if method == "REML":
        slope = slope + ((f.weights**2 @ design) / f.total).sum(axis=-1)
    return slope


def products_of_pairs(weights: np.ndarray) -> np.ndarray:
    """Sum of ``w[i] * w[j]`` over all i other than j, studies along the first axis.

    ``sum(w)**2 - sum(w**2)``, but right to the last digits where one study outweighs the rest.

    Examples
    --------
    >>> float(products_of_pairs(np.array([1e20, 1.0, 2.0])))
    6e+20
    """
    return 2 * (weights[1:] * np.cumsum(weights, axis=0)[:-1]).sum(axis=0)
