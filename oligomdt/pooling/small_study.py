"""Small-study effects: do small studies show larger effects than large ones?

Every function refuses fewer than ten studies. With fewer, the tests have no power, chance alone
makes a funnel plot look lopsided, and trim and fill imputes studies on the word of one or two
(Sterne and others 2011, doi:10.1136/bmj.d4002). For log hazard ratios use `event_asymmetry`:
in survival data the older tests have low power or reject too often, because censoring moves the
standard error (Debray, Moons and Riley 2018, doi:10.1002/jrsm.1266).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammainc

from oligomdt.pooling.effect import PooledEffect, pool
from oligomdt.pooling.ratio import HazardRatio
from oligomdt.pooling.regression import COLLINEAR, regression
from oligomdt.pooling.studies import Studies, check_studies
from oligomdt.pooling.validation import check_choice, check_level, check_positive

__all__ = [
    "FEWEST",
    "AsymmetryTest",
    "HenmiCopas",
    "RankTest",
    "TrimAndFill",
    "begg",
    "egger",
    "egger_random",
    "event_asymmetry",
    "event_asymmetry_by_arm",
    "henmi_copas",
    "trim_and_fill",
]

FEWEST = 10
# Where the limits of Henmi and Copas are looked for, in standard errors.
NARROWEST, WIDEST = 1e-3, 60.0


@dataclass(frozen=True)
class AsymmetryTest:
    """A regression of the log hazard ratios on a measure of the size of the studies.

    Attributes
    ----------
    limit : float
        Log hazard ratio that the line predicts for a study without limit in size.
    slope, slope_se : float
        Slope and its standard error; 0 without small-study effects.
    statistic, df, p : float
        ``slope / slope_se``, its degrees of freedom (infinity: normal) and two-sided p-value.
    """

    limit: float
    slope: float
    slope_se: float
    statistic: float
    df: float
    p: float


@dataclass(frozen=True)
class RankTest:
    """Kendall's tau between standardised effects and variances, with its two-sided p-value."""

    tau: float
    p: float


@dataclass(frozen=True, eq=False)
class TrimAndFill:
    """Trim and fill.

    Attributes
    ----------
    filled : int
        Number of studies added.
    side : str
        "left" (log hazard ratios below the pooled one) or "right": where studies are missing.
    log_hr, se : numpy.ndarray
        The studies with the added ones at the end.
    effect : PooledEffect
        Their pooled effect (REML, Wald).
    """

    filled: int
    side: str
    log_hr: np.ndarray
    se: np.ndarray
    effect: PooledEffect


@dataclass(frozen=True)
class HenmiCopas(HazardRatio):
    """Common-effect estimate with an interval that allows for heterogeneity.

    Attributes
    ----------
    mu, se : float
        Log hazard ratio and standard error.
    ci_low, ci_high : float
        Limits; not ``mu +- z * se``.
    level : float
        Confidence level.
    """

    mu: float
    se: float
    ci_low: float
    ci_high: float
    level: float


# ------------------------------------------------------------------ tests for survival data


def event_asymmetry(
    log_hr: ArrayLike,
    se: ArrayLike,
    events: ArrayLike,
    labels: Sequence[str] | None = None,
) -> AsymmetryTest:
    """Regression of log HR on 1 / events, weighted by inverse variance.

    The test recommended for survival data, "D-FIV" (Debray, Moons and Riley 2018,
    doi:10.1002/jrsm.1266): ``log_hr = limit + slope / events``, error variance proportional to
    ``se**2``; ``slope / slope_se`` has a t distribution with k - 2 degrees of freedom.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 10.
    events : array_like, shape (k,)
        Events in both arms together, each above 0.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    AsymmetryTest

    Raises
    ------
    ValueError
        For fewer than ten studies, bad studies or events, events that are all equal, or
        estimates on one line without scatter.

    Examples
    --------
    >>> events = np.array([20, 25, 30, 40, 50, 60, 80, 100, 150, 200])
    >>> log_hr = -0.2 - 10 / events + np.tile([2e-4, -2e-4], 5)
    >>> test = event_asymmetry(log_hr, 2 / np.sqrt(events), events)
    >>> round(test.limit, 2), round(test.slope, 1)
    (-0.2, -10.0)
    """
    studies = _enough(check_studies(log_hr, se, labels))
    total = _events("events", events, studies)
    return _linear(studies.log_hr, studies.variance, _different("events", 1 / total))


def event_asymmetry_by_arm(
    log_hr: ArrayLike,
    experimental: ArrayLike,
    control: ArrayLike,
    labels: Sequence[str] | None = None,
) -> AsymmetryTest:
    """Regression of log HR on 1 / events, weighted by the events of the arms.

    "D-FAV" (Debray, Moons and Riley 2018, doi:10.1002/jrsm.1266): as `event_asymmetry` with
    error variance proportional to ``1 / experimental + 1 / control``, for standard errors that
    are unknown or not trusted.

    Parameters
    ----------
    log_hr : array_like, shape (k,)
        Log hazard ratios, k at least 10.
    experimental, control : array_like, shape (k,)
        Events of each arm, each above 0.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    AsymmetryTest

    Raises
    ------
    ValueError
        For fewer than ten studies, bad studies or events, totals that are all equal, or
        estimates on one line without scatter.

    Examples
    --------
    >>> events = np.array([20, 25, 30, 40, 50, 60, 80, 100, 150, 200])
    >>> log_hr = -0.2 - 10 / events + np.tile([2e-4, -2e-4], 5)
    >>> test = event_asymmetry_by_arm(log_hr, events / 2, events / 2)
    >>> round(test.limit, 2), round(test.slope, 1)
    (-0.2, -10.0)
    """
    effects = np.atleast_1d(np.asarray(log_hr, dtype=float))
    studies = _enough(check_studies(effects, np.ones_like(effects), labels))
    mdt = _events("experimental", experimental, studies)
    standard = _events("control", control, studies)
    size = _different("experimental + control", 1 / (mdt + standard))
    return _linear(studies.log_hr, 1 / mdt + 1 / standard, size)


# ------------------------------------------------------------------ the general methods


def egger(
    log_hr: ArrayLike, se: ArrayLike, labels: Sequence[str] | None = None
) -> AsymmetryTest:
    """Egger's regression of log HR on its standard error, weighted by inverse variance.

    Egger M and others (1997), doi:10.1136/bmj.315.7109.629. The error variance is proportional
    to ``se**2``; t with k - 2 degrees of freedom. For hazard ratios see `event_asymmetry`.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 10.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    AsymmetryTest

    Raises
    ------
    ValueError
        For fewer than ten studies, bad studies, standard errors that are all equal, or
        estimates on one line without scatter.

    Examples
    --------
    >>> se = np.linspace(0.1, 0.5, 10)
    >>> scatter = np.tile([2e-4, -2e-4], 5)
    >>> round(egger(-0.2 - se + scatter, se).slope, 2)
    -1.0
    """
    studies = _enough(check_studies(log_hr, se, labels))
    return _linear(studies.log_hr, studies.variance, _different("se", studies.se))


def egger_random(
    log_hr: ArrayLike, se: ArrayLike, labels: Sequence[str] | None = None
) -> AsymmetryTest:
    """Regression of log HR on its standard error with additive heterogeneity (REML).

    The mixed-effects form of Egger's test (Sterne and Egger 2005, in "Publication bias in
    meta-analysis", Wiley): the error variance is ``se**2 + tau2``; normal distribution.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 10.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    AsymmetryTest
        With infinite degrees of freedom.

    Raises
    ------
    ValueError
        For fewer than ten studies, bad studies or standard errors that are all equal.

    Examples
    --------
    >>> se = np.linspace(0.1, 0.5, 10)
    >>> round(egger_random(-0.2 - se, se).slope, 3)
    -1.0
    """
    studies = _enough(check_studies(log_hr, se, labels))
    return _mixed(studies.log_hr, studies.variance, _different("se", studies.se))


def begg(log_hr: ArrayLike, se: ArrayLike, labels: Sequence[str] | None = None) -> RankTest:
    """Begg and Mazumdar's rank correlation of standardised effects and variances.

    Begg CB, Mazumdar M (1994), doi:10.2307/2533446. Exact p-value where no two ranks tie.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 10.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    RankTest

    Raises
    ------
    ValueError
        For fewer than ten studies, bad studies, or estimates or standard errors that are all
        equal.

    Examples
    --------
    >>> se = np.linspace(0.1, 0.5, 10)
    >>> round(begg(-0.2 - se**2 * 9, se).tau, 6)
    -1.0
    """
    studies = _enough(check_studies(log_hr, se, labels))
    _different("se", studies.se)
    _different("log_hr", studies.log_hr)
    return _rank(studies.log_hr, studies.variance)


def trim_and_fill(
    log_hr: ArrayLike,
    se: ArrayLike,
    side: str | None = None,
    labels: Sequence[str] | None = None,
) -> TrimAndFill:
    """Trim and fill with the estimator L0 and REML.

    Duval S, Tweedie R (2000), doi:10.1111/j.0006-341X.2000.00455.x. Studies without a mirror
    image are counted, their mirror images are added, and all are pooled. It says how an answer
    would look if a certain pattern of missing studies held, not that any study is missing.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 10.
    side : str, optional
        "left" or "right": where studies are taken to be missing. Default: "right" where the
        line of `egger_random` falls with the standard error, else "left".
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    TrimAndFill

    Raises
    ------
    ValueError
        For fewer than ten studies, bad studies, estimates that are all equal, an unknown side,
        a count that does not settle, or no side where the standard errors are all equal.

    Examples
    --------
    >>> se = np.linspace(0.1, 0.5, 10)
    >>> trim_and_fill(-0.2 - se, se).side
    'right'
    """
    studies = _enough(check_studies(log_hr, se, labels))
    if side is not None:
        check_choice("side", side, ("left", "right"))
    else:
        _different("se", studies.se)
    _different("log_hr", studies.log_hr)
    return _trim_and_fill(studies.log_hr, studies.variance, side)


def henmi_copas(
    log_hr: ArrayLike,
    se: ArrayLike,
    level: float = 0.95,
    labels: Sequence[str] | None = None,
) -> HenmiCopas:
    """Confidence interval around the common-effect estimate that allows for heterogeneity.

    Henmi M, Copas JB (2010), doi:10.1002/sim.4029. The weights are those of a common effect,
    which small studies move less; the interval uses the joint distribution of the estimate and
    of Cochran's Q, whose conditional distribution is approximated by a gamma distribution.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 10.
    level : float
        Confidence level between 0 and 1.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    HenmiCopas

    Raises
    ------
    ValueError
        For fewer than ten studies, bad studies, a level outside 0 to 1, or where the equation
        of the limits has no solution.

    Examples
    --------
    >>> se = np.linspace(0.1, 0.5, 10)
    >>> round(henmi_copas(-0.2 - se, se).mu, 3)
    -0.378
    """
    studies, level = _enough(check_studies(log_hr, se, labels)), check_level(level)
    return _henmi_copas(studies.log_hr, studies.variance, level)


# ------------------------------------------------------------------ checks


def _enough(studies: Studies) -> Studies:
    if studies.k < FEWEST:
        raise ValueError(
            f"log_hr has {studies.k} values; methods for small-study effects need at least "
            f"{FEWEST} studies: with fewer they cannot tell a small-study effect from chance"
        )
    return studies


def _events(name: str, values: ArrayLike, studies: Studies) -> np.ndarray:
    counts = np.atleast_1d(np.asarray(values, dtype=float))
    if counts.shape != studies.log_hr.shape:
        raise ValueError(
            f"{name} has {counts.size} values and log_hr has {studies.k}; give one per study"
        )
    for label, count in zip(studies.labels, counts, strict=True):
        check_positive(f"study {label}: {name}", float(count))
    return counts


def _different(name: str, values: np.ndarray) -> np.ndarray:
    if np.ptp(values) <= COLLINEAR * np.abs(values).max():
        raise ValueError(f"{name} is the same in all studies; no trend can be estimated")
    return values


# ------------------------------------------------------------------ arithmetic, any k


def _linear(y: np.ndarray, v: np.ndarray, x: np.ndarray) -> AsymmetryTest:
    """Regression with a multiplicative error variance."""
    return _on_size(y, v, x, "CE", "hksj")


def _mixed(y: np.ndarray, v: np.ndarray, x: np.ndarray) -> AsymmetryTest:
    """Regression with an additive error variance, REML."""
    return _on_size(y, v, x, "REML", "wald")


def _on_size(
    y: np.ndarray, v: np.ndarray, x: np.ndarray, tau2: str, test: str
) -> AsymmetryTest:
    import pandas as pd

    fit = regression(y, np.sqrt(v), pd.DataFrame({"size": x}), tau2, test)
    # A residual of rounding errors has no size to set the slope against.
    if test == "hksj" and fit.qe <= COLLINEAR**2 * float((y**2 / v).sum()):
        raise ValueError(
            "log_hr lies on one line without any scatter; no p-value can be given for the slope"
        )
    slope = fit.coefficients.iloc[1]
    return AsymmetryTest(
        float(fit.coefficients["estimate"].iloc[0]),
        float(slope["estimate"]),
        float(slope["se"]),
        float(slope["statistic"]),
        fit.df,
        float(slope["p"]),
    )


def _rank(y: np.ndarray, v: np.ndarray) -> RankTest:
    from scipy.stats import kendalltau

    w = 1 / v
    mean = (w @ y) / w.sum()
    standardised = (y - mean) / np.sqrt(v - 1 / w.sum())
    ties = min(np.unique(standardised).size, np.unique(v).size) < y.size
    tau, p = kendalltau(standardised, v, method="asymptotic" if ties else "exact")
    return RankTest(float(tau), float(p))


def _trim_and_fill(y: np.ndarray, v: np.ndarray, side: str | None) -> TrimAndFill:
    if side is None:
        side = "right" if _mixed(y, v, np.sqrt(v)).slope < 0 else "left"
    # Mirror the data where studies are missing on the right, so that the extreme are on top.
    sign = -1.0 if side == "right" else 1.0
    order = np.argsort(sign * y, kind="stable")
    mirrored, variance = sign * y[order], v[order]
    missing, centre = _missing(mirrored, np.sqrt(variance))
    top = slice(y.size - missing, y.size)
    all_y = np.concatenate([y, sign * (2 * centre - mirrored[top])])
    all_se = np.sqrt(np.concatenate([v, variance[top]]))
    return TrimAndFill(missing, side, all_y, all_se, pool(all_y, all_se))


def _missing(y: np.ndarray, se: np.ndarray) -> tuple[int, float]:
    """Number of studies missing on the left of sorted studies, and the trimmed centre (L0)."""
    k, missing, seen = y.size, 0, set()
    while missing not in seen:
        seen.add(missing)
        centre = pool(y[: k - missing], se[: k - missing]).mu
        distance = y - centre
        rank = np.empty(k)
        rank[np.argsort(np.abs(distance), kind="stable")] = np.arange(1, k + 1)
        positive = rank[distance > 0].sum()
        found = max(0, round((4 * positive - k * (k + 1)) / (2 * k - 1)))
        if found == missing:
            return missing, centre
        missing = min(found, k - 1)
    raise ValueError("log_hr: the number of missing studies does not settle in trim and fill")


class _Conditional(NamedTuple):
    """Mean and variance of Cochran's Q given the standardised error r of the estimate."""

    spread: float
    mean: tuple[float, float]
    variance: tuple[float, float]


def _given_error(w: np.ndarray, tau2: float) -> _Conditional:
    """Moments of the quadratic form Q in the errors, given the weighted mean error."""
    covariance = np.diag(1 / w + tau2)
    direction = w / np.sqrt(w.sum())
    with_mean = covariance @ direction
    spread = float(direction @ with_mean)
    slope = with_mean / spread
    rest = covariance - np.outer(with_mean, slope)
    form = np.diag(w) - np.outer(w, w) / w.sum()
    product, turned = form @ rest, form @ slope
    mean = (float(np.trace(product)), float(slope @ turned))
    variance = (
        float(2 * np.trace(product @ product)),
        float(4 * turned @ rest @ turned),
    )
    return _Conditional(spread, mean, variance)


def _henmi_copas(y: np.ndarray, v: np.ndarray, level: float) -> HenmiCopas:
    from scipy.integrate import quad
    from scipy.optimize import brentq

    w = 1 / v
    total, squares = w.sum(), (w**2).sum() / w.sum()
    mean, df = float((w @ y) / total), y.size - 1
    tau2 = max(0.0, float(((w @ (y - mean) ** 2) - df) / (total - squares)))
    given = _given_error(w, tau2)
    scale = np.sqrt(given.spread)

    def beyond(limit: float) -> float:
        """Probability that the estimate over its standard error exceeds the limit."""

        def density(z: float) -> float:
            first = given.mean[0] + given.mean[1] * (scale * z) ** 2
            second = given.variance[0] + given.variance[1] * (scale * z) ** 2
            ratio = (z / limit) ** 2 - 1
            at_most = df + (total / squares - 1) * ratio
            below = gammainc(first**2 / second, at_most * first / second)
            return below * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

        return quad(density, limit, np.inf, epsabs=1e-13, epsrel=1e-12, limit=200)[0]

    tail = (1 - level) / 2
    if not beyond(NARROWEST) > tail > beyond(WIDEST):
        raise ValueError(
            f"henmi_copas finds no limits at level {level:g} between {NARROWEST:g} and "
            f"{WIDEST:g} standard errors: one study outweighs the others, or level is extreme"
        )
    limit = float(brentq(lambda x: beyond(x) - tail, NARROWEST, WIDEST, xtol=1e-13))
    se = float(np.sqrt((1 + tau2 * squares) / total))
    half = limit * float(scale) * se
    return HenmiCopas(mean, se, mean - half, mean + half, level)
