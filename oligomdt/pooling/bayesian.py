"""Bayesian random-effects model with a half-normal prior on tau, by quadrature."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from oligomdt.pooling import model
from oligomdt.pooling.mixture import NormalMixture, TauPosterior
from oligomdt.pooling.studies import check_group, check_studies
from oligomdt.pooling.validation import check_level, check_positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BayesianDifference", "BayesianEffect", "bayes", "bayes_interaction"]

PANELS, ORDER = 80, 12


@dataclass(frozen=True, eq=False)
class BayesianEffect:
    """Posterior of the random-effects model.

    Attributes
    ----------
    mu : NormalMixture
        Mean log hazard ratio over studies.
    tau : TauPosterior
        Between-study standard deviation.
    theta_new : NormalMixture
        Log hazard ratio in a new study: the predictive distribution.
    shrinkage : tuple of NormalMixture
        Log hazard ratio in each study, given all of them.
    log_marginal_likelihood : float
        With a prior density of 1 for `mu`; compares values of tau_scale.
    tau_scale : float
        Scale of the half-normal prior.
    k : int
        Number of studies.
    level : float
        Level of the central credible intervals.
    labels : tuple of str
        Names of the studies.
    """

    mu: NormalMixture
    tau: TauPosterior
    theta_new: NormalMixture
    shrinkage: tuple[NormalMixture, ...]
    log_marginal_likelihood: float
    tau_scale: float
    k: int
    level: float
    labels: tuple[str, ...]

    @property
    def hr(self) -> float:
        """Posterior median of the hazard ratio."""
        return float(np.exp(self.mu.median))

    @property
    def hr_low(self) -> float:
        """Lower credible limit of the hazard ratio."""
        return float(np.exp(self.mu.ci_low))

    @property
    def hr_high(self) -> float:
        """Upper credible limit of the hazard ratio."""
        return float(np.exp(self.mu.ci_high))

    def to_dict(self) -> dict[str, Any]:
        """Return one tidy row; `mu` is the posterior mean and `se` the posterior SD."""
        return {
            "k": self.k,
            "method": f"Bayes half-normal({self.tau_scale:g})",
            "ci_method": "central",
            "level": self.level,
            "mu": self.mu.mean,
            "se": self.mu.sd,
            "mu_median": self.mu.median,
            "ci_low": self.mu.ci_low,
            "ci_high": self.mu.ci_high,
            "hr": self.hr,
            "hr_low": self.hr_low,
            "hr_high": self.hr_high,
            "p_hr_below_1": self.mu.p_hr_below(1),
            **{f"tau_{key}": value for key, value in self.tau.summary().items()},
            "prediction_low": self.theta_new.ci_low,
            "prediction_high": self.theta_new.ci_high,
            "prediction_convention": "posterior predictive",
            "new_p_hr_below_1": self.theta_new.p_hr_below(1),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the row of `to_dict` as a data frame."""
        import pandas as pd

        return pd.DataFrame([self.to_dict()])

    def shrinkage_frame(self) -> pd.DataFrame:
        """Return one row per study: its label and its posterior summary, log scale."""
        import pandas as pd

        rows = [each.summary() for each in self.shrinkage]
        return pd.DataFrame(rows).assign(label=self.labels).set_index("label").reset_index()


@dataclass(frozen=True, eq=False)
class BayesianDifference:
    """Posterior of the group means of studies whose groups share one tau.

    Attributes
    ----------
    groups : dict
        Group name to the posterior of its mean log hazard ratio.
    differences : dict
        Group name to the posterior of its mean minus that of the reference: the log of the
        ratio of hazard ratios. Its `p_hr_below(1)` is the probability that the group has the
        smaller hazard ratio.
    reference : hashable
        Name of the reference group.
    tau : TauPosterior
        Between-study standard deviation within groups.
    tau_scale, level : float
        Scale of the half-normal prior; level of the central credible intervals.
    """

    groups: dict[Hashable, NormalMixture]
    differences: dict[Hashable, NormalMixture]
    reference: Hashable
    tau: TauPosterior
    tau_scale: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row per comparison; `ratio` is the ratio of hazard ratios (median)."""
        import pandas as pd

        rows = []
        for name, each in self.differences.items():
            row = {"group": name, "reference": self.reference, "level": self.level}
            row |= {f"log_ratio_{key}": value for key, value in each.summary().items()}
            limits = np.exp([each.median, each.ci_low, each.ci_high])
            row |= dict(zip(("ratio", "ratio_low", "ratio_high"), limits, strict=True))
            rows.append(row | {"p_ratio_below_1": each.p_hr_below(1)})
        return pd.DataFrame(rows)


def bayes(
    log_hr: ArrayLike,
    se: ArrayLike,
    tau_scale: float = 0.5,
    level: float = 0.95,
    labels: Sequence[str] | None = None,
) -> BayesianEffect:
    """Bayesian random-effects model: flat prior on mu, half-normal prior on tau.

    ``log_hr[i] ~ N(theta[i], se[i]**2)``, ``theta[i] ~ N(mu, tau**2)``,
    ``tau ~ half-normal(tau_scale)``. mu is integrated out in closed form and tau by
    Gauss-Legendre quadrature (Roever 2020, doi:10.18637/jss.v093.i06); nothing is drawn at
    random. Scale 0.5 for log hazard ratios: Roever and others 2021, doi:10.1002/jrsm.1475.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors. With one study the posterior of tau is the
        prior.
    tau_scale : float
        Scale of the prior, above 0.
    level : float
        Level of the central credible intervals, between 0 and 1.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    BayesianEffect

    Raises
    ------
    ValueError
        For bad studies, a scale not above 0 or a level outside 0 to 1.

    Examples
    --------
    >>> posterior = bayes([-0.9, -0.1, -0.5], [0.2, 0.2, 0.2])
    >>> round(posterior.hr, 3), round(posterior.mu.p_hr_below(1), 3)
    (0.607, 0.958)
    """
    studies = check_studies(log_hr, se, labels)
    tau_scale, level = check_positive("tau_scale", tau_scale), check_level(level)
    y, v = studies.log_hr, studies.variance
    marginal = _integrate(y, v, np.ones((studies.k, 1)), tau_scale, level)
    tau, p = marginal.tau.nodes.ravel(), marginal.tau.weights.ravel()
    mean, variance = marginal.mean[:, 0], marginal.variance[:, 0]
    shrinkage = []
    for effect, error in zip(y, v, strict=True):
        pull = error / (error + tau**2)
        spread = np.sqrt((1 - pull) * error + pull**2 * variance)
        shrinkage.append(NormalMixture(p, (1 - pull) * effect + pull * mean, spread, level))
    return BayesianEffect(
        mu=NormalMixture(p, mean, np.sqrt(variance), level),
        tau=marginal.tau,
        theta_new=NormalMixture(p, mean, np.sqrt(variance + tau**2), level),
        shrinkage=tuple(shrinkage),
        log_marginal_likelihood=marginal.log_marginal_likelihood,
        tau_scale=tau_scale,
        k=studies.k,
        level=level,
        labels=studies.labels,
    )


def bayes_interaction(
    log_hr: ArrayLike,
    se: ArrayLike,
    group: Sequence[Hashable],
    tau_scale: float = 0.5,
    level: float = 0.95,
    reference: Hashable | None = None,
    labels: Sequence[str] | None = None,
) -> BayesianDifference:
    """Bayesian ratio of hazard ratios between groups that share one tau.

    The model of `bayes` with one mean per group (flat priors) and one tau for all groups, so
    that small groups borrow the spread, not the effect. Differences between groups of
    different trials are not randomised comparisons.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors.
    group : sequence, shape (k,)
        Group of each study; at least two groups.
    tau_scale : float
        Scale of the half-normal prior, above 0.
    level : float
        Level of the central credible intervals, between 0 and 1.
    reference : hashable, optional
        Group in the denominator of the ratios; default the first in the input.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    BayesianDifference

    Raises
    ------
    ValueError
        For bad studies or groups, an unknown reference, scale or level.

    Examples
    --------
    >>> posterior = bayes_interaction([-1.0, -0.8, -0.2], [0.4, 0.3, 0.3], ["a", "a", "b"])
    >>> round(float(np.exp(posterior.differences["b"].median)), 2)
    1.97
    """
    studies = check_studies(log_hr, se, labels)
    grouping = check_group(group, studies)
    base = grouping.index(reference)
    tau_scale, level = check_positive("tau_scale", tau_scale), check_level(level)
    marginal = _integrate(studies.log_hr, studies.variance, grouping.design, tau_scale, level)
    p, mean, variance = marginal.tau.weights.ravel(), marginal.mean, marginal.variance
    groups, differences = {}, {}
    for i, name in enumerate(grouping.names):
        groups[name] = NormalMixture(p, mean[:, i], np.sqrt(variance[:, i]), level)
        if i != base:
            spread = np.sqrt(variance[:, i] + variance[:, base])
            differences[name] = NormalMixture(p, mean[:, i] - mean[:, base], spread, level)
    return BayesianDifference(
        groups, differences, grouping.names[base], marginal.tau, tau_scale, level
    )


class _Marginal(NamedTuple):
    tau: TauPosterior
    mean: np.ndarray
    variance: np.ndarray
    log_marginal_likelihood: float


def _integrate(
    y: np.ndarray, v: np.ndarray, design: np.ndarray, scale: float, level: float
) -> _Marginal:
    """Posterior of tau on quadrature nodes, and the group means given each node."""

    def log_density(tau: np.ndarray) -> np.ndarray:
        f = model.fit(y, v, design, tau**2)
        prior = 0.5 * np.log(2 / np.pi) - np.log(scale) - 0.5 * (tau / scale) ** 2
        return model.restricted_log_likelihood(f) + prior

    edges, peak = _panels(log_density, y, v, scale)
    unit, unit_weight = np.polynomial.legendre.leggauss(ORDER)
    half = np.diff(edges)[:, None] / 2
    nodes = edges[:-1, None] + half * (unit + 1)
    flat = nodes.ravel()
    mass = half * unit_weight * np.exp(log_density(flat) - peak).reshape(nodes.shape)
    constant = float(mass.sum())
    tau = TauPosterior(
        nodes, mass / constant, level, lambda t: np.exp(log_density(t) - peak), edges, constant
    )
    f = model.fit(y, v, design, flat**2)
    free = y.size - design.shape[1]
    evidence = np.log(constant) + peak - 0.5 * free * np.log(2 * np.pi)
    return _Marginal(tau, f.mean, 1 / f.total, float(evidence))


def _panels(
    log_density: Any, y: np.ndarray, v: np.ndarray, scale: float
) -> tuple[np.ndarray, float]:
    """Edges of panels over the tau that matter, and the largest log density.

    Even steps of asinh(tau / unit): close together near zero, by factors further out. What
    lies 50 log units below the peak is left out: less than 1e-20 of the mass.
    """
    unit = min(scale, float(np.sqrt(v.min())))
    farthest = 12 * max(scale, float(np.ptp(y)), float(np.sqrt(v.max())))
    position = np.linspace(0, np.arcsinh(farthest / unit), 4001)
    height = log_density(unit * np.sinh(position))
    peak = float(height.max())
    kept = np.flatnonzero(height > peak - 50)
    first, last = max(kept[0] - 1, 0), min(kept[-1] + 1, position.size - 1)
    return unit * np.sinh(np.linspace(position[first], position[last], PANELS + 1)), peak
