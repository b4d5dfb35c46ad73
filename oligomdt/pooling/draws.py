"""The pooling of many draws of the same studies at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, chdtri, ndtr, ndtri, stdtr, stdtrit

from oligomdt.pooling import model
from oligomdt.pooling.effect import CI_METHODS
from oligomdt.pooling.heterogeneity import TAU2_METHODS
from oligomdt.pooling.imputation import rubin
from oligomdt.pooling.interval import limits
from oligomdt.pooling.ratio import HazardRatio
from oligomdt.pooling.studies import check_numbers, computable
from oligomdt.pooling.validation import check_choice, check_level

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CombinedEffect", "PooledDraws", "pool_draws"]

# Draws handled together: their arrays stay in the cache of the processor.
CHUNK = 2048
# Places at which the slope of the likelihood is looked at.
PLACES = 100
# A Newton step shorter than this share of tau2 is the last: what it leaves is its square.
LAST_STEP = 1e-7
# So many Newton steps at most; after that the bracket is halved.
NEWTON = 30


@dataclass(frozen=True)
class CombinedEffect(HazardRatio):
    """One pooled log hazard ratio from many draws of the studies.

    Attributes
    ----------
    mu, se : float
        Mean over draws, and the square root of the total variance.
    ci_low, ci_high : float
        Limits by Student t with `df` degrees of freedom.
    df : float
        Rubin's degrees of freedom; where the interval of each draw is itself one of Student t,
        fewer (see `PooledDraws.combine`).
    within, between : float
        Mean variance of the pooled effect within draws, and its variance between draws.
    share : float
        Share of the total variance that comes from the draws, 0 to 1.
    draws : int
        Number of draws.
    level : float
        Confidence level.
    """

    mu: float
    se: float
    ci_low: float
    ci_high: float
    df: float
    within: float
    between: float
    share: float
    draws: int
    level: float


@dataclass(frozen=True, eq=False)
class PooledDraws:
    """Pooled log hazard ratios, one for each draw of the studies.

    Attributes
    ----------
    mu, se, df, ci_low, ci_high, p : numpy.ndarray, shape (draws,)
        As those of `PooledEffect`.
    tau2, i2, h2, d2, q, q_p, scale : numpy.ndarray, shape (draws,)
        As those of `PooledEffect`.
    tau2_low, tau2_high : numpy.ndarray, shape (draws,)
        Q-profile interval of tau2; NaN where it is empty.
    prediction_low, prediction_high : numpy.ndarray, shape (draws,)
        Prediction interval, convention "t_km1"; NaN below three studies and for a common
        effect.
    wald_se : numpy.ndarray, shape (draws,)
        Standard error without a Hartung-Knapp factor.
    weights : numpy.ndarray, shape (draws, k)
        Weights of the studies; each row sums to 1.
    method, ci_method : str
        Estimator of tau2, and interval.
    level : float
        Confidence level of all intervals.
    """

    mu: np.ndarray
    se: np.ndarray
    df: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    p: np.ndarray
    tau2: np.ndarray
    tau2_low: np.ndarray
    tau2_high: np.ndarray
    i2: np.ndarray
    h2: np.ndarray
    d2: np.ndarray
    q: np.ndarray
    q_p: np.ndarray
    scale: np.ndarray
    prediction_low: np.ndarray
    prediction_high: np.ndarray
    wald_se: np.ndarray
    weights: np.ndarray
    method: str
    ci_method: str
    level: float

    @property
    def draws(self) -> int:
        """Number of draws."""
        return self.weights.shape[0]

    @property
    def k(self) -> int:
        """Number of studies."""
        return self.weights.shape[1]

    def with_interval(self, ci: str) -> PooledDraws:
        """Return the same fits with another interval: wald, hksj, adhoc or wider."""
        check_choice("ci", ci, CI_METHODS)
        limits = _intervals(self.mu, self.wald_se, self.scale, self.k - 1, ci, self.level)
        predicted = _prediction(
            self.mu, limits["se"], self.tau2, self.k, self.method, self.level
        )
        return replace(self, **limits, **predicted, ci_method=ci)

    def combine(self) -> CombinedEffect:
        """Combine the draws into one estimate by Rubin's rules.

        Each draw is pooled first and the pooled effects are combined (Rubin 1987,
        doi:10.1002/9780470316696). Where the interval of a draw has k - 1 degrees of freedom
        those of the combined one are ``1 / (1 / Rubin's + 1 / (k - 1))``: never more than
        k - 1, and k - 1 where all draws are the same and add nothing. Barnard and Rubin's
        (1999, doi:10.1093/biomet/86.4.948) are made for large k: with k = 2 and equal draws
        they are 0.5 instead of 1, which makes the interval thirteen times as long. For
        "wider" a draw is taken to have k - 1 as soon as one has them.

        Returns
        -------
        CombinedEffect

        Raises
        ------
        ValueError
            For one draw, or a draw whose standard error is 0 (hksj of identical estimates).
        """
        both = rubin(self.mu, self.se)
        df = 1 / (1 / both.df + 1 / float(self.df.min()))
        low, high, _ = limits(both.log_hr, both.se, df, self.level)
        return CombinedEffect(
            both.log_hr,
            both.se,
            low,
            high,
            df,
            both.within,
            both.between,
            both.share,
            both.draws,
            self.level,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per draw, without the weights."""
        import pandas as pd

        return pd.DataFrame(
            {n: value for n, value in vars(self).items() if np.ndim(value) == 1}
        )


def pool_draws(
    log_hr: ArrayLike,
    se: ArrayLike,
    tau2: str = "REML",
    ci: str = "wald",
    level: float = 0.95,
) -> PooledDraws:
    """Pool many draws of the same studies at once.

    Each row is pooled as by `pool`, to about 1e-10, but all rows together: 10,000 draws take
    about as long as a few hundred calls of `pool`.

    Parameters
    ----------
    log_hr, se : array_like, shape (draws, k)
        Log hazard ratios and standard errors; one row per draw, one column per study, at least
        two.
    tau2 : str
        CE, DL, HE, HS, SJ, ML, REML, EB or PM.
    ci : str
        wald, hksj, adhoc or wider; `PooledDraws.with_interval` gives another without a new fit.
    level : float
        Confidence level between 0 and 1, for all intervals.

    Returns
    -------
    PooledDraws

    Raises
    ------
    ValueError
        For arrays that are not two-dimensional or of different shapes, fewer than two studies,
        no draw, a value that is not finite or a standard error not above 0 (the message names
        draw and study), an unknown method, or a level outside 0 to 1.

    Examples
    --------
    >>> draws = pool_draws([[-0.9, -0.1, -0.5], [-0.8, -0.2, -0.5]], [[0.2, 0.2, 0.2]] * 2)
    >>> draws.mu.round(3).tolist(), draws.tau2.round(3).tolist()
    ([-0.5, -0.5], [0.12, 0.05])
    """
    log_hr, se, level = _as_matrix("log_hr", log_hr), _as_matrix("se", se), check_level(level)
    check_choice("tau2", tau2, TAU2_METHODS)
    check_choice("ci", ci, CI_METHODS)
    _check_shapes(log_hr, se)
    parts = [
        _pooled(log_hr[start : start + CHUNK], se[start : start + CHUNK], tau2, ci, level)
        for start in range(0, len(log_hr), CHUNK)
    ]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return PooledDraws(**joined, method=tau2, ci_method=ci, level=level)


# Input ---------------------------------------------------------------------------------------


def _as_matrix(name: str, values: ArrayLike) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must hold numbers only, in rows of equal length") from error
    if array.ndim != 2:
        raise ValueError(
            f"{name} has {array.ndim} dimensions; give one row per draw, one column per study"
        )
    return array


def _check_shapes(log_hr: np.ndarray, se: np.ndarray) -> None:
    if log_hr.shape != se.shape:
        raise ValueError(
            f"log_hr has shape {log_hr.shape} and se {se.shape}; give equal shapes"
        )
    draws, k = log_hr.shape
    if draws == 0:
        raise ValueError("log_hr has no row; give at least one draw")
    if k < 2:
        raise ValueError(f"log_hr has {k} columns; pooling needs at least two studies")
    for row in np.flatnonzero(~computable(log_hr, se).all(axis=1))[:1]:
        check_numbers(log_hr[row], se[row], [f"{j + 1} of draw {row + 1}" for j in range(k)])


# All draws of a chunk, studies along the first axis -------------------------------------------


class _Fit(NamedTuple):
    """Weighted mean of each draw at its own tau2."""

    weights: np.ndarray
    total: np.ndarray
    mean: np.ndarray
    residual: np.ndarray
    q: np.ndarray


def _fit(y: np.ndarray, v: np.ndarray, tau2: np.ndarray | float) -> _Fit:
    w = 1 / (v + tau2)
    total = w.sum(axis=0)
    mean = (w * y).sum(axis=0) / total
    residual = y - mean
    return _Fit(w, total, mean, residual, (w * residual**2).sum(axis=0))


def _pooled(
    log_hr: np.ndarray, se: np.ndarray, method: str, ci: str, level: float
) -> dict[str, np.ndarray]:
    y, v = np.ascontiguousarray(log_hr.T), np.ascontiguousarray(se.T) ** 2
    k = len(y)
    common = _fit(y, v, 0.0)
    tau2 = _tau2(y, v, common, method)
    fit = _fit(y, v, tau2)
    scale, wald_se = fit.q / (k - 1), fit.total**-0.5
    limits = _intervals(fit.mean, wald_se, scale, k - 1, ci, level)
    return {
        "mu": fit.mean,
        **limits,
        "tau2": tau2,
        **_q_profile(y, v, common, level),
        **_inconsistency(common, tau2, method),
        "d2": np.maximum(0.0, 1 - fit.total / common.total),
        "q": common.q,
        "q_p": chdtrc(k - 1, common.q),
        "scale": scale,
        **_prediction(fit.mean, limits["se"], tau2, k, method, level),
        "wald_se": wald_se,
        "weights": (fit.weights / fit.total).T,
    }


def _intervals(
    mu: np.ndarray, wald_se: np.ndarray, scale: np.ndarray, df: int, ci: str, level: float
) -> dict[str, np.ndarray]:
    if ci == "wider":
        wald, hksj = (
            _intervals(mu, wald_se, scale, df, one, level) for one in ("wald", "hksj")
        )
        longer = hksj["ci_high"] - hksj["ci_low"] > wald["ci_high"] - wald["ci_low"]
        return {name: np.where(longer, hksj[name], wald[name]) for name in wald}
    factor = {"wald": 1.0, "hksj": scale, "adhoc": np.maximum(1.0, scale)}[ci]
    se = wald_se * np.sqrt(factor)
    freedom = np.full(mu.shape, np.inf if ci == "wald" else float(df))
    half = _quantile(freedom[:1], level) * se
    # A Hartung-Knapp standard error of exactly 0 (identical estimates): no distribution.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = -np.abs(mu) / se
    p = 2 * (ndtr(ratio) if ci == "wald" else stdtr(df, ratio))
    return {"se": se, "df": freedom, "ci_low": mu - half, "ci_high": mu + half, "p": p}


def _prediction(
    mu: np.ndarray, se: np.ndarray, tau2: np.ndarray, k: int, method: str, level: float
) -> dict[str, np.ndarray]:
    half = np.full(mu.shape, np.nan)
    if method != "CE" and k >= 3:
        half = stdtrit(k - 1, (1 + level) / 2) * np.hypot(se, np.sqrt(tau2))
    return {"prediction_low": mu - half, "prediction_high": mu + half}


def _quantile(df: np.ndarray, level: float) -> np.ndarray:
    upper = (1 + level) / 2
    return np.where(np.isinf(df), ndtri(upper), stdtrit(np.where(np.isinf(df), 1, df), upper))


def _inconsistency(common: _Fit, tau2: np.ndarray, method: str) -> dict[str, np.ndarray]:
    df = len(common.weights) - 1
    if method == "CE":
        with np.errstate(divide="ignore"):
            return {"i2": np.maximum(0.0, 1 - df / common.q), "h2": common.q / df}
    typical = df * common.total / model.products_of_pairs(common.weights)
    return {"i2": tau2 / (tau2 + typical), "h2": 1 + tau2 / typical}


# tau2 of every draw ---------------------------------------------------------------------------


def _tau2(y: np.ndarray, v: np.ndarray, common: _Fit, method: str) -> np.ndarray:
    k = len(y)
    match method:
        case "CE":
            return np.zeros(y.shape[1])
        case "ML" | "REML":
            return _maximum(y, v, method)
        case "EB" | "PM":
            return _tau2_at_q(y, v, common, k - 1)
        case "DL":
            pairs = model.products_of_pairs(common.weights)
            tau2 = (common.q - (k - 1)) * common.total / pairs
        case "HS":
            tau2 = (common.q - k) / common.total
        case "HE":
            tau2 = y.var(axis=0, ddof=1) - v.mean(axis=0)
        case "SJ":
            start = y.var(axis=0)
            tau2 = start * _fit(y, v, start).q / (k - 1)
    return np.maximum(0.0, tau2)


def _q_profile(
    y: np.ndarray, v: np.ndarray, common: _Fit, level: float
) -> dict[str, np.ndarray]:
    df, tail = len(y) - 1, (1 - level) / 2
    largest, smallest = chdtri(df, tail), chdtri(df, 1 - tail)
    empty = common.q <= smallest
    limits = (_tau2_at_q(y, v, common, target) for target in (largest, smallest))
    low, high = (np.where(empty, np.nan, limit) for limit in limits)
    return {"tau2_low": low, "tau2_high": high}


def _tau2_at_q(y: np.ndarray, v: np.ndarray, common: _Fit, target: float) -> np.ndarray:
    """Solve generalised Q(tau2) = target; 0 where Q is below the target already at 0.

    1/Q rises and is concave in tau2, so that Newton's steps on it from 0 never go too far.
    """
    tau2 = np.zeros(y.shape[1])
    open_ = np.flatnonzero(common.q > target)
    while open_.size:
        fit = _fit(y[:, open_], v[:, open_], tau2[open_])
        fall = ((fit.weights * fit.residual) ** 2).sum(axis=0)
        step = np.maximum(0.0, (fit.q / target - 1) * fit.q / fall)
        tau2[open_] += step
        open_ = open_[step > LAST_STEP * tau2[open_]]
    return tau2


def _maximum(y: np.ndarray, v: np.ndarray, method: str) -> np.ndarray:
    """Highest maximum of the (restricted) likelihood of each draw, over tau2 >= 0."""
    draw, low, high = _brackets(y, v, method)
    best = np.zeros(y.shape[1])
    if draw.size == 0:
        return best
    root = _newton(y[:, draw], v[:, draw], low, high, method)
    height = _log_likelihood(_fit(y[:, draw], v[:, draw], root), method)
    above = height > _log_likelihood(_fit(y, v, 0.0), method)[draw]
    # In rising order of height, so that of several maxima of a draw the highest stays.
    order = np.flatnonzero(above)[np.argsort(height[above], kind="stable")]
    best[draw[order]] = root[order]
    return best


def _brackets(
    y: np.ndarray, v: np.ndarray, method: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every fall of the slope through 0 on a grid: draw, tau2 before and tau2 after it."""
    smallest = v.min(axis=0)
    high = np.maximum(np.ptp(y, axis=0) ** 2, smallest)
    rising = np.arange(y.shape[1])
    while rising.size:
        rising = rising[_slope(y[:, rising], v[:, rising], high[rising], method)[0] > 0]
        high[rising] *= 2
    # The likelihood changes on the scale of smallest + tau2.
    step = np.log1p(high / smallest) / (PLACES - 1)
    found, before, was = [], np.zeros_like(high), _slope(y, v, 0.0, method)[0]
    for place in range(1, PLACES):
        after = smallest * np.expm1(step * place)
        now = _slope(y, v, after, method)[0]
        draw = np.flatnonzero((was > 0) & (now <= 0))
        found.append((draw, before[draw], after[draw]))
        before, was = after, now
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def _newton(
    y: np.ndarray, v: np.ndarray, low: np.ndarray, high: np.ndarray, method: str
) -> np.ndarray:
    """Root of the slope in each bracket: Newton's steps, halving where they leave it."""
    root, (low, high) = (low + high) / 2, (low.copy(), high.copy())
    open_, step = np.arange(root.size), 0
    while open_.size:
        slope, bend = _slope(y[:, open_], v[:, open_], root[open_], method)
        low[open_] = np.where(slope > 0, root[open_], low[open_])
        high[open_] = np.where(slope > 0, high[open_], root[open_])
        with np.errstate(divide="ignore", invalid="ignore"):
            new = root[open_] - slope / bend
        inside = (new >= low[open_]) & (new <= high[open_]) & (step < NEWTON)
        new = np.where(inside, new, (low[open_] + high[open_]) / 2)
        last = inside & (np.abs(new - root[open_]) <= LAST_STEP * new)
        last |= high[open_] - low[open_] <= 4 * np.finfo(float).eps * high[open_]
        root[open_], step = new, step + 1
        open_ = open_[~last]
    return root


def _slope(
    y: np.ndarray, v: np.ndarray, tau2: np.ndarray | float, method: str
) -> tuple[np.ndarray, np.ndarray]:
    """Twice the derivative of the (restricted) log-likelihood in tau2, and its derivative."""
    w = 1 / (v + tau2)
    total = w.sum(axis=0)
    residual = y - (w * y).sum(axis=0) / total
    square, pull = w**2, w * residual
    second = square.sum(axis=0)
    lean = (w * pull).sum(axis=0)
    slope = (pull**2).sum(axis=0) - total
    bend = second - 2 * (w * pull**2).sum(axis=0) + 2 * lean**2 / total
    if method == "REML":
        share = second / total
        slope = slope + share
        bend = bend - 2 * (square * w).sum(axis=0) / total + share**2
    return slope, bend


def _log_likelihood(fit: _Fit, method: str) -> np.ndarray:
    height = 0.5 * (np.log(fit.weights).sum(axis=0) - fit.q)
    return height - 0.5 * np.log(fit.total) if method == "REML" else height
