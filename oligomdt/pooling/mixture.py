"""Posterior distributions found by quadrature over tau: normal mixtures, and tau itself."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from oligomdt.pooling.validation import check_positive, check_proportion

__all__ = ["NormalMixture", "TauPosterior"]

# A heavy tail makes wide brackets, which take many halvings.
FINE = {"xtol": 1e-14, "maxiter": 1000}


class _Summary:
    """Mean, spread and central interval of a distribution that has `quantile`."""

    level: float

    @cached_property
    def median(self) -> float:
        """Posterior median."""
        return self.quantile(0.5)

    @cached_property
    def ci_low(self) -> float:
        """Lower limit of the central credible interval."""
        return self.quantile((1 - self.level) / 2)

    @cached_property
    def ci_high(self) -> float:
        """Upper limit of the central credible interval."""
        return self.quantile((1 + self.level) / 2)

    def summary(self) -> dict[str, Any]:
        """Mean, standard deviation, median and central limits."""
        names = ("mean", "sd", "median", "ci_low", "ci_high")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, eq=False)
class NormalMixture(_Summary):
    """A posterior on the log hazard ratio scale: normal given tau, mixed over tau.

    Attributes
    ----------
    weights, means, sds : numpy.ndarray, shape (nodes,)
        Probability of each node of tau, and mean and standard deviation given that tau.
    level : float
        Level of the central interval ``ci_low`` to ``ci_high``.
    tail : float
        Moments of an order below it exist. A heavy-tailed prior and few studies leave a
        posterior without standard deviation (``sd`` is inf) or without mean (nan).

    Examples
    --------
    >>> mixture = NormalMixture(np.array([1.0]), np.array([-0.5]), np.array([0.2]), 0.95)
    >>> round(mixture.ci_low, 3), round(mixture.p_hr_below(1), 4)
    (-0.892, 0.9938)
    """

    weights: np.ndarray
    means: np.ndarray
    sds: np.ndarray
    level: float
    tail: float = np.inf

    @cached_property
    def mean(self) -> float:
        """Posterior mean; nan where it does not exist."""
        return float(self.weights @ self.means) if self.tail > 1 else float("nan")

    @cached_property
    def sd(self) -> float:
        """Posterior standard deviation; inf, or nan without a mean, where there is none."""
        if self.tail <= 2:
            return float("inf") if self.tail > 1 else float("nan")
        spread = self.sds**2 + (self.means - self.mean) ** 2
        return float(np.sqrt(self.weights @ spread))

    def p_below(self, log_hr: float) -> float:
        """Posterior probability of a log hazard ratio below `log_hr` (log scale)."""
        return float(self.weights @ ndtr((log_hr - self.means) / self.sds))

    def p_hr_below(self, hr: float) -> float:
        """Posterior probability of a hazard ratio below `hr`, for example 1 or 0.8."""
        return self.p_below(np.log(check_positive("hr", hr)))

    def quantile(self, probability: float) -> float:
        """Value below which the log hazard ratio lies with `probability`."""
        check_proportion("probability", probability)
        each = self.means + ndtri(probability) * self.sds
        low, high = float(each.min()), float(each.max())
        # The quantile of a mixture lies between those of its parts.
        if not self.p_below(low) < probability < self.p_below(high):
            return low if self.p_below(low) >= probability else high
        found = brentq(lambda x: self.p_below(x) - probability, low, high, **FINE)
        return float(found)

    def interval(self, level: float) -> tuple[float, float]:
        """Central credible interval on the log scale at another level."""
        check_proportion("level", level)
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)


@dataclass(frozen=True, eq=False)
class TauPosterior(_Summary):
    """Posterior of the between-study standard deviation tau.

    Attributes
    ----------
    nodes, weights : numpy.ndarray, shape (panels, order)
        Values of tau and their probabilities (Gauss-Legendre in each panel).
    level : float
        Level of the central interval ``ci_low`` to ``ci_high``.
    density : callable
        Posterior density, up to `constant`, of an array of tau.
    edges : numpy.ndarray, shape (panels + 1,)
        Limits of the panels.
    constant : float
        Integral of `density`.
    tail : float
        Moments of an order below it exist; ``mean`` and ``sd`` are inf where they do not.
    """

    nodes: np.ndarray
    weights: np.ndarray
    level: float
    density: Any
    edges: np.ndarray
    constant: float
    tail: float = np.inf

    @cached_property
    def mean(self) -> float:
        """Posterior mean; inf where there is none."""
        return float((self.weights * self.nodes).sum()) if self.tail > 1 else float("inf")

    @cached_property
    def sd(self) -> float:
        """Posterior standard deviation; inf where there is none."""
        if self.tail <= 2:
            return float("inf")
        return float(np.sqrt((self.weights * (self.nodes - self.mean) ** 2).sum()))

    def quantile(self, probability: float) -> float:
        """Value below which tau lies with `probability`."""
        check_proportion("probability", probability)
        reached = np.concatenate([[0.0], np.cumsum(self.weights.sum(axis=1))])
        panel = min(int(np.searchsorted(reached, probability)) - 1, len(self.edges) - 2)
        left, right = self.edges[panel], self.edges[panel + 1]
        unit, unit_weight = np.polynomial.legendre.leggauss(20)

        def excess(tau: float) -> float:
            half = (tau - left) / 2
            mass = half * (unit_weight @ self.density(left + half * (unit + 1)))
            return reached[panel] + mass / self.constant - probability

        return float(brentq(excess, left, right, **FINE)) if excess(right) > 0 else right
