"""Profile-likelihood intervals of the mean and of the between-study variance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import chdtri

from oligomdt.pooling import model
from oligomdt.pooling.heterogeneity import Tau2Interval, estimate_tau2, highest_peak
from oligomdt.pooling.ratio import HazardRatio
from oligomdt.pooling.studies import Studies, check_studies
from oligomdt.pooling.validation import check_choice, check_level

__all__ = ["ProfileEffect", "profile_mu", "profile_tau2"]

# Places between the estimate and the end at which a profile is looked at.
STEPS = 60


@dataclass(frozen=True)
class ProfileEffect(HazardRatio):
    """A maximum-likelihood mean with its profile-likelihood interval.

    Attributes
    ----------
    mu : float
        Pooled log hazard ratio by maximum likelihood.
    ci_low, ci_high : float
        Limits, log scale.
    tau2 : float
        Maximum-likelihood estimate of the between-study variance.
    level : float
        Confidence level.
    k : int
        Number of studies.
    labels : tuple of str
        Names of the studies.
    """

    mu: float
    ci_low: float
    ci_high: float
    tau2: float
    level: float
    k: int
    labels: tuple[str, ...]


def profile_tau2(
    log_hr: ArrayLike, se: ArrayLike, method: str = "REML", level: float = 0.95
) -> Tau2Interval:
    """Profile-likelihood confidence interval for tau2.

    From the lowest to the highest tau2 whose (restricted) log-likelihood, maximised over the
    mean, lies within half the chi-square(1) quantile of its maximum (Hardy and Thompson 1996,
    doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A; Viechtbauer 2007,
    doi:10.1002/sim.2514). It rests on large numbers of studies; `q_profile` does not.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 2.
    method : str
        ML or REML: the likelihood.
    level : float
        Confidence level between 0 and 1.

    Returns
    -------
    Tau2Interval
        Never empty. The upper limit is not capped.

    Raises
    ------
    ValueError
        For bad input, another method or a single study.

    Examples
    --------
    >>> low, high = profile_tau2([-1.05, 0.10], [0.25, 0.28])
    >>> round(low, 2), round(high, 1)
    (0.03, 83.0)
    """
    studies, level = check_studies(log_hr, se), check_level(level)
    check_choice("method", method, ("ML", "REML"))
    if studies.k < 2:
        raise ValueError("tau2 has no interval with one study; give at least two")
    y, v, design = studies.log_hr, studies.variance, np.ones((studies.k, 1))
    likelihood = {"ML": model.log_likelihood, "REML": model.restricted_log_likelihood}[method]

    def height(t: float | np.ndarray) -> np.ndarray:
        return likelihood(model.fit(y, v, design, t))

    def excess(t: float | np.ndarray) -> np.ndarray:
        return height(t) - least

    best = estimate_tau2(y, v, design, method)
    least = float(height(best)) - chdtri(1, 1 - level) / 2
    smallest = float(v.min())
    # From here on the likelihood falls.
    far = max(best, smallest, float(np.ptp(y) ** 2))
    far = far if excess(far) < 0 else _beyond(excess, far, far)
    # The likelihood changes on the scale of the variances, sampling and tau2 together.
    spaced = np.geomspace(smallest, smallest + far, STEPS + 1) - smallest
    above = np.concatenate([[best], spaced[(spaced > best) & (spaced < far)], [far]])
    below = np.concatenate([[0.0], spaced[(spaced > 0) & (spaced < best)], [best]])[::-1]
    low = 0.0 if excess(0.0) >= 0 else _outermost(excess, below)
    return Tau2Interval(low, _outermost(excess, above), level, False)


def profile_mu(
    log_hr: ArrayLike,
    se: ArrayLike,
    level: float = 0.95,
    labels: Sequence[str] | None = None,
) -> ProfileEffect:
    """Profile-likelihood confidence interval for the mean log hazard ratio.

    From the lowest to the highest mean whose log-likelihood, maximised over tau2, lies within
    half the chi-square(1) quantile of the maximum over both (Hardy and Thompson 1996,
    doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A). Unlike the Wald
    interval it lets tau2 vary with the mean and need not be symmetric. It still counts on many
    studies; with two or three it can be too short.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 2.
    level : float
        Confidence level between 0 and 1.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    ProfileEffect

    Raises
    ------
    ValueError
        For bad input, or a single study, whose likelihood does not tell a shifted mean from a
        large tau2.

    Examples
    --------
    >>> effect = profile_mu([-0.9, -0.1, -0.5], [0.2, 0.2, 0.2])
    >>> round(effect.hr, 3), round(effect.hr_low, 3), round(effect.hr_high, 3)
    (0.607, 0.358, 1.027)
    """
    studies, level = check_studies(log_hr, se, labels), check_level(level)
    if studies.k < 2:
        raise ValueError("one study has no profile of the mean; give at least two")
    y, v, design = studies.log_hr, studies.variance, np.ones((studies.k, 1))
    tau2 = estimate_tau2(y, v, design, "ML")
    fit = model.fit(y, v, design, tau2)
    mu = float(fit.mean[0])
    least = float(model.log_likelihood(fit)) - chdtri(1, 1 - level) / 2

    def excess(mean: float | np.ndarray) -> np.ndarray:
        return np.vectorize(lambda one: _profile(studies, one), otypes=[float])(mean) - least

    limits = []
    for side, edge in ((-1, y.min()), (1, y.max())):
        # Beyond the outermost study the profile falls; between, humps stand near studies.
        step = side * float(v.max() + tau2) ** 0.5
        end = float(edge) if excess(edge) < 0 else _beyond(excess, float(edge), step)
        between = y[(y - mu) * side > 0]
        places = np.union1d(
            np.linspace(mu, end, STEPS + 1), between[(end - between) * side > 0]
        )
        limits.append(_outermost(excess, places[::side]))
    return ProfileEffect(mu, *limits, tau2, level, studies.k, studies.labels)


def _profile(studies: Studies, mean: float) -> float:
    """Log-likelihood at a given mean, maximised over tau2."""
    residual, v = studies.log_hr - mean, studies.variance

    def height(t: float) -> float:
        return -0.5 * float((np.log(v + t) + residual**2 / (v + t)).sum())

    def slope(t: float | np.ndarray) -> np.ndarray:
        w = 1 / (v + np.asarray(t, dtype=float)[..., None])
        return (w**2 * residual**2 - w).sum(axis=-1)

    return height(highest_peak(slope, height, max(float((residual**2).max()), float(v.min()))))


def _beyond(excess: Callable[[float], np.ndarray], start: float, step: float) -> float:
    """A place on the side of `step` from `start` where a falling function is below 0."""
    while excess(start + step) >= 0:
        step *= 2
    return start + step


def _outermost(excess: Callable[[np.ndarray], np.ndarray], places: np.ndarray) -> float:
    """The last crossing to below 0 on the way along `places`, which ends below 0.

    A profile can have several humps; then the interval holds all of them.
    """
    inside = np.flatnonzero(excess(places) >= 0)
    if inside.size == 0:  # a level so low that rounding hides the interval
        return float(places[0])
    last = inside[-1]
    scale = float(np.abs(places).max())
    root = brentq(excess, places[last], places[last + 1], xtol=1e-15 * scale, rtol=1e-15)
    return float(root)
