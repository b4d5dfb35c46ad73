"""Estimators of the between-study variance tau2, its interval, and Cochran's Q."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import chdtri

from oligomdt.pooling import model
from oligomdt.pooling.studies import check_studies
from oligomdt.pooling.validation import check_choice, check_level

__all__ = [
    "TAU2_METHODS",
    "Tau2Interval",
    "estimate_tau2",
    "highest_peak",
    "q_profile",
    "root",
    "tau2",
    "tau2_error",
]

TAU2_METHODS = ("CE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")


@dataclass(frozen=True)
class Tau2Interval:
    """Confidence interval for tau2; unpacks as ``low, high``.

    Attributes
    ----------
    low, high : float
        Limits, at least 0. Both are NaN for the empty set.
    level : float
        Confidence level.
    null_set : bool
        True where no tau2 of 0 or more is compatible with the data: the estimates agree
        better than their standard errors allow. It is not evidence that tau2 is exactly 0.
    """

    low: float
    high: float
    level: float
    null_set: bool

    def __iter__(self) -> Iterator[float]:
        yield self.low
        yield self.high


def tau2(log_hr: ArrayLike, se: ArrayLike, method: str = "REML") -> float:
    """Between-study variance, truncated at zero.

    CE takes tau2 as 0. The others are DL (DerSimonian and Laird 1986,
    doi:10.1016/0197-2456(86)90046-2), HE (Hedges 1983, doi:10.1037/0033-2909.93.2.388),
    HS (Hunter and Schmidt 1990), SJ (Sidik and Jonkman 2005,
    doi:10.1111/j.1467-9876.2005.00489.x), ML and REML (Viechtbauer 2005,
    doi:10.3102/10769986030003261), EB (Morris 1983, doi:10.1080/01621459.1983.10477920) and
    PM (Paule and Mandel 1982, doi:10.6028/jres.087.022). EB and PM have the same root.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 2.
    method : str
        One of CE, DL, HE, HS, SJ, ML, REML, EB, PM.

    Returns
    -------
    float
        tau2, at least 0. Where the likelihood has several maxima the highest is taken.

    Raises
    ------
    ValueError
        For bad input, or a single study, for which tau2 cannot be estimated.

    Examples
    --------
    >>> round(tau2([-0.9, -0.1, -0.5], [0.2, 0.2, 0.2], "DL"), 6)
    0.12
    """
    studies = check_studies(log_hr, se)
    check_choice("tau2 method", method, TAU2_METHODS)
    if studies.k < 2:
        raise ValueError("tau2 cannot be estimated from one study; give at least two")
    design = np.ones((studies.k, 1))
    return estimate_tau2(studies.log_hr, studies.variance, design, method)


def estimate_tau2(
    log_hr: np.ndarray, variance: np.ndarray, design: np.ndarray, method: str
) -> float:
    """Residual tau2 around the means of the groups in `design` (see `tau2`).

    Parameters
    ----------
    log_hr, variance : numpy.ndarray, shape (k,)
        Checked log hazard ratios and sampling variances.
    design : numpy.ndarray, shape (k, groups)
        1 where the study belongs to the group, else 0; more studies than groups.
    method : str
        One of `TAU2_METHODS`.

    Returns
    -------
    float

    Examples
    --------
    >>> y, v = np.array([0.0, 1.0, 2.0, 3.0]), np.full(4, 0.1)
    >>> round(estimate_tau2(y, v, np.repeat(np.eye(2), 2, axis=0), "HE"), 6)
    0.4
    """
    if method == "CE":
        return 0.0
    if method in ("ML", "REML"):
        return _maximum(log_hr, variance, design, method)
    if method in ("EB", "PM"):
        return _tau2_at_q(log_hr, variance, design, np.subtract(*design.shape))
    return max(0.0, float(_CLOSED_FORM[method](log_hr, variance, design)))


def q_profile(log_hr: ArrayLike, se: ArrayLike, level: float = 0.95) -> Tau2Interval:
    """Q-profile confidence interval for tau2.

    The generalised Q, ``sum(w * (log_hr - mu)**2)`` with ``w = 1 / (se**2 + tau2)``, is set
    equal to the upper and the lower chi-square(k - 1) point (Viechtbauer 2007,
    doi:10.1002/sim.2514). With two or three studies the upper limit can be very large; it is
    not capped.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 2.
    level : float
        Confidence level between 0 and 1.

    Returns
    -------
    Tau2Interval
        With ``null_set=True`` and NaN limits where the interval is empty.

    Raises
    ------
    ValueError
        For bad input or a single study.

    Examples
    --------
    >>> low, high = q_profile([-1.05, 0.10], [0.25, 0.28])
    >>> round(low, 2), round(high)
    (0.06, 673)
    """
    studies, level = check_studies(log_hr, se), check_level(level)
    if studies.k < 2:
        raise ValueError("tau2 has no interval with one study; give at least two")
    y, v, design = studies.log_hr, studies.variance, np.ones((studies.k, 1))
    tail, df = (1 - level) / 2, studies.k - 1
    largest, smallest = chdtri(df, tail), chdtri(df, 1 - tail)
    if model.fit(y, v, design, 0.0).q <= smallest:
        return Tau2Interval(np.nan, np.nan, level, True)
    low = _tau2_at_q(y, v, design, largest)
    return Tau2Interval(low, _tau2_at_q(y, v, design, smallest), level, False)


def _dersimonian_laird(y: np.ndarray, v: np.ndarray, design: np.ndarray) -> float:
    f = model.fit(y, v, design, 0.0)
    pairs = [model.products_of_pairs(f.weights[own == 1]) for own in design.T]
    scale = (np.array(pairs) / f.total).sum()
    return (f.q - np.subtract(*design.shape)) / scale


def _hedges(y: np.ndarray, v: np.ndarray, design: np.ndarray) -> float:
    df, size = np.subtract(*design.shape), design.sum(axis=0)
    residual = y - ((y @ design) / size) @ design.T
    return (residual @ residual - ((1 - 1 / size) * (v @ design)).sum()) / df


def _hunter_schmidt(y: np.ndarray, v: np.ndarray, design: np.ndarray) -> float:
    f = model.fit(y, v, design, 0.0)
    return (f.q - y.size) / f.weights.sum()


def _sidik_jonkman(y: np.ndarray, v: np.ndarray, design: np.ndarray) -> float:
    residual = y - ((y @ design) / design.sum(axis=0)) @ design.T
    start = residual @ residual / y.size
    return start * model.fit(y, v, design, start).q / np.subtract(*design.shape)


_CLOSED_FORM: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], float]] = {
    "DL": _dersimonian_laird,
    "HE": _hedges,
    "HS": _hunter_schmidt,
    "SJ": _sidik_jonkman,
}


def _tau2_at_q(y: np.ndarray, v: np.ndarray, design: np.ndarray, target: float) -> float:
    """Solve generalised Q(tau2) = target; 0 where Q is below the target already at 0."""
    return root(lambda t: float(model.fit(y, v, design, t).q) - target, float(np.ptp(y) ** 2))


def _maximum(y: np.ndarray, v: np.ndarray, design: np.ndarray, method: str) -> float:
    """Highest maximum of the (restricted) likelihood over tau2 >= 0."""
    likelihood = {
        "ML": model.log_likelihood,
        "REML": model.restricted_log_likelihood,
    }[method]
    return highest_peak(
        lambda t: model.score(model.fit(y, v, design, t), design, method),
        lambda t: float(likelihood(model.fit(y, v, design, t))),
        max(float(np.ptp(y) ** 2), float(v.min())),
    )


def root(excess: Callable[[float], float], high: float) -> float:
    """Where a function that falls steadily to below 0 crosses it; 0 where it starts below.

    Parameters
    ----------
    excess : callable
        Function of tau2.
    high : float
        First guess of a tau2 beyond the crossing, above 0; doubled until it is.

    Returns
    -------
    float

    Examples
    --------
    >>> root(lambda t: 3 - t, 1.0)
    3.0
    """
    if excess(0.0) <= 0:
        return 0.0
    while excess(high) > 0:
        high *= 2
    return float(brentq(excess, 0.0, high, xtol=1e-15 * high, rtol=1e-15))


def highest_peak(
    slope: Callable[[float | np.ndarray], np.ndarray],
    height: Callable[[float], float],
    high: float,
) -> float:
    """Highest maximum over tau2 >= 0: every sign change of the slope on a grid, and 0.

    Parameters
    ----------
    slope : callable
        Derivative in tau2, or a positive multiple; takes one or many tau2.
    height : callable
        The function itself, of one tau2.
    high : float
        First guess of the end of the grid, above 0; doubled until the slope is not positive.

    Returns
    -------
    float

    Examples
    --------
    >>> round(highest_peak(lambda t: 2 - t, lambda t: 2 * t - t**2 / 2, 1.0), 12)
    2.0
    """
    while slope(high) > 0:
        high *= 2
    grid = np.concatenate([[0.0], high * np.geomspace(1e-10, 1, 400)])
    steep = slope(grid)
    peaks = [0.0]
    for i in np.flatnonzero((steep[:-1] > 0) & (steep[1:] <= 0)):
        peak = brentq(slope, grid[i], grid[i + 1], xtol=1e-15 * grid[i + 1], rtol=1e-15)
        peaks.append(float(peak))
    return max(peaks, key=height)


def tau2_error(log_hr: np.ndarray, variance: np.ndarray, tau2: float, method: str) -> float:
    """Asymptotic standard error of tau2 around a single mean.

    For ML and REML from the Fisher information (Viechtbauer 2005,
    doi:10.3102/10769986030003261); for the others from the variance of the quadratic form that
    each of them solves, with the true tau2 replaced by its estimate. It is a poor measure
    where studies are few or tau2 is near 0, and an interval should not be made of it.

    Parameters
    ----------
    log_hr, variance : numpy.ndarray, shape (k,)
        Checked log hazard ratios and sampling variances, k at least 2.
    tau2 : float
        The estimate, at least 0.
    method : str
        One of `TAU2_METHODS`; NaN for CE, which estimates nothing.

    Returns
    -------
    float

    Examples
    --------
    >>> round(tau2_error(np.array([-0.9, -0.1, -0.5]), np.full(3, 0.04), 0.12, "REML"), 6)
    0.16
    """
    if method == "CE":
        return float("nan")
    k, w = variance.size, 1 / (variance + tau2)
    if method == "ML":
        return float(np.sqrt(2 / (w**2).sum()))
    if method in ("EB", "PM"):
        return float(np.sqrt(2 * k**2 / (k - 1)) / w.sum())
    if method == "REML":
        return float(np.sqrt(2 / _trace_of_square(w, np.ones(k))))
    # The others are y'Py * factor plus a constant, P = W - ww'/sum(w) with weights that do not
    # depend on tau2, and var(y'Py) = 2 tr(PSPS) with S = diag(variance + tau2).
    start, plain = log_hr.var(), 1 / variance
    weights, factor = {
        "DL": lambda: (plain, plain.sum() / model.products_of_pairs(plain)),
        "HS": lambda: (plain, 1 / plain.sum()),
        "HE": lambda: (np.ones(k), 1 / (k - 1)),
        "SJ": lambda: (1 / (variance + start), start / (k - 1)),
    }[method]()
    return float(np.sqrt(2 * _trace_of_square(weights, variance + tau2)) * factor)


def _trace_of_square(w: np.ndarray, s: np.ndarray) -> float:
    """Trace of PSPS with P = W - ww'/sum(w) and S = diag(s)."""
    p = -np.outer(w, w) / w.sum()
    np.fill_diagonal(p, 0.0)
    np.fill_diagonal(p, -p.sum(axis=0))  # the columns of P sum to 0
    return float(s @ p**2 @ s)
