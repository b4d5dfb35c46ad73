"""Three-level model: estimates within clusters, such as the cohorts of one trial."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from oligomdt.pooling.interval import limits
from oligomdt.pooling.ratio import HazardRatio
from oligomdt.pooling.studies import check_group, check_studies
from oligomdt.pooling.validation import check_choice, check_level

__all__ = ["RobustEffect", "ThreeLevelEffect", "three_level"]


@dataclass(frozen=True)
class RobustEffect(HazardRatio):
    """The pooled log hazard ratio with a cluster-robust standard error.

    Attributes
    ----------
    mu, se : float
        Log hazard ratio and CR1 standard error.
    ci_low, ci_high, p : float
        Limits and two-sided p-value, t distribution.
    df : int
        Number of clusters minus 1.
    clusters : int
        Number of clusters. With fewer than about ten the standard error is too small on
        average; it is no remedy for few trials.
    level : float
        Confidence level.
    """

    mu: float
    se: float
    ci_low: float
    ci_high: float
    p: float
    df: int
    clusters: int
    level: float


@dataclass(frozen=True, eq=False)
class ThreeLevelEffect(HazardRatio):
    """A pooled log hazard ratio with variation between and within clusters.

    Attributes
    ----------
    mu, se : float
        Log hazard ratio and standard error.
    ci_low, ci_high, p : float
        Limits and two-sided p-value.
    df : float
        Degrees of freedom; infinity for the normal distribution.
    sigma2_cluster, sigma2_study : float
        Variance between clusters, and between the studies of a cluster.
    log_likelihood : float
        Maximum of the (restricted) log-likelihood, constants included.
    weights : numpy.ndarray, shape (k,)
        Weights of the studies; they sum to 1.
    method, test : str
        "REML" or "ML"; "wald" or "t".
    level : float
        Confidence level.
    labels : tuple of str
        Names of the studies.
    clusters : tuple
        Cluster of each study.
    residuals : numpy.ndarray, shape (k,)
        Log hazard ratios minus `mu`.
    notes : tuple of str
        What a reader must know about this result; often empty.
    """

    mu: float
    se: float
    ci_low: float
    ci_high: float
    p: float
    df: float
    sigma2_cluster: float
    sigma2_study: float
    log_likelihood: float
    weights: np.ndarray
    method: str
    test: str
    level: float
    labels: tuple[str, ...]
    clusters: tuple[Hashable, ...]
    residuals: np.ndarray
    notes: tuple[str, ...] = ()

    def robust(self) -> RobustEffect:
        """Return the effect with a cluster-robust (CR1) standard error.

        ``se**2 = m / (m - 1) * sum over the m clusters of (sum of weight * residual)**2``
        (Hedges, Tipton and Johnson 2010, doi:10.1002/jrsm.5), t with m - 1 degrees of freedom.
        It stays valid in large numbers where the model of the dependence is wrong.
        """
        parts: dict[Hashable, float] = {}
        for name, part in zip(self.clusters, self.weights * self.residuals, strict=True):
            parts[name] = parts.get(name, 0.0) + float(part)
        m = len(parts)
        se = (m / (m - 1) * sum(part**2 for part in parts.values())) ** 0.5
        low, high, p = limits(self.mu, se, m - 1, self.level)
        return RobustEffect(self.mu, se, low, high, p, m - 1, m, self.level)

    def to_dict(self) -> dict[str, Any]:
        """Return one tidy row."""
        same = ("method", "test", "level", "mu", "se", "ci_low", "ci_high")
        more = ("hr", "hr_low", "hr_high", "p", "df", "sigma2_cluster", "sigma2_study")
        return {
            "k": len(self.labels),
            "clusters": len(set(self.clusters)),
            **{name: getattr(self, name) for name in same + more},
            "log_likelihood": self.log_likelihood,
            "notes": "; ".join(self.notes),
        }


def three_level(
    log_hr: ArrayLike,
    se: ArrayLike,
    cluster: Sequence[Hashable],
    method: str = "REML",
    test: str = "wald",
    level: float = 0.95,
    labels: Sequence[str] | None = None,
) -> ThreeLevelEffect:
    """Pool studies that come in clusters, for example cohorts of the same trial.

    ``log_hr[i] ~ N(mu + b[cluster] + c[i], se[i]**2)`` with ``b ~ N(0, sigma2_cluster)`` and
    ``c ~ N(0, sigma2_study)`` (Konstantopoulos 2011, doi:10.1002/jrsm.35). Sampling errors are
    taken as independent, so no patient may count in two studies. Where the likelihood has
    several maxima the highest is taken.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors, k at least 3.
    cluster : sequence, shape (k,)
        Name of the cluster of each study: at least two clusters, one of them with two studies,
        or the two variances cannot be told apart.
    method : str
        "REML" or "ML".
    test : str
        "wald" (normal) or "t" (k - 1 degrees of freedom).
    level : float
        Confidence level between 0 and 1.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    ThreeLevelEffect
        `robust` gives the cluster-robust standard error. Where a single cluster holds more
        than one study `notes` says so.

    Raises
    ------
    ValueError
        For bad studies, a missing cluster, one cluster only, clusters of one study each, fewer
        than three studies, or an unknown method, test or level.

    Examples
    --------
    >>> effect = three_level([-0.9, -0.8, -0.1, 0.0], [0.2] * 4, ["A", "A", "B", "B"])
    >>> round(effect.mu, 3), round(effect.sigma2_cluster, 3), round(effect.sigma2_study, 3)
    (-0.45, 0.3, 0.0)
    """
    studies, level = check_studies(log_hr, se, labels), check_level(level)
    check_choice("method", method, ("REML", "ML"))
    check_choice("test", test, ("wald", "t"))
    if len(cluster) == studies.k and len(set(cluster)) == 1:
        raise ValueError("cluster has one value only; three levels need at least two clusters")
    grouping = check_group(cluster, studies, "cluster")
    sizes = grouping.sizes
    if sizes.max() < 2:
        raise ValueError(
            "cluster: each holds one study, so the variances between and within clusters "
            "cannot be told apart; use pool()"
        )
    together = grouping.design @ grouping.design.T
    data = _Data(studies.log_hr, studies.variance, together, method == "REML")
    sigma2 = _maximum(data)
    fit = _fit(data, sigma2)
    error, df = fit.total**-0.5, studies.k - 1 if test == "t" else np.inf
    low, high, p = limits(fit.mu, error, df, level)
    return ThreeLevelEffect(
        mu=fit.mu,
        se=error,
        ci_low=low,
        ci_high=high,
        p=p,
        df=float(df),
        sigma2_cluster=float(sigma2[0]),
        sigma2_study=float(sigma2[1]),
        log_likelihood=fit.log_likelihood,
        weights=fit.weights / fit.total,
        method=method,
        test=test,
        level=level,
        labels=studies.labels,
        clusters=tuple(cluster),
        residuals=studies.log_hr - fit.mu,
        notes=_notes(sizes),
    )


def _notes(sizes: np.ndarray) -> tuple[str, ...]:
    if (sizes > 1).sum() == 1:
        return (
            "one cluster only holds more than one study: how much the studies of a cluster "
            "share cannot be estimated from it",
        )
    return ()


class _Data(NamedTuple):
    """What the likelihood is a function of the variances of."""

    y: np.ndarray
    v: np.ndarray
    together: np.ndarray
    restricted: bool


class _Fit(NamedTuple):
    """Generalised least squares at given variances, with the slope of the likelihood."""

    mu: float
    total: float
    weights: np.ndarray
    log_likelihood: float
    score: np.ndarray
    information: np.ndarray


def _fit(data: _Data, sigma2: np.ndarray) -> _Fit:
    k = data.y.size
    precision = 1 / (sigma2[1] + data.v)
    # One cluster's covariance is a diagonal plus a constant: its inverse has a closed form.
    growth = 1 + sigma2[0] * (data.together @ precision)
    shared = data.together * np.outer(precision, precision) / growth * sigma2[0]
    inverse = np.diag(precision) - shared
    weights = precision / growth
    total = float(weights.sum())
    mu = float(weights @ data.y) / total
    standardised = inverse @ (data.y - mu)
    log_determinant = (np.log(growth) / data.together.sum(axis=0) - np.log(precision)).sum()
    likelihood = -log_determinant - (data.y - mu) @ standardised
    likelihood -= (k - data.restricted) * np.log(2 * np.pi)
    if data.restricted:
        # The constant log k is that of a design of ones; it makes likelihoods comparable.
        likelihood += np.log(k) - np.log(total)
    # P of the restricted likelihood; for ML the inverse itself.
    p = inverse - np.outer(weights, weights) / total if data.restricted else inverse
    parts = (data.together, np.eye(k))
    score = [standardised @ part @ standardised - (p * part).sum() for part in parts]
    products = [p @ part for part in parts]
    information = [[(a * b.T).sum() for b in products] for a in products]
    return _Fit(
        mu, total, weights, float(likelihood) / 2, np.array(score), np.array(information)
    )


def _maximum(data: _Data) -> np.ndarray:
    """Highest maximum over both variances >= 0: climbs from the best points of a grid."""
    unit = max(float(np.ptp(data.y) ** 2), float(data.v.min()))
    steps = unit * np.concatenate([[0.0], np.geomspace(1e-4, 1, 9)])
    grid = [np.array([a, b]) for a in steps for b in steps]
    height = [_fit(data, point).log_likelihood for point in grid]
    starts = [grid[i] for i in np.argsort(height)[-3:]]
    peaks = [_climb(data, start, unit) for start in starts]
    return max(peaks, key=lambda point: _fit(data, point).log_likelihood)


def _climb(data: _Data, start: np.ndarray, unit: float) -> np.ndarray:
    """Fisher scoring with halved steps; a variance of 0 stays 0 while its score is below 0."""
    point = start
    for _ in range(1000):
        fit = _fit(data, point)
        free = (point > 0) | (fit.score > 0)
        if not free.any():
            return point
        step = np.zeros(2)
        # Least squares, for two studies of which one is far more precise than the other.
        step[free] = np.linalg.lstsq(fit.information[np.ix_(free, free)], fit.score[free])[0]
        moved = _uphill(data, point, step, fit.log_likelihood)
        if np.abs(moved - point).max() <= 1e-12 * unit:
            return moved
        point = moved
    raise ValueError(
        "log_hr: the likelihood of the three-level model has no maximum that could be found; "
        "check the standard errors"
    )


def _uphill(data: _Data, point: np.ndarray, step: np.ndarray, height: float) -> np.ndarray:
    noise = 1e-12 * (1 + abs(height))
    for halving in range(60):
        moved = np.maximum(point + step * 0.5**halving, 0.0)
        gain = _fit(data, moved).log_likelihood - height
        if gain > noise:
            return moved
        if gain >= -noise:
            # The likelihood is flat to its last digits here; the score still points to the
            # maximum, and half a step cannot swing around it.
            return np.maximum(point + step * 0.5 ** (halving + 1), 0.0)
    return point
