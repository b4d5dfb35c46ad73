"""Bayesian random-effects model with a named prior on tau, by quadrature."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from oligomdt.pooling import model
from oligomdt.pooling.mixture import NormalMixture, TauPosterior
from oligomdt.pooling.priors import HalfNormal, TauPrior
from oligomdt.pooling.ratio import HazardRatio
from oligomdt.pooling.studies import check_group, check_studies
from oligomdt.pooling.validation import check_level, check_positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BayesianDifference", "BayesianEffect", "bayes", "bayes_interaction"]

DEFAULT_SCALE = 0.5
PANELS, ORDER = 80, 12
WIDEST_PANEL = 0.4
GRID, ENOUGH = 4001, 400


@dataclass(frozen=True, eq=False)
class BayesianEffect(HazardRatio):
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
        With a prior density of 1 for `mu`; compares priors on tau.
    tau_prior : TauPrior
        Prior on tau.
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
    tau_prior: TauPrior
    k: int
    level: float
    labels: tuple[str, ...]

    @property
    def tau_scale(self) -> float:
        """Scale of a half-normal prior; nan for another family."""
        return _scale(self.tau_prior)

    def _log_scale(self) -> tuple[float, float, float]:
        return self.mu.median, self.mu.ci_low, self.mu.ci_high

    def to_dict(self) -> dict[str, Any]:
        """Return one tidy row; `mu` is the posterior mean and `se` the posterior SD."""
        return {
            "k": self.k,
            "method": f"Bayes {self.tau_prior.name}",
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
    tau_prior : TauPrior
        Prior on tau.
    level : float
        Level of the central credible intervals.
    """

    groups: dict[Hashable, NormalMixture]
    differences: dict[Hashable, NormalMixture]
    reference: Hashable
    tau: TauPosterior
    tau_prior: TauPrior
    level: float

    @property
    def tau_scale(self) -> float:
        """Scale of a half-normal prior; nan for another family."""
        return _scale(self.tau_prior)

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
    tau_scale: float | None = None,
    level: float = 0.95,
    labels: Sequence[str] | None = None,
    tau_prior: TauPrior | None = None,
) -> BayesianEffect:
    """Bayesian random-effects model: flat prior on mu, a named prior on tau.

    ``log_hr[i] ~ N(theta[i], se[i]**2)``, ``theta[i] ~ N(mu, tau**2)``,
    ``tau ~ half-normal(0.5)`` unless another prior is given. mu is integrated out in closed
    form and tau by Gauss-Legendre quadrature (Roever 2020, doi:10.18637/jss.v093.i06);
    nothing is drawn at random. Scale 0.5 for log hazard ratios: Roever and others 2021,
    doi:10.1002/jrsm.1475.

    Every prior offered is proper, and so is every posterior. With a heavy-tailed prior and
    one or two studies the posterior mean or standard deviation may not exist: it is then nan
    or inf, never the number at which an integration happened to stop.

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors. With one study the posterior of tau is the
        prior.
    tau_scale : float, optional
        Scale of a half-normal prior, between 1e-9 and 1e6; 0.5 where no prior is given.
    level : float
        Level of the central credible intervals, between 0 and 1.
    labels : sequence of str, optional
        Names of the studies.
    tau_prior : TauPrior, optional
        `HalfNormal`, `HalfCauchy`, `HalfT`, `Exponential`, `Uniform` or `LogNormal`, in place
        of `tau_scale`.

    Returns
    -------
    BayesianEffect
        `mu.p_hr_below(1)` is the probability of benefit, `mu.p_hr_below(0.8)` that of a
        hazard ratio below 0.8.

    Raises
    ------
    ValueError
        For bad studies, a scale not above 0, a scale and a prior, or a level outside 0 to 1.
    TypeError
        Where `tau_prior` is not one of the priors.

    Examples
    --------
    >>> posterior = bayes([-0.9, -0.1, -0.5], [0.2, 0.2, 0.2])
    >>> round(posterior.hr, 3), round(posterior.mu.p_hr_below(1), 3)
    (0.607, 0.958)
    >>> from oligomdt.pooling import HalfCauchy
    >>> heavy = bayes([-0.9, -0.1, -0.5], [0.2, 0.2, 0.2], tau_prior=HalfCauchy(0.5))
    >>> round(heavy.hr, 3), round(heavy.mu.p_hr_below(1), 3)
    (0.607, 0.944)
    """
    studies = check_studies(log_hr, se, labels)
    prior, level = _check_prior(tau_scale, tau_prior), check_level(level)
    y, v = studies.log_hr, studies.variance
    marginal = _integrate(y, v, np.ones((studies.k, 1)), prior, level)
    tau, p = marginal.tau.nodes.ravel(), marginal.tau.weights.ravel()
    mean, variance = marginal.mean[:, 0], marginal.variance[:, 0]
    shrinkage = []
    for effect, error in zip(y, v, strict=True):
        pull = error / (error + tau**2)
        spread = np.sqrt((1 - pull) * error + pull**2 * variance)
        shrinkage.append(NormalMixture(p, (1 - pull) * effect + pull * mean, spread, level))
    tail = marginal.tau.tail
    return BayesianEffect(
        mu=NormalMixture(p, mean, np.sqrt(variance), level, tail),
        tau=marginal.tau,
        theta_new=NormalMixture(p, mean, np.sqrt(variance + tau**2), level, tail),
        shrinkage=tuple(shrinkage),
        log_marginal_likelihood=marginal.log_marginal_likelihood,
        tau_prior=prior,
        k=studies.k,
        level=level,
        labels=studies.labels,
    )


def bayes_interaction(
    log_hr: ArrayLike,
    se: ArrayLike,
    group: Sequence[Hashable],
    tau_scale: float | None = None,
    level: float = 0.95,
    reference: Hashable | None = None,
    labels: Sequence[str] | None = None,
    tau_prior: TauPrior | None = None,
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
    tau_scale : float, optional
        Scale of a half-normal prior, between 1e-9 and 1e6; 0.5 where no prior is given.
    level : float
        Level of the central credible intervals, between 0 and 1.
    reference : hashable, optional
        Group in the denominator of the ratios; default the first in the input.
    labels : sequence of str, optional
        Names of the studies.
    tau_prior : TauPrior, optional
        A named prior on tau in place of `tau_scale`, as in `bayes`.

    Returns
    -------
    BayesianDifference

    Raises
    ------
    ValueError
        For bad studies or groups, an unknown reference, a bad scale or level, or a scale and
        a prior.
    TypeError
        Where `tau_prior` is not one of the priors.

    Examples
    --------
    >>> posterior = bayes_interaction([-1.0, -0.8, -0.2], [0.4, 0.3, 0.3], ["a", "a", "b"])
    >>> round(float(np.exp(posterior.differences["b"].median)), 2)
    1.97
    """
    studies = check_studies(log_hr, se, labels)
    grouping = check_group(group, studies)
    base = grouping.index(reference)
    prior, level = _check_prior(tau_scale, tau_prior), check_level(level)
    marginal = _integrate(studies.log_hr, studies.variance, grouping.design, prior, level)
    p, mean, variance = marginal.tau.weights.ravel(), marginal.mean, marginal.variance
    tail = marginal.tau.tail
    groups, differences = {}, {}
    for i, name in enumerate(grouping.names):
        groups[name] = NormalMixture(p, mean[:, i], np.sqrt(variance[:, i]), level, tail)
        if i != base:
            gap, spread = mean[:, i] - mean[:, base], variance[:, i] + variance[:, base]
            differences[name] = NormalMixture(p, gap, np.sqrt(spread), level, tail)
    return BayesianDifference(
        groups, differences, grouping.names[base], marginal.tau, prior, level
    )


def _check_prior(tau_scale: float | None, tau_prior: TauPrior | None) -> TauPrior:
    if tau_prior is None:
        scale = DEFAULT_SCALE if tau_scale is None else tau_scale
        return HalfNormal(check_positive("tau_scale", scale))
    if not isinstance(tau_prior, TauPrior):
        raise TypeError(
            f"tau_prior is {tau_prior!r}; it must be a prior such as HalfNormal(0.5)"
        )
    if tau_scale is not None:
        raise ValueError(
            f"tau_scale is {tau_scale!r} and tau_prior is {tau_prior.name}; give one of them"
        )
    return tau_prior


def _scale(prior: TauPrior) -> float:
    return prior.scale if isinstance(prior, HalfNormal) else float("nan")


class _Marginal(NamedTuple):
    tau: TauPosterior
    mean: np.ndarray
    variance: np.ndarray
    log_marginal_likelihood: float


def _integrate(
    y: np.ndarray, v: np.ndarray, design: np.ndarray, prior: TauPrior, level: float
) -> _Marginal:
    """Posterior of tau on quadrature nodes, and the group means given each node."""

    def log_density(tau: np.ndarray) -> np.ndarray:
        f = model.fit(y, v, design, tau**2)
        return model.restricted_log_likelihood(f) + prior.log_density(tau)

    edges, peak = _panels(log_density, y, v, prior)
    unit, unit_weight = np.polynomial.legendre.leggauss(ORDER)
    half = np.diff(edges)[:, None] / 2
    nodes = edges[:-1, None] + half * (unit + 1)
    flat = nodes.ravel()
    mass = half * unit_weight * np.exp(log_density(flat) - peak).reshape(nodes.shape)
    constant = float(mass.sum())
    free = y.size - design.shape[1]
    tau = TauPosterior(
        nodes,
        mass / constant,
        level,
        lambda t: np.exp(log_density(t) - peak),
        edges,
        constant,
        # The likelihood falls as tau to the power of minus `free`.
        prior.tail + free,
    )
    f = model.fit(y, v, design, flat**2)
    evidence = np.log(constant) + peak - 0.5 * free * np.log(2 * np.pi)
    return _Marginal(tau, f.mean, 1 / f.total, float(evidence))


def _panels(
    log_density: Any, y: np.ndarray, v: np.ndarray, prior: TauPrior
) -> tuple[np.ndarray, float]:
    """Edges of panels over the tau that matter, and the largest log density.

    Even steps of asinh(tau / unit): close together near zero, by factors further out. What is
    left out adds less than 1e-20 to the mass and, where it exists, to the second moment.
    """
    spread = max(prior.typical, float(np.ptp(y)), float(np.sqrt(v.max())))
    unit = min(prior.smallest, float(np.sqrt(v.min())))
    farthest = min(max(prior.reach, 12) * spread, prior.limit)
    low, high = 0.0, float(np.arcsinh(farthest / unit))
    kept = np.empty(0)
    while kept.size < ENOUGH:
        position = np.linspace(low, high, GRID)
        height = log_density(np.minimum(unit * np.sinh(position), prior.limit))
        weighed = height + 3 * np.log(np.cosh(position))
        kept = np.flatnonzero(weighed > weighed.max() - 50)
        low, high = position[max(kept[0] - 1, 0)], position[min(kept[-1] + 1, GRID - 1)]
    panels = max(PANELS, int(np.ceil((high - low) / WIDEST_PANEL)))
    edges = unit * np.sinh(np.linspace(low, high, panels + 1))
    return np.minimum(edges, prior.limit), float(height.max())
